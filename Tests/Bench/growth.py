"""P12: whether a connection costs more where the mesh is large: the same two pods in a mesh of their own, and
in one with 50,000 services and 50,000 policies of others."""

import functools

from . import load, processes, rounds
from .trio import Trio

MANY = 50_000
NAMESPACES = 500

_NAMESPACE = "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: other-{0}}}\n"
_SERVICE = """---
apiVersion: v1
kind: Service
metadata: {{name: service-{0}, namespace: other-{1}}}
spec: {{selector: {{app: service-{0}}}, ports: [{{name: tcp, port: 80}}]}}
"""
_POLICY = """---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: policy-{0}, namespace: other-{1}}}
spec:
  action: ALLOW
  rules: [{{from: [{{source: {{principals: [cluster.local/ns/other-{1}/sa/peer-{0}]}}}}]}}]
"""


def others(count):
    """Manifests that concern neither of the two pods: a file for each namespace."""
    files = {}
    for number in range(NAMESPACES):
        parts = [_NAMESPACE.format(number)]
        for one in range(number, count, NAMESPACES):
            parts += [_SERVICE.format(one, number), _POLICY.format(one, number)]
        files[f"other-{number}.yaml"] = "".join(parts)
    return files


def measure(binaries, cache, count, seconds):
    with Trio(binaries, cache, {"large": ((), others(MANY))}) as trio:
        ways = {name: trio.ways[name] for name in ("apus", "large")}
        results = rounds.run(
            {
                name: functools.partial(
                    load.wrk, way.start, way.url, 64, seconds, way.between, is_new=True
                )
                for name, way in ways.items()
            },
            count, "a connection for each request",
        )  # fmt: skip
        cost = rounds.ratio(results, "us_per_request", "large", "apus")
        held = {
            name: [processes.resident_megabytes(one, "RssAnon") for one in way.between]
            for name, way in ways.items()
        }
    report = {
        "figures": rounds.figures(results),
        "processor_time_to_small": cost,
        "anonymous_megabytes": held,
    }
    what = f"CPU per connection with {MANY:,} services and policies, to 0 of them"
    return report, [rounds.mark("P12", what, cost["median"], 1.1)]
