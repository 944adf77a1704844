"""Row 26: every form of HTTP through a waypoint, by independent peers on both sides."""

import json
import os
import subprocess
import sys

from ..claim import CannotRun, claim, hold
from ..world import HERE
from .w_waypoint import Waypoints

VOICES = """\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: voices-sa
  namespace: production
  annotations:
    apus.io/waypoint: always
    apus.io/client-fields: x-forwarded-client-cert, forwarded
---
apiVersion: v1
kind: Service
metadata: {name: voices, namespace: production}
spec:
  selector: {app: voices}
  ports:
  - {name: http, port: 80, targetPort: 8000}
  - {name: things, port: 81, targetPort: 8000}
  - {name: others, port: 85, targetPort: 8002}
  - {name: mail, port: 25, targetPort: 8001}
  - {name: any, port: 82, targetPort: 8002, appProtocol: kubernetes.io/h2c}
  - {name: grpc, port: 83, targetPort: 8003}
  - {name: http-socket, port: 84, targetPort: 8004}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: voices, namespace: production}
spec:
  replicas: 1
  selector: {matchLabels: {app: voices}}
  template:
    metadata: {labels: {app: voices}}
    spec:
      serviceAccountName: voices-sa
      containers:
      - name: voices
        image: docker.io/library/python:3.11-slim
        command: [PYTHON, PEERS/manyvoices.py, "8000"]
        ports: [{containerPort: 8000}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-secrets, namespace: production}
spec:
  selector: {matchLabels: {app: voices}}
  action: DENY
  rules:
  - from: [{source: {serviceAccounts: [web-sa]}}]
    to: [{operation: {paths: [/voices.Many/Secret], ports: ["8003"]}}]
"""

FLAGS = ("--http1.0", "--http1.1", "--http2", "--http2-prior-knowledge")
CERTIFICATE = (
    "By=spiffe://cluster.local/ns/production/sa/voices-sa;URI=spiffe://cluster.local/ns/production/sa/web-sa"
)
MIB = 1 << 20


class Voices(Waypoints):
    """A mesh with an application of many protocols behind a waypoint."""

    def __init__(self, world):
        super().__init__(world)
        for module in ("h2", "grpc", "websockets"):
            found = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True)
            if found.returncode:
                raise CannotRun(f"{sys.executable} has no module {module}: run Scripts/setup")
        self.write("voices.yaml", VOICES.replace("PEERS", f"{HERE}/peers").replace("PYTHON", sys.executable))

    def __enter__(self):
        super().__enter__()
        self.mesh.wait_ready("production", "voices-sa-waypoint-", 1, 30)
        self.web = self.pod("web-")
        # The application's own start: its last port answers.
        probe = "import socket; socket.create_connection(('voices', 84), 5)"
        self.mesh.wait(
            lambda: self.mesh.exec(self.web, sys.executable, "-c", probe).returncode == 0
            and self.curl("http://voices/ready").returncode == 0,
            "the application serves", 30, 0.5)
        return self

    def curl(self, *words):
        return self.mesh.exec(self.web, "curl", "-sS", "-m", "25", *words)

    def plays(self, what, timeout=120):
        answer = self.mesh.exec(
            self.web, sys.executable, f"{HERE}/peers/manyasks.py", what, "voices", timeout=timeout)
        hold(answer.returncode == 0, f"{what} failed: {answer.stderr[-900:]}")
        return json.loads(answer.stdout)


