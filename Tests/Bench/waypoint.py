"""P9: what a waypoint costs, beside Envoy as a waypoint between the same agents.

Real pods and real capture: wrk or h2load in one pod, nginx in another on the other node, a waypoint with 100
routes and one policy between their agents. `direct` is the same without a mesh, `agents` without a waypoint.
In a second mesh Envoy is started where `apus-waypoint` would be.
"""

import contextlib
import functools
import os
import shutil
import tempfile

from EndToEnd.authority import Authority

from . import envoy_router, load, peers, processes, rounds
from .place import Place

ROUTES, ASKED, CONNECTIONS = 100, "/r/50/", 64
PORTS = {80: (8080, False), 81: (8081, True)}

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


def rules():
    match = "  - match: [{{uri: {{prefix: {}}}}}]\n    route: [{{destination: {{host: routed}}}}]"
    return RULES.format(routes="\n".join(match.format(path) for path in paths()))


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
    servers = ["plain", "routed"]
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        bare = stack.enter_context(Place(binaries, "bench0", folder, servers, is_bare=True))
        apus = stack.enter_context(Place(binaries, "bench1", folder, servers, rules(), flags))
        flags = ["--binaries", place, *flags]
        other = stack.enter_context(Place(binaries, "bench2", folder, servers, rules(), flags))
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
                start = functools.partial(place.mesh.exec_start, place.load)

                def run(command, **options):
                    return start(*command, **options)

                measured = load.wrk if tool == "wrk" else load.h2load
                return lambda: measured(run, url, CONNECTIONS, seconds, between)

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
                "processor_time_to_envoy": rounds.ratio(results, "us_per_request", "apus", "envoy"),
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
        rows.append(rounds.mark("P9", f"requests/s, {kind}", value, 1.4, is_more_better=True))
        value = report[kind]["processor_time_to_envoy"]["median"]
        rows.append(rounds.mark("P9", f"waypoint CPU per request, {kind}", value, None))
    rows.append(rounds.mark("P9", "resident MB", report["resident_megabytes"]["apus"], 16))
    return rows
