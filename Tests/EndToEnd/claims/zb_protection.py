"""Row 27: what a hostile client sends through a waypoint costs itself, and nobody else."""

import json
import subprocess
import sys
import urllib.request

from .. import netns, promtext
from ..claim import claim, hold
from ..world import HERE
from .w_waypoint import Waypoints

BOTH = """\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: both-sa
  namespace: production
  annotations:
    apus.io/waypoint: always
    apus.io/max-header-bytes: "HEAD"
    apus.io/request-head-timeout: 2s
    apus.io/stream-idle-timeout: 3s
---
apiVersion: v1
kind: Service
metadata: {name: both, namespace: production}
spec:
  selector: {app: both}
  ports:
  - {name: http, port: 80, targetPort: 8000}
  - {name: http2, port: 81, targetPort: 8001}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: both, namespace: production}
spec:
  replicas: 1
  selector: {matchLabels: {app: both}}
  template:
    metadata: {labels: {app: both}}
    spec:
      serviceAccountName: both-sa
      containers:
      - name: both
        image: docker.io/library/python:3.11-slim
        command: [PYTHON, PEERS/both.py, "8000"]
        ports: [{containerPort: 8000}, {containerPort: 8001}]
"""

# Each by so many connections, and the reason for which the waypoint ends them.
FLOODS = {
    "rapid-reset": "rapid-reset", "continuation-flood": "continuation-flood",
    "settings-flood": "control-flood", "ping-flood": "control-flood", "empty-frames": "empty-frames",
    "idle-frames": "idle-frames", "too-many-streams": "too-many-streams", "header-bomb": "header-bomb",
}
CONNECTIONS = 10
# The waypoint's resident memory at its highest, whatever comes: what waits for clients and endpoints is
# 256 MiB at most on its one worker, and of floods nothing waits.
FLOOD_MEMORY, HELD_MEMORY = 192 << 20, 384 << 20
KIB = 1 << 10


class Attacked(Waypoints):
    """A mesh with a server behind a waypoint that is short of patience."""

    def __init__(self, world, head=64 * KIB):
        super().__init__(world)
        text = BOTH.replace("PEERS", f"{HERE}/peers").replace("PYTHON", sys.executable)
        self.write("both.yaml", text.replace("HEAD", str(head)))

    def __enter__(self):
        super().__enter__()
        self.mesh.wait_ready("production", "both-sa-waypoint", 1)
        self.web = self.pod("web-")
        return self

    def peer(self, pod, *words, **options):
        """The attacker's program in a pod, started."""
        return self.mesh.exec_start(
            pod, sys.executable, f"{HERE}/peers/attacker.py", *words, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, **options)

    def attack(self, name, port, count):
        """How many of the connections the waypoint has ended."""
        said, error = self.peer(self.web, name, "both", str(port), str(count)).communicate(timeout=120)
        hold(said.strip(), f"{name}: the attacker failed: {error[-400:]}")
        return json.loads(said)

    def page(self):
        def ask():
            with urllib.request.urlopen("http://127.0.0.1:15020/metrics", timeout=10) as answer:
                return answer.read().decode()

        pod = next(pod for pod in self.running() if pod.name.startswith("both-sa-waypoint"))
        return promtext.parse(netns.inside(self.mesh.place(pod), ask))

    def ended(self, reason, family="apus_connections_ended_total"):
        return promtext.total(self.page(), family, reason=reason)

    def counted(self, reason, by, known=0, family="apus_connections_ended_total"):
        """How much more is counted than was known, once the page tells: workers are asked once a second."""
        self.mesh.wait(
            lambda: self.ended(reason, family) - known >= by, f"the metrics count {by} as {reason}", 10, 0.2)
        return self.ended(reason, family) - known

    def highest_memory(self):
        """Of the waypoint's process since its start, in bytes."""
        found = self.processes("production/both-sa")
        hold(found, "the waypoint's process is gone")
        with open(f"/proc/{found[0]}/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmHWM:"))
        return int(line.split()[1]) << 10

    def growth(self, before, limit):
        after = self.highest_memory()
        hold(after <= limit, f"the waypoint grew from {before >> 20} to {after >> 20} MiB")
        return f"memory {before >> 20} to at most {after >> 20} MiB"