def status_of(process):
    with open(f"/proc/{process}/status", encoding="utf-8") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    return {name: int(lines[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")}


def agree(seen, wanted):
    wrong = {name: seen.get(name) for name, value in wanted.items() if seen.get(name) != value}
    hold(not wrong, f"other than expected: {json.dumps(wrong)[:700]}")


@claim("26a", "HTTP/1.0, 1.1 and 2 by curl and by hand, to applications of either, with all they may say")
def web(world):
    with Voices(world) as voices:
        count = 0
        large = os.path.join(voices.directory, "..", "large")
        with open(large, "wb") as file:
            file.write(os.urandom(3 * MIB))
        calls = [(port, flag) for port in (80, 82) for flag in FLAGS]
        # Where nothing is declared, the application must speak what the client does.
        calls += [(81, flag) for flag in FLAGS[:3]] + [(85, FLAGS[3])]
        for port, flag in calls:
            version = "HTTP/1.1" if port in (80, 81) else "HTTP/2"
            expect = ("-H", "expect: 100-continue", "--data-binary", f"@{large}")
            for more in ((), expect):
                answer = voices.curl(flag, f"http://voices:{port}/path?q=1", *more)
                hold(answer.returncode == 0, f"curl {flag} to port {port}: {answer.stderr}")
                try:
                    got = json.loads(answer.stdout)
                except ValueError:
                    hold(False, f"curl {flag} to port {port}: {answer.stdout[:200]}")
                wanted = 3 * MIB if more else 0
                hold(got["length"] == wanted, f"{flag} to {port}: {got['length']} of {wanted} bytes")
                hold(got["version"] == version, f"port {port} was asked in {got['version']}")
                count += 1
        seen = voices.plays("web")
        agree(seen, {
            "chunked": [200, "hello world", {"x-sum": "11"}, "yes"],
            "pipelined": [f"/pipelined/{number}" for number in range(5)],
            "old": [[200, 200], 200, "hello", False, ""],
            "alone": [[200, False, True], [204, False, False], [304, False, False], [200, True, True]],
            "early": 413, "half": ["/half", ""], "continue": [[103, 100], True],
            "continue2": [[103, 100], True], "connect": ["200", "ping\n", 502], "h2c": [],
            "certificate": CERTIFICATE,
        })
        told = seen["forwarded"] or ""
        hold(told.startswith("for=") and voices.web.v4 in told or voices.web.v6 in told, f"forwarded: {told}")
        return f"{count} calls of curl, {len(seen)} things by hand; the application is told {CERTIFICATE}"


@claim("26b", "Streams pass event by event, servers may speak first, and a slow reader holds its sender back")
def streams(world):
    with Voices(world) as voices:
        seen = voices.plays("streams")
        events = [f"data: {number}" for number in range(3)]
        agree(seen, {
            "http/1.1": events, "http/2": events,
            "first": ["220 speaks first", "250 HELO me"], "found1": True, "found2": "200",
        })
        figures = []
        for way in ("download", "upload"):
            process = next(iter(voices.processes("production/voices-sa")), None)
            hold(process, "there is no waypoint")
            before = status_of(process)["VmRSS"]
            with open(f"/proc/{process}/clear_refs", "w", encoding="ascii") as file:
                file.write("5")  # the peak begins anew
            asker = voices.mesh.exec_start(
                voices.web, sys.executable, f"{HERE}/peers/manyasks.py", way, "voices",
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                line = asker.stdout.readline()
                hold(line, f"{way} failed: {asker.stderr.read()[-300:] if not line else ''}")
                held = json.loads(line)["held"]
                grown = status_of(process)["VmRSS"] - before
                out, error = asker.communicate("\n", timeout=120)
            finally:
                asker.kill()
            hold(asker.returncode == 0, f"{way} failed: {error[-300:]}")
            agree(json.loads(out), {"length": 64 * MIB, "whole": True})
            peak = status_of(process)["VmHWM"] - before
            hold(held and held < 40 * MIB, f"{way}: {held} bytes were taken though nobody read")
            hold(peak < 16 * MIB, f"{way}: the waypoint grew by {peak / MIB:.1f} MiB")
            sizes = f"held at {held / MIB:.1f} MiB, waypoint +{grown / MIB:.1f}, peak +{peak / MIB:.1f} MiB"
            figures.append(f"{way} {sizes}")
        return "; ".join(figures)


@claim("26c", "gRPC: four kinds of calls, status and metadata, deadline, cancellation, denial by policy")
def rpc(world):
    with Voices(world) as voices:
        seen = voices.plays("grpc")
        denied = "RBAC: access denied (policy:production/no-secrets)"
        agree(seen, {
            "unary": "echo hello", "large": 3_000_005, "served": ["0", "1", "2", "3"], "collected": "a,b,c",
            "chat": ["re 1", "re 2", "re 3"],
            "status": ["FAILED_PRECONDITION", "100% no \u00e4nderung", "as asked", "00ff"],
            "denied": ["PERMISSION_DENIED", denied], "deniedStream": ["PERMISSION_DENIED", denied],
            "left": True, "deadline": "DEADLINE_EXCEEDED", "cancelled": ["cancelled", "cancelled"],
        })
        return f"{len(seen)} kinds of calls by python3-grpcio; denied: {seen['denied'][0]}"


@claim("26d", "WebSockets over HTTP/1.1 and 2, to applications of either, with their own close codes")
def sockets(world):
    with Voices(world) as voices:
        seen = voices.plays("sockets")
        talked = ["hello", True, 4002]
        agree(seen, {
            "one-one": ["hello", True, 4002, "4002 enough", 4001, "as asked"],
            "one-two": [101, True, False] + talked,
            "two-one": [1, "200", False] + talked + ["4002 enough"],
            "two-two": [1, "200", False] + talked, "other": "501",
        })
        return "python3-websockets and python3-h2, 4 ways; codes 4001 and 4002 kept; other protocols 501"
