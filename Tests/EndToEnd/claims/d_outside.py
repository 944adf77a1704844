"""Row 4: what is not the mesh's business passes unchanged."""

import json

from ..claim import claim, hold
from ..mesh import ok_bodies
from ..world import OUTSIDE_PEER_BASE, OUTSIDE_PORT, OUTSIDE_V4, OUTSIDE_V6, bracket

MEGABYTE = 1_000_000
AGENT_PORTS = {15001, 15006, 15008, 15053}


def visit(world, pod):
    """What a pod experiences with the machine outside, over both families; its own address as `me`."""
    seen = {}
    for family, address, mine in (("v4", OUTSIDE_V4, pod.v4), ("v6", OUTSIDE_V6, pod.v6)):
        url = f"http://{bracket(address)}:{OUTSIDE_PORT}"
        down = world.mesh.fetch(pod, f"{url}/bytes?size={8 * MEGABYTE}")[0]
        hold("error" not in down, f"{family}: {down.get('error')}")
        up = ok_bodies(world.mesh.fetch(pod, f"{url}/upload", method="POST", size=8 * MEGABYTE))[0]
        base = str(OUTSIDE_PEER_BASE)
        scenes = {
            scene: world.mesh.play(pod, "client.py", scene, address, base)[0]
            for scene in ("banner", "client-ends-first", "server-ends-first", "server-resets")
        }
        sent = {"bytes": down["bytes"], "sha256": down["sha256"], "peer": down["peer"]}
        back = [up["received"], up["sha256"]]
        seen[family] = {"down": sent, "up": back, "source": up["peer"], **scenes}
        seen[family] = json.loads(json.dumps(seen[family]).replace(f'"{mine}"', '"me"'))
        hold(seen[family]["source"] == "me", f"the host outside saw {up['peer']}, not the pod's {mine}")
    return seen


@claim("4a", "From an enrolled pod to an outside address traffic passes unchanged, from the pod's address")
def outside(world):
    inside, plain = visit(world, world.web()), visit(world, world.mesh.pod("legacy", "legacy-client"))
    hold(inside == plain, f"enrolled {inside} and not enrolled {plain} differ")
    return "8 MB each way, half-close, reset, banner, v4 and v6: identical with and without the mesh"


@claim("4b", "A pod that is not enrolled is not touched")
def untouched(world):
    client = world.mesh.pod("legacy", "legacy-client")
    server = world.mesh.pod("legacy", "legacy-server")
    hold(client.captured_by is None and server.captured_by is None, "apus dev ps says that it is captured")
    bodies = ok_bodies(world.mesh.fetch(client, f"http://{server.v4}:8080/", count=10))
    peers = {body["peer"] for body in bodies}
    hold(peers == {client.v4}, f"its server saw {peers}")
    foreign = listening(world, server) & AGENT_PORTS
    hold(not foreign, f"the agent listens in its namespace on {foreign}")
    held = listening(world, world.web()) & AGENT_PORTS
    hold({15001, 15006, 15008} <= held, f"the control failed: in an enrolled pod only {held} are seen")
    return f"0 agent ports in its namespace (an enrolled pod has {len(held)}), peer seen {client.v4}"


def listening(world, pod):
    """The TCP ports on which anything listens in a pod's namespace."""
    process = world.mesh.processes(pod)[0]
    ports = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{process}/net/{table}", encoding="ascii") as file:
            for line in list(file)[1:]:
                local, state = line.split()[1], line.split()[3]
                if state == "0A":
                    ports.add(int(local.rsplit(":", 1)[1], 16))
    return ports
