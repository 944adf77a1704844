"""Row 7: what TCP promises to an application is kept: the same scenes with the mesh and without."""

import json
import threading
import time

from ..claim import claim, hold
from ..world import bracket, resident

BASE = "7000"
GIGABYTE = 1_000_000_000
# What an agent may grow by while a reader is slow: one stream's window (4 MiB), the queues on both of its
# sides, and the sockets' share, with room for the allocator.
GROWTH_ALLOWED = 32 * 1024 * 1024
CROWD = 1000


def play(world, scene, options=None, timeout=120):
    """What a scene showed in the mesh, by the service's virtual IPs, and outside, by the pod's addresses.

    Each is {family: observation}, with the client's own address in it written as `me`.
    """
    answers = []
    for namespace in ("production", "legacy"):
        client = world.mesh.pod(namespace, "peer-client")
        server = world.mesh.pod(namespace, "peer-server")
        hosts = world.addresses(client, "peer") if namespace == "production" else (server.v4, server.v6)
        seen = {}
        for host, mine in zip(hosts, (client.v4, client.v6)):
            arguments = (scene, host, BASE, json.dumps(options or {}))
            observed = world.mesh.play(client, "client.py", *arguments, timeout=timeout)[0]
            hold("error" not in observed, f"{namespace}, {bracket(host)}: {observed.get('error')}")
            seen["v6" if ":" in host else "v4"] = json.loads(json.dumps(observed).replace(mine, "me"))
        answers.append(seen)
    return answers


def same(world, *scenes):
    """Plays scenes and holds that the mesh made no difference; the observations with the mesh, by scene."""
    kept = {}
    for scene in scenes:
        meshed, plain = play(world, scene)
        hold(meshed == plain, f"{scene}: with the mesh {meshed}, without {plain}")
        kept[scene] = meshed
    return kept


@claim("7a", "A server that speaks first is heard at once, as without the mesh")
def server_first(world):
    seen = same(world, "banner")["banner"]["v4"]
    hold(seen["first"].startswith("220 "), f"the banner was {seen['first']!r}")
    return "banner, echo and farewell identical over v4 and v6"


@claim("7b", "Half-close works each way, as without the mesh")
def half_close(world):
    seen = same(world, "client-ends-first", "server-ends-first")
    for scene in seen.values():
        for one in scene.values():
            hold(one["intact"] and one["peer"] == "me", f"{one}")
    return "1 MiB each way, the other side goes on after the end of one, v4 and v6: identical"


@claim("7c", "A reset stays a reset, each way, as without the mesh")
def resets(world):
    seen = same(world, "server-resets", "client-resets")
    for scene, families in seen.items():
        for one in families.values():
            hold(one["end"] == "reset", f"{scene}: the end was seen as {one['end']}")
    return "reset by the server and by the client seen as a reset by the other, v4 and v6"


class Watch:
    """Samples the agents' resident memory while something happens."""

    def __init__(self, world):
        self._processes = {node: world.mesh.agent_process(node) for node in world.mesh.node_names()}
        self.before = {node: resident(process) for node, process in self._processes.items()}
        self.most = dict(self.before)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._ended.wait(0.02):
            for node, process in self._processes.items():
                self.most[node] = max(self.most[node], resident(process))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *ignored):
        self._ended.set()
        self._thread.join()

    def growth(self):
        return max(self.most[node] - self.before[node] for node in self.most)


def megabytes(count):
    return f"{count / 1e6:.0f} MB"


@claim("7d", "1 GB each way with a slow reader arrives intact, and the agents' memory stays bounded")
def gigabyte(world):
    client = world.mesh.pod("production", "peer-client")
    four, six = world.addresses(client, "peer")
    slow = {"size": GIGABYTE, "pause": 2, "rate": 200_000_000}
    figures = []
    with Watch(world) as watch:
        for scene, host in (("server-ends-first", four), ("client-ends-first", six)):
            started = time.monotonic()
            arguments = (scene, host, BASE, json.dumps(slow))
            seen = world.mesh.play(client, "client.py", *arguments, timeout=180)[0]
            hold("error" not in seen, f"{scene}: {seen.get('error')}")
            hold(seen["bytes"] == GIGABYTE and seen["intact"], f"{scene}: {seen}")
            figures.append(f"{time.monotonic() - started:.0f} s")
    grown, most = watch.growth(), max(watch.most.values())
    hold(grown <= GROWTH_ALLOWED, f"an agent grew by {megabytes(grown)}, to {megabytes(most)}")
    return (
        f"1 GB down in {figures[0]}, up in {figures[1]}, digests equal; an agent grew by at most "
        f"{megabytes(grown)} (allowed {megabytes(GROWTH_ALLOWED)}), to {megabytes(most)}"
    )


@claim("7e", "1,000 concurrent connections, over each family, behave as without the mesh")
def crowd(world):
    meshed, plain = play(world, "crowd", {"count": CROWD}, timeout=180)
    hold(meshed == plain, f"with the mesh {meshed}, without {plain}")
    for family, one in meshed.items():
        hold(one["open"] == CROWD and one["answered"] == [CROWD, CROWD], f"{family}: {one}")
    return f"{CROWD} open at once over v4 and v6, each answered twice and ended in order"
