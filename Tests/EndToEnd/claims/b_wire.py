"""Row 2: on the wire there is only TLS 1.3 to port 15008, judged from raw packets."""

import collections
import json
import secrets

from .. import tls_records
from ..capture import TCP, appears, flows
from ..claim import claim, hold

HBONE = 15008
ICMP6 = 58
NEIGHBOUR_DISCOVERY = range(133, 138)


def talk(world, pod, url):
    """Posts a marker that comes back in the reply's header and body; the marker."""
    marker = "apus-" + secrets.token_hex(16)
    outcomes = world.mesh.fetch(
        pod, url, count=8, method="POST", body=f"<{marker}>", headers={"x-marker": marker}
    )
    for one in outcomes:
        hold(one.get("status") == 200, f"{url}: {one.get('error') or one.get('status')}")
        hold(one["body"] == f"<{marker}>" and one["headers"]["x-marker"] == marker, f"{url}: another reply")
    return marker.encode()


def enrolled(world):
    """Every address of every pod that the mesh holds."""
    return {address for pod in world.mesh.pods("production") for address in pod.addresses}


@claim("2a", "Between enrolled pods there is only TLS 1.3 on port 15008, and nothing by any other port")
def only_tls(world):
    web = world.web()
    world.secret = talk(world, web, "http://order-service/echo")
    # The control of the experiment: the same from a pod outside to a pod outside, on the other node.
    server = world.mesh.pod("legacy", "peer-server")
    client = world.mesh.pod("legacy", "peer-client")
    hold(server.node != client.node, "the pods of the control are on one node")
    world.control = secrets.token_hex(16).encode()
    play = {"tag": world.control.decode(), "size": 64}
    world.mesh.play(client, "client.py", "client-ends-first", server.v4, "7000", json.dumps(play))
    capture = world.capture.stop()
    hold(capture.lost == 0, f"the kernel dropped {capture.lost} packets of the capture")
    ours = enrolled(world)
    between = [p for p in capture.packets if p.source in ours and p.destination in ours]
    stray = collections.Counter(describe(p) for p in between if not (belongs(p) or discovers(p)))
    hold(not stray, f"{sum(stray.values())} packets by another way: {stray.most_common(3)}")
    sessions = [flow for flow in flows(between) if flow.said_by_server]
    hold(sessions, "no connection between enrolled pods was captured")
    ciphers = collections.Counter()
    for flow in sessions:
        try:
            version, cipher = tls_records.judge(flow)
        except tls_records.NotTLS as reason:
            hold(False, f"{flow.client} to {flow.server} is not TLS: {reason}")
        hold(version == tls_records.TLS_1_3, f"{flow.server} chose version {version:#06x}")
        ciphers[cipher] += 1
    suites = ", ".join(f"{cipher} x{count}" for cipher, count in ciphers.items())
    return f"{len(between)} packets, {len(sessions)} TLS 1.3 sessions ({suites}), 0 by another port"


@claim("2b", "Not one byte of a request or a reply is in clear on any link")
def nothing_in_clear(world):
    hold(getattr(world, "secret", None), "row 2a did not get as far as sending its marker")
    packets = world.capture.packets
    seen = appears(packets, world.control)
    hold(seen, "the capture cannot see: the marker sent in clear outside the mesh is not in it")
    leaked = appears(packets, world.secret)
    hold(not leaked, f"{len(leaked)} packets show the marker: {describe(leaked[0]) if leaked else ''}")
    return f"marker in 0 of {len(packets)} packets; the control's, sent in clear outside, in {len(seen)}"


def belongs(packet):
    return packet.protocol == TCP and HBONE in (packet.source_port, packet.destination_port)


def discovers(packet):
    """Neighbour discovery, which no mesh may encrypt."""
    return packet.protocol == ICMP6 and packet.payload[:1] and packet.payload[0] in NEIGHBOUR_DISCOVERY


def describe(packet):
    return (
        f"{packet.source}:{packet.source_port} to {packet.destination}:{packet.destination_port} "
        f"protocol {packet.protocol}"
    )