class Steady:
    """Another tenant's requests through the same waypoint for as long as the block lasts."""

    def __init__(self, attacked):
        self.attacked = attacked

    def __enter__(self):
        tenant = self.attacked.pod("order-service-")
        self.process = self.attacked.peer(
            tenant, "steady", "both", "80", "0.02", stdin=subprocess.PIPE)
        return self

    def __exit__(self, kind, *_):
        try:
            said, error = self.process.communicate(input="end\n", timeout=60)
        finally:
            self.process.kill()
        if kind is None:
            hold(said.strip(), f"the other tenant failed: {error[-400:]}")
            self.seen = json.loads(said)
            asked, served = self.seen["asked"], self.seen["served"]
            failures = self.seen["failures"]
            hold(asked > 0 and served == asked, f"another tenant: {served} of {asked} served, {failures}")


@claim("27a", "Floods over HTTP/2 end their own connections, each counted; another tenant notices nothing")
def floods(world):
    with Attacked(world) as attacked:
        before = attacked.highest_memory()
        with Steady(attacked) as steady:
            for name, reason in FLOODS.items():
                known = attacked.ended(reason)
                ended = attacked.attack(name, 81, CONNECTIONS)["ended"]
                hold(ended == CONNECTIONS, f"{name}: {ended} of {CONNECTIONS} connections were ended")
                counted = attacked.counted(reason, CONNECTIONS, known)
                hold(counted == CONNECTIONS, f"{name}: the metrics count {counted:.0f} as {reason}")
        memory = attacked.growth(before, FLOOD_MEMORY)
        return (
            f"{len(FLOODS)} floods by {CONNECTIONS} connections each: all ended and counted; another tenant "
            f"{steady.seen['served']} of {steady.seen['asked']} served; {memory}"
        )


@claim("27b", "Slow heads, slow bodies and responses that nobody reads end in time, and are counted")
def slow(world):
    with Attacked(world) as attacked:
        before = attacked.highest_memory()
        with Steady(attacked) as steady:
            for name in ("slow-head", "slow-body"):
                ended = attacked.attack(name, 80, 50)["ended"]
                hold(ended == 50, f"{name}: {ended} of 50 connections were answered 408 and ended")
                counted = attacked.counted(name, 50)
                hold(counted == 50, f"{name}: the metrics count {counted:.0f}")
            bodies = attacked.counted("slow-body", 50, family="apus_requests_ended_total")
            hold(bodies == 50, f"the metrics count {bodies:.0f} requests with slow bodies")
            done = attacked.attack("unread", 81, 4)["ended"]
            hold(done == 4, f"unread: on {4 - done} of 4 connections not every stream was reset")
            unread = attacked.counted("unread-response", 360, family="apus_requests_ended_total")
            hold(unread == 360, f"unread: the metrics count {unread:.0f} of 360 streams")
            attacked.mesh.wait(
                lambda: promtext.total(attacked.page(), "apus_waypoint_held_bytes") < 1 << 20,
                "what nobody reads is let go", 15, 0.5)
        memory = attacked.growth(before, HELD_MEMORY)
        return (
            f"50 slow heads and 50 slow bodies answered 408, 360 unread streams reset; another tenant "
            f"{steady.seen['served']} of {steady.seen['asked']} served; {memory}"
        )


@claim("27c", "Heads up to the account's limit of 1 MiB pass, both HTTPs, both ways; beyond it is said why")
def heads(world):
    sizes = {60 * KIB: True, 200 * KIB: True, 1000 * KIB: True, 1060 * KIB: False}
    with Attacked(world, 1 << 20) as attacked:
        for kind, refusal in (("heads", 431), ("answers", 502)):
            for size, fits in sizes.items():
                seen = attacked.attack(kind, 80, size)
                for version, (status, said) in seen.items():
                    place = f"{kind} of {size} bytes over {version}"
                    hold(status == (200 if fits else refusal), f"{place}: {status}")
                    hold(fits or "1048576 bytes" in said, f"{place}: the limit is not named: {said!r}")
        return "requests and answers of 60, 200 and 1,000 KiB pass; above 1 MiB 431 and 502 name the limit"
