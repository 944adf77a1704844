"""Row 28: what a waypoint dials: endpoints that are not enrolled."""

import collections
import json
import re
import subprocess
import urllib.request

from .. import netns, promtext
from ..claim import claim, hold
from .w_waypoint import Waypoints, question, same

ACCOUNT = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: NAME, namespace: production}
---
"""

SERVER = """\
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: SPACE}
spec:
  ipFamilyPolicy: PreferDualStack
  selector: {app: NAME}
  ports: [{name: http, port: 80, targetPort: PORT}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: SPACE}
spec:
  replicas: 1
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME, MORE}}
    spec:
      serviceAccountName: ACCOUNT
      containers:
      - name: server
        image: docker.io/library/python:3.11-slim
        command: COMMAND
        env: [{name: SERVICE, value: NAME}]
        ports: [{containerPort: PORT}]
---
"""


def server(name, account, command, port, space="production", more="version: v1"):
    """A service of that name, and the one pod behind it."""
    values = {
        "NAME": name, "SPACE": space, "ACCOUNT": account, "COMMAND": json.dumps(command), "PORT": str(port),
        "MORE": more}
    return re.sub("|".join(values), lambda found: values[found.group()], SERVER)


SHOP_SERVER = ["python3", "server.py", "8080"]
BLEND = (
    ACCOUNT.replace("NAME", "blend-sa") + server("blend", "blend-sa", SHOP_SERVER, 8080)
    + server("blend-out", "blend-sa", SHOP_SERVER, 8080, more="istio.io/dataplane-mode: none")
    + """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: blend, namespace: production}
spec:
  hosts: [blend]
  http:
  - match: [{headers: {x-to: {exact: out}}}]
    route: [{destination: {host: blend-out}}]
  - match: [{headers: {x-to: {exact: legacy}}}]
    route: [{destination: {host: legacy-server.legacy.svc.cluster.local}}]
  - route:
    - {destination: {host: blend}, weight: 50}
    - {destination: {host: blend-out}, weight: 25}
    - {destination: {host: legacy-server.legacy.svc.cluster.local}, weight: 25}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: production}
spec:
  selector: {matchLabels: {app: blend-out}}
  action: DENY
  rules:
  - to: [{operation: {paths: [/closed]}}]
""")

ENROLLED = """\
apiVersion: v1
kind: Namespace
metadata:
  name: production
  labels: {istio.io/dataplane-mode: ambient}
---
apiVersion: v1
kind: Namespace
metadata:
  name: legacy
  labels: {istio.io/dataplane-mode: ambient}
"""


class Dialing(Waypoints):
    """A mesh with one more waypoint."""

    def __init__(self, world, account, text):
        super().__init__(world)
        self.account = account
        self.write(f"{account}.yaml", text)

    def waypoint(self):
        return next(pod for pod in self.running() if pod.name.startswith(f"{self.account}-waypoint"))

    def lines(self):
        """The access lines of requests at the waypoint."""
        pod = self.waypoint()
        text = self.mesh.must("logs", "-n", pod.namespace, pod.name)
        return [line for line in text.splitlines() if "\taccess\t" in line]

    def told(self, path):
        """The record of the request for that path, which was asked for once."""

        def found():
            lines = [line for line in self.lines() if f"path={path} " in line]
            return lines or None

        lines = self.mesh.wait(found, f"a record of {path}", 10, 0.2)
        hold(len(lines) == 1, f"{len(lines)} records of {path}")
        return lines[0]

    def metrics(self):
        def ask():
            with urllib.request.urlopen("http://127.0.0.1:15020/metrics", timeout=10) as answer:
                return answer.read().decode()

        return promtext.parse(netns.inside(self.mesh.place(self.waypoint()), ask))

    def sockets(self):
        """Where the waypoint's own TCP connections lead: (address, port)."""

        def ask():
            return subprocess.run(
                ["ss", "-Htn"], check=True, capture_output=True, text=True).stdout

        lines = netns.inside(self.mesh.place(self.waypoint()), ask).splitlines()
        ends = [line.split()[4].rpartition(":") for line in lines if len(line.split()) > 4]
        return {(address.strip("[]"), int(port)) for address, _, port in ends}


def field(line, name):
    found = re.search(rf"\b{re.escape(name)}=(\S+)", line)
    return found.group(1) if found else None


@claim("28a", "A waypoint dials what is not enrolled in plain TCP, asks policy for it, and never others")
def plain(world):
    with Dialing(world, "blend-sa", BLEND) as dialing:
        web = dialing.pod("web-")
        url = "http://blend"
        outcomes = dialing.ask(web, *[question(f"{url}/")] * 400)
        same(outcomes, 200)
        split = collections.Counter(json.loads(one["body"])["service"] for one in outcomes)
        # Halves and quarters of 400, six deviations around them.
        hold(140 <= split["blend"] <= 260, f"split {dict(split)}")
        hold(all(48 <= split[name] <= 152 for name in ("blend-out", "legacy-server")), f"split {dict(split)}")
        own = {dialing.waypoint().v4, dialing.waypoint().v6}
        peers = {
            json.loads(one["body"])["peer"] for one in outcomes
            if json.loads(one["body"])["service"] != "blend"}
        hold(peers <= own, f"applications outside see {peers}, and not the waypoint's address {own}")

        closed = dialing.ask(web, question(f"{url}/closed", headers={"x-to": "out"}))[0]
        hold(closed.get("status") == 403 and closed["reason"] == "policy:production/closed", f"{closed}")
        hold(field(dialing.told("/closed"), "response_code") == "403", "the denial has no record")
        for to, path in (("out", "/one-out"), ("legacy", "/one-legacy")):
            dialing.ask(web, question(f"{url}{path}", headers={"x-to": to}))
            line = dialing.told(path)
            hold(field(line, "dst.security") == "none", f"a plain connection is told as another: {line}")
        out = dialing.pod("blend-out-")
        inside = next(
            one for one in dialing.mesh.pods("production", "blend-")
            if not one.name.startswith(("blend-out", "blend-sa")))
        page = dialing.metrics()
        for name, policy in (("blend", "mutual_tls"), ("blend-out", "unknown")):
            count = promtext.total(
                page, "istio_requests_total", destination_workload=name, response_code="200",
                connection_security_policy=policy)
            hold(count >= split[name], f"{name}: {count:.0f} of {split[name]} requests are {policy}")
        ends = dialing.sockets()
        ports = {port for address, port in ends if address in (inside.v4, inside.v6)}
        hold(ports == {15008}, f"the waypoint is connected to ports {ports} of an enrolled pod")
        hold((out.v4, 8080) in ends or (out.v6, 8080) in ends, f"no plain connection among {ends}")

        # Enrolled while it runs: the next requests go in tunnels.
        dialing.write("namespace.yaml", ENROLLED)

        def tunneled():
            path = f"/enrolled-{tunneled.count}"
            tunneled.count += 1
            answer = dialing.ask(web, question(f"{url}{path}", headers={"x-to": "legacy"}))[0]
            hold(answer.get("status") is not None, f"while it is being enrolled: {answer}")
            return field(dialing.told(path), "dst.security") == "mutual_tls"

        tunneled.count = 0
        dialing.mesh.wait(tunneled, "tunnels to what is enrolled now", 30, 0.2)
        return (
            f"{split['blend']}/{split['blend-out']}/{split['legacy-server']} of 400 to an enrolled pod, one "
            "outside and another namespace; 403 at the waypoint for one outside; enrolled: tunnels"
        )
