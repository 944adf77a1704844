"""Row 1: a pod reaches a service by name and by virtual IP; its own agent picks among all endpoints."""

import collections

from ..capture import Capture
from ..claim import claim, hold
from ..mesh import ok_bodies
from ..world import bracket

REQUESTS = 150


def shares(bodies, pods):
    """How the answers were spread over the pods, each of which must have had a fair part of them."""
    counts = collections.Counter(body["pod"] for body in bodies)
    missing = {pod.name for pod in pods} - set(counts)
    hold(not missing, f"{len(missing)} of {len(pods)} endpoints never answered: {dict(counts)}")
    fair = len(bodies) / len(pods)
    hold(min(counts.values()) > fair / 3, f"not spread over the endpoints: {dict(counts)}")
    return "/".join(str(count) for count in sorted(counts.values()))


@claim("1a", "A pod reaches a service by name, spread over all its endpoints on both nodes")
def by_name(world):
    pods = world.mesh.pods("production", "order-service-")
    hold(len(pods) == 3, f"3 pods of order-service were expected, not {len(pods)}")
    bodies = ok_bodies(world.mesh.fetch(world.web(), "http://order-service/", count=REQUESTS))
    nodes = {pod.node for pod in pods}
    hold(len(nodes) == 2, f"the endpoints are all on {nodes}")
    return f"{REQUESTS} new connections, 3 of 3 pods on 2 nodes: {shares(bodies, pods)}"


@claim("1b", "The same by virtual IP, IPv4 and IPv6; the application sees the address that it dialed")
def by_virtual_address(world):
    web, parts = world.web(), []
    pods = world.mesh.pods("production", "order-service-")
    for address in world.addresses(web, "order-service"):
        hold(address, "order-service has no virtual IP of both families in the pod")
        outcomes = world.mesh.fetch(web, f"http://{bracket(address)}/", count=60)
        bodies = ok_bodies(outcomes)
        peers = {tuple(one["peer"]) for one in outcomes}
        hold(peers == {(address, 80)}, f"getpeername said {peers}, not {(address, 80)}")
        parts.append(f"{address} {shares(bodies, pods)}")
    return "; ".join(parts)


@claim("1c", "A pod behind a service calls another service by name: web, order-service, payment-service")
def chained(world):
    outcomes = world.mesh.fetch(
        world.web(),
        "http://order-service.production.svc.cluster.local/v1/orders",
        count=40,
        method="POST",
        ids=True,
    )
    payments = [body["payment"] for body in ok_bodies(outcomes)]
    hold(all(payment.get("times") == 1 for payment in payments), "a payment was taken more than once")
    seen = shares(payments, world.mesh.pods("production", "payment-service-"))
    return f"40 orders paid once each, payment pods {seen}"


@claim("1d", "The server sees the address of the pod that called, over both families")
def true_source(world):
    web, seen = world.web(), []
    for address, mine in zip(world.addresses(web, "order-service"), (web.v4, web.v6)):
        bodies = ok_bodies(world.mesh.fetch(web, f"http://{bracket(address)}/", count=6))
        peers = {body["peer"] for body in bodies}
        hold(peers == {mine}, f"the server saw {peers}, and the pod is {mine}")
        seen.append(mine)
    return "seen: " + ", ".join(seen)


@claim("1e", "The endpoint is picked by the client's agent: no virtual IP leaves the pod's node")
def picked_by_client(world):
    web = world.web()
    virtual = {address for address in world.addresses(web, "order-service") if address}
    with Capture([world.mesh.place("fabric")]) as capture:
        ok_bodies(world.mesh.fetch(web, "http://order-service/", count=30))
    leaked = [p for p in capture.packets if {p.source, p.destination} & virtual]
    hold(not leaked, f"{len(leaked)} packets between the nodes bear a virtual IP")
    hold(capture.packets, "the capture saw nothing at all")
    return f"{len(capture.packets)} packets between the nodes, 0 with a virtual IP"
