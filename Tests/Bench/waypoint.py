"""P9: what a waypoint costs, beside Envoy as a waypoint between the same agents.

Real pods and real capture: wrk or h2load in one pod, nginx in another on the other node, a waypoint with 100
routes and one policy between their agents. `direct` is the same without a mesh, `agents` without a waypoint.
In a second mesh Envoy is started where `apus-waypoint` would be.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile

from EndToEnd.authority import Authority
from EndToEnd.mesh import Mesh

from . import envoy_router, peers, processes, rounds

ROUTES, ASKED, CONNECTIONS = 100, "/r/50/", 64
PORTS = {80: (8080, False), 81: (8081, True)}

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder};
  proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 8080; listen [::]:8080; location / {{ return 200 "hello\\n"; }} }}
  server {{ listen 8081 http2; listen [::]:8081 http2; location / {{ return 200 "hello\\n"; }} }}
}}
"""

POD = """---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}, namespace: bench}}
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: bench, labels: {{app: {name}}}}}
spec:
  serviceAccountName: {name}
  nodeName: {node}
  containers: [{{name: {name}, image: none, command: {command}}}]
"""

SERVICE = """---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: bench}}
spec:
  selector: {{app: {name}}}
  ports: [{{name: http, port: 80, targetPort: 8080}}, {{name: http2, port: 81, targetPort: 8081}}]
"""

