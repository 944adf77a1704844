"""Row 5: inbound plaintext is let in under PERMISSIVE with its true source, and refused under STRICT."""

import re

from ..claim import claim, hold
from ..mesh import ok_bodies
from ..world import bracket

STRICT = """\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: production
spec:
  mtls:
    mode: STRICT
"""


def ends(world):
    """(a client outside the mesh, a server in it)."""
    return world.mesh.pod("legacy", "legacy-client"), world.mesh.pod("production", "payment-service-")


@claim("5a", "Plaintext from outside the mesh arrives under PERMISSIVE, with its true source address")
def permissive(world):
    client, server = ends(world)
    for address, mine in ((server.v4, client.v4), (server.v6, client.v6)):
        bodies = ok_bodies(world.mesh.fetch(client, f"http://{bracket(address)}:8080/", count=25))
        peers = {body["peer"] for body in bodies}
        hold(peers == {mine}, f"the server saw {peers}, and the client is {mine}")
    return f"50 of 50 served, the server saw {client.v4} and {client.v6}"


@claim("5b", "The same is refused once the namespace's PeerAuthentication is STRICT, and the mesh goes on")
def strict(world):
    client, server = ends(world)
    url = f"http://{server.v4}:8080/"
    before = len(world.mesh.log(f"agent {server.node}"))
    world.write("peer-authentication.yaml", STRICT)
    try:
        world.mesh.wait(
            lambda: "error" in world.mesh.fetch(client, url, timeout=3)[0], "STRICT takes effect", 15
        )
        for address in (server.v4, server.v6):
            outcomes = world.mesh.fetch(client, f"http://{bracket(address)}:8080/", count=10, timeout=3)
            served = [one for one in outcomes if "error" not in one]
            hold(not served, f"{len(served)} of 10 plaintext requests were served")
            slow = [one for one in outcomes if "Timeout" in one["error"]]
            hold(not slow, f"{len(slow)} of 10 hung instead of being refused")
        ok_bodies(world.mesh.fetch(world.web(), "http://payment-service/", count=20))
        line = world.logged(server.node, before, re.compile("mtls-required|mutual TLS", re.IGNORECASE))
    finally:
        world.remove("peer-authentication.yaml")
    world.mesh.wait(
        lambda: "error" not in world.mesh.fetch(client, url, timeout=3)[0], "PERMISSIVE is back", 15
    )
    reason = re.search("mtls-required|mutual TLS", line, re.IGNORECASE).group()
    return f"20 of 20 refused ({outcomes[0]['error']}), logged {reason}; 20 of 20 over mutual TLS served"