RULES = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: routed, namespace: bench}}
spec:
  hosts: [routed]
  http:
{routes}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: routed, namespace: bench}}
spec:
  selector: {{matchLabels: {{app: routed}}}}
  rules:
  - from: [{{source: {{principals: [cluster.local/ns/bench/sa/load]}}}}]
    to: [{{operation: {{methods: [GET], paths: [/r/*]}}}}]
"""


def paths():
    return [f"/r/{number}/" for number in range(ROUTES)]


class Place:
    """A mesh of its own on the bench's manifests; without agents and control plane if `is_bare`."""

    def __init__(self, binaries, name, folder, flags=(), is_bare=False):
        self.directory = os.path.join(folder, name)
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, "nginx.conf"), "w", encoding="utf-8") as file:
            file.write(NGINX.format(folder=self.directory))
        with open(os.path.join(self.directory, "bench.yaml"), "w", encoding="utf-8") as file:
            file.write(self.manifests())
        self.mesh = Mesh(binaries, name, self.directory)
        self.flags = ["--no-mesh"] if is_bare else ["--log-level", "warning", *flags]

    def manifests(self):
        server = f'[nginx, "-c", {self.directory}/nginx.conf]'
        label = "labels: {istio.io/dataplane-mode: ambient}"
        text = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: bench, {label}}}\n"
        text += POD.format(name="load", node="node-1", command='[sleep, "1000000"]')
        for name in ("plain", "routed"):
            text += POD.format(name=name, node="node-2", command=server) + SERVICE.format(name=name)
        routes = [
            f"  - match: [{{uri: {{prefix: {path}}}}}]\n    route: [{{destination: {{host: routed}}}}]"
            for path in paths()
        ]
        return text + RULES.format(routes="\n".join(routes))

    def __enter__(self):
        self.mesh.down()  # what a killed run may have left
        try:
            self.mesh.up(*self.flags)
            self.load = self.mesh.pod("bench", "load")
        except BaseException:
            self.mesh.down()
            raise
        return self

    def __exit__(self, *_):
        self.mesh.down()

    def address(self, service):
        answer = self.mesh.exec(self.load, "getent", "ahostsv4", service)
        return answer.stdout.split()[0]

    def ask(self, url):
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", url]
        return self.mesh.exec(self.load, *command).stdout

    def waypoint(self):
        """The process between the agents."""
        found = self.mesh.processes(self.mesh.pod("bench", "routed-waypoint"))
        named = [one for one in found if processes.program(one) in ("apus-waypoint", "envoy")]
        if len(named) != 1:
            raise SystemExit(f"bench: {len(named)} processes of a waypoint in {self.mesh.name}")
        return named[0]

    def agents(self):
        return [self.mesh.agent_process(node) for node in self.mesh.node_names()]


def loaded(place, tool, url, seconds, between=()):
    """Requests a second, and what a request costs in microseconds of processor time: `between` alone."""
    wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url]
    h2load = ["h2load", "-t1", "-c4", f"-m{CONNECTIONS // 4}", f"-D{seconds}", url]
    before = processes.processor_seconds(between)
    command = wrk if tool == "wrk" else h2load
    child = place.mesh.exec_start(place.load, *command, stdout=subprocess.PIPE, text=True)
    said, _ = child.communicate(timeout=seconds * 5 + 30)
    spent = processes.processor_seconds(between) - before
    if tool == "wrk":
        count = int(re.search(r"(\d+) requests in", said)[1])
        failed = sum(
            map(int, re.findall(r"(?:Non-2xx or 3xx responses: |connect |read |write |timeout )(\d+)", said))
        )
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    else:
        count = int(re.search(r"(\d+) 2xx", said)[1])
        failed = sum(int(one) for one in re.search(r"(\d+) 3xx, (\d+) 4xx, (\d+) 5xx", said).groups())
        failed += int(re.search(r"(\d+) errored", said)[1])
        rate = float(re.search(r"([\d.]+) req/s", said)[1])
    if failed or not count:
        raise SystemExit(f"bench: {failed} of {count} requests to {url} failed:\n{said}")
    figures = {"requests_per_second": rate}
    if between:
        figures["waypoint_us_per_request"] = spent / count * 1e6
    return figures


def stand_in(binaries, folder, envoy):
    """A folder in which `apus-waypoint` starts Envoy, as soon as its configuration is there."""
    place = os.path.join(folder, "stand-in")
    os.makedirs(place)
    for name in ("apus", "apus-agent", "apus-control"):
        os.symlink(os.path.join(binaries, name), os.path.join(place, name))
    script = os.path.join(place, "apus-waypoint")
    config = os.path.join(folder, "envoy.json")
    with open(script, "w", encoding="utf-8") as file:
        file.write(
            f"#!/bin/sh\nuntil [ -e {config} ]; do sleep 0.1; done\n"
            f"exec {envoy} -c {config} --concurrency 1 --disable-hot-restart --log-level error\n"
        )
    os.chmod(script, 0o755)
    return place, config


def measure(binaries, cache, count, seconds):
    """The figures of the waypoint bench, and its marks."""
    peers.install()
    folder = tempfile.mkdtemp(prefix="apus-bench-")
    os.chmod(folder, 0o755)
    authority = Authority(os.path.join(folder, "authority"), "apus bench root")
    pair = authority.issue("spiffe://cluster.local/ns/bench/sa/routed-waypoint")
    os.chmod(authority.folder, 0o755)
    for name in (pair.key, pair.certificate, authority.root.certificate):
        os.chmod(name, 0o644)
    flags = ["--ca-cert", authority.root.certificate, "--ca-key", authority.root.key]
    place, config = stand_in(binaries, folder, peers.envoy(cache))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        bare = stack.enter_context(Place(binaries, "bench0", folder, is_bare=True))
        apus = stack.enter_context(Place(binaries, "bench1", folder, flags))
        other = stack.enter_context(Place(binaries, "bench2", folder, ["--binaries", place, *flags]))
        pod = other.mesh.pod("bench", "routed").v4
        with open(config + ".part", "w", encoding="utf-8") as file:
            file.write(envoy_router.configuration(pair, authority.root.certificate, pod, PORTS, paths()))
        os.rename(config + ".part", config)
        for one in (apus, other):
            if (status := one.ask(f"http://routed{ASKED}")) != "200":
                raise SystemExit(f"bench: {one.mesh.name} answers {status}")
            if (status := one.ask("http://routed/other")) != "403":
                raise SystemExit(f"bench: the policy of {one.mesh.name} is not in force: {status}")
        report = {}
        for tool, port in (("wrk", 80), ("h2load", 81)):

            def contender(place, service, tool=tool, port=port):
                url = f"http://{place.address(service)}:{port}{ASKED}"
                if place is bare:  # nobody translates a service's address there
                    url = f"http://{place.mesh.pod('bench', service).v4}:{PORTS[port][0]}{ASKED}"
                between = [place.waypoint()] if service == "routed" and place is not bare else []
                return lambda: loaded(place, tool, url, seconds, between)

            results = rounds.run(
                {
                    "direct": contender(bare, "routed"),
                    "agents": contender(apus, "plain"),
                    "apus": contender(apus, "routed"),
                    "envoy": contender(other, "routed"),
                },
                count, "HTTP/1.1" if tool == "wrk" else "HTTP/2",
            )  # fmt: skip
            report["http1" if tool == "wrk" else "http2"] = {
                "figures": rounds.figures(results),
                "requests_per_second_to_envoy": rounds.ratio(results, "requests_per_second", "apus", "envoy"),
                "processor_time_to_envoy": rounds.ratio(results, "waypoint_us_per_request", "apus", "envoy"),
            }
        report["resident_megabytes"] = {
            "apus": processes.resident_megabytes(apus.waypoint()),
            "envoy": processes.resident_megabytes(other.waypoint()),
        }
    return report, marks(report)


def marks(report):
    rows = []
    for kind in ("http1", "http2"):
        value = report[kind]["requests_per_second_to_envoy"]["median"]
        rows.append(
            {
                "id": "P9",
                "what": f"requests/s to Envoy, {kind}",
                "value": value,
                "mark": 1.4,
                "reached": value >= 1.4,
            }
        )
        value = report[kind]["processor_time_to_envoy"]["median"]
        rows.append(
            {
                "id": "P9",
                "what": f"waypoint CPU per request to Envoy, {kind}",
                "value": value,
                "mark": None,
                "reached": None,
            }
        )
    value = report["resident_megabytes"]["apus"]
    rows.append({"id": "P9", "what": "resident MB", "value": value, "mark": 16, "reached": value <= 16})
    return rows
