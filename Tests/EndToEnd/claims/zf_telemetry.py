"""Row 30: what the mesh tells: metrics that Prometheus reads, access lines and traces as Telemetry says."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from Checkers import dashboards, families

from .. import netns, otlp, promtext
from ..claim import CannotRun, Refuted, claim, hold
from ..moods import Crowd
from ..tokens import ES256, Issuer, key_set
from ..world import OUTSIDE_V4, ROOT
from .w_waypoint import Repeating, Waypoints, question, same

METRICS, ADMIN, CONTROL, PROMETHEUS, COLLECTOR = 15020, 15000, 15014, 9090, 4318
ORDERS = "http://order-service/"

# What promtool finds fault with, in a name that is the ecosystem's.
KNOWN = re.compile(r"istio_request_duration_milliseconds use base unit")


class Telling(Waypoints):
    """A mesh whose waypoints stay, with flags of its own."""

    def __init__(self, world, *flags):
        super().__init__(world)
        self.flags = flags

    def __enter__(self):
        self.mesh.down()
        self.mesh.up("--waypoint-idle", "600", *self.flags)
        return self

    @property
    def fabric(self):
        return self.mesh.place("fabric")

    def get(self, place, url, method="GET"):
        def ask():
            request = urllib.request.Request(url, method=method)
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        return netns.inside(place, ask)

    def page(self, place, port, path="/metrics", host="127.0.0.1", method="GET"):
        status, text = self.get(self.mesh.place(place), f"http://{host}:{port}{path}", method)
        hold(status == 200, f"{place} answers {path} with {status}: {text[:200]}")
        return text

    def targets(self):
        """{what: where its metrics are, from the fabric}."""
        nodes = {one["name"]: one["addresses"][0] for one in self.mesh.report()["nodes"]}
        found = {name: f"{address}:{METRICS}" for name, address in nodes.items()}
        found |= {pod.name: f"{pod.v4}:{METRICS}" for pod in self.running()}
        return found | {"control": f"{OUTSIDE_V4}:{CONTROL}"}

    def lines(self, *what):
        return [line for line in self.mesh.must("logs", *what).splitlines() if "\taccess\t" in line]


def lint(page):
    """What promtool says against a page, but for names that are not ours to choose."""
    answer = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=60)
    # 1: it cannot be read; 3: it can, and something is against the customs.
    hold(answer.returncode in (0, 3), f"promtool: {answer.stderr[:400]}")
    return [line for line in answer.stderr.splitlines() if line.strip() and not KNOWN.search(line)]


@claim("30a", "promtool has nothing to say against the pages of agents, a waypoint and the control plane")
def pages(world):
    with Telling(world) as telling:
        web = telling.pod("web-")
        same(telling.ask(web, *[question(ORDERS)] * 5), 200)
        families, wanted = {}, {
            "node-1": [
                "istio_tcp_connections_opened_total", "istio_build", "process_cpu_seconds_total",
                "process_start_time_seconds", "apus_tunnels_opened_total", "istio_xds_message_total",
                "istio_xds_connection_terminations_total", "apus_xds_rejections_total",
                "apus_xds_last_update_timestamp_seconds", "apus_certificate_expiry_timestamp_seconds",
                "apus_certificates_issued_total", "apus_certificate_failures_total",
                "apus_capture_map_entries", "apus_traffic_series_overflow_total", "apus_pods_not_ready",
                "apus_log_lines_dropped_total", "apus_records_dropped",
            ],
            "control": [
                "apus_control_subscribers", "apus_control_pushes_total", "apus_control_push_bytes_total",
                "apus_control_push_seconds", "apus_control_rejections_total",
                "apus_control_certificates_total", "istio_build",
            ],
            "waypoint": [
                "istio_requests_total", "istio_request_duration_milliseconds", "istio_request_bytes",
                "istio_response_bytes", "apus_xds_connected", "apus_certificates_issued_total",
            ],
        }
        texts = {}
        for name, place in telling.targets().items():
            texts[name] = telling.get(telling.fabric, f"http://{place}/metrics")[1]
            said = lint(texts[name])
            hold(not said, f"{name}: {said[:4]}")
            families[name] = promtext.parse(texts[name])
        waypoint = next(pod.name for pod in telling.running())
        for name, names in wanted.items():
            missing = [one for one in names if one not in families[waypoint if name == "waypoint" else name]]
            hold(not missing, f"{name} does not tell {missing}")
        agent = families["node-1"]
        hold(promtext.total(agent, "apus_xds_connected") == 1, "the agent does not follow")
        hold(promtext.total(agent, "istio_xds_message_total") >= 3, "no pushes were received")
        ends = [value for _, _, value in agent["apus_certificate_expiry_timestamp_seconds"]]
        hold(ends and min(ends) > time.time(), f"certificates end at {ends}")
        control = families["control"]
        hold(promtext.total(control, "apus_control_subscribers", kind="agent") == 2, "not two agents follow")
        waypoints = promtext.total(control, "apus_control_subscribers", kind="waypoint")
        hold(waypoints >= 1, "no waypoint follows")
        issued = promtext.total(control, "apus_control_certificates_total", answer="issued")
        had = sum(promtext.total(one, "apus_certificates_issued_total") for one in families.values())
        hold(issued == had, f"{issued:.0f} certificates were signed, {had:.0f} were had")
        count = sum(len(samples) for one in families.values() for samples in one.values())
        return f"{len(texts)} pages, {count} samples; {issued:.0f} certificates signed and had"


@contextlib.contextmanager
def scraping(telling, folder):
    """A Prometheus in the fabric that reads every page of the mesh each second."""
    os.makedirs(folder, exist_ok=True)
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [
            {"job_name": "apus", "static_configs": [{"targets": list(telling.targets().values())}]}
        ],
    }
    path = os.path.join(folder, "prometheus.yml")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    check = ["promtool", "check", "config", path]
    checked = subprocess.run(check, capture_output=True, text=True, timeout=60)
    hold(checked.returncode == 0, f"promtool: {checked.stderr or checked.stdout}")
    with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
        server = netns.start(
            telling.fabric,
            ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{PROMETHEUS}"],
            stdout=log, stderr=log)
    try:
        yield
    finally:
        server.terminate()
        server.wait(timeout=20)


def prometheus(telling, path, **fields):
    """Status and answer of Prometheus's API; 0 while it does not answer. While it starts it answers 503, in
    words."""
    url = f"http://127.0.0.1:{PROMETHEUS}/api/v1/{path}?{urllib.parse.urlencode(fields)}"
    try:
        status, answer = telling.get(telling.fabric, url)
    except OSError as error:
        return 0, {"error": str(error)}
    return status, json.loads(answer) if answer.startswith("{") else {"error": answer}


def query(telling, text):
    """The one value of a query; None while there is none."""
    status, answer = prometheus(telling, "query", query=text)
    if status != 200:
        return None
    result = answer["data"]["result"]
    return float(result[0]["value"][1]) if len(result) == 1 else None


@claim("30b", "A real Prometheus scrapes agents, waypoint and control plane, and its answers are right")
def scraped(world):
    with Telling(world) as telling:
        web = telling.pod("web-")
        same(telling.ask(web, question(ORDERS)), 200)
        with scraping(telling, os.path.join(world.folder, "prometheus")):
            places = len(telling.targets())
            telling.mesh.wait(
                lambda: query(telling, 'sum(up{job="apus"})') == places, f"{places} targets are up", 40, 0.5)
            outcomes = telling.ask(web, *[question(ORDERS)] * 30)
            same(outcomes, 200)
            wanted = {
                'sum(istio_requests_total{reporter="waypoint",source_workload="web",response_code="200",'
                'destination_service="order-service.production.svc.cluster.local",'
                'connection_security_policy="mutual_tls"})': 31,
                'sum(istio_tcp_connections_opened_total{reporter="source",source_workload="web",'
                'destination_service_name="order-service",connection_security_policy="mutual_tls"})': 31,
                'sum(istio_tcp_connections_closed_total{reporter="source",source_workload="web",'
                'destination_service_name="order-service"})': 31,
                'sum(istio_request_duration_milliseconds_count{source_workload="web"})': 31,
            }
            for text, value in wanted.items():
                telling.mesh.wait(
                    lambda text=text, value=value: query(telling, text) == value,
                    f"{text} is {value} (it is {query(telling, text)})", 20, 0.5)
            scrapes = query(telling, 'sum(count_over_time(up{job="apus"}[5m]))')
            failed = query(telling, 'sum(count_over_time((up{job="apus"} == 0)[5m:1s]))')
        return (
            f"{places} targets; 31 requests and 31 connections by {scrapes:.0f} scrapes, "
            f"{failed or 0:.0f} failed"
        )


def results(telling, text):
    """The series of a query, which must be one that Prometheus can read."""
    status, answer = prometheus(telling, "query", query=text)
    hold(status == 200 and not answer.get("warnings"), f"Prometheus, of {text}: {status} {answer}")
    return answer["data"]["result"]


TELEMETRY = """\
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: mesh, namespace: istio-system}
spec:
  tracing:
  - randomSamplingPercentage: SAMPLING
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: orders, namespace: production}
spec:
  targetRefs: [{kind: Service, name: order-service}]
  accessLogging:
  - filter: {expression: "response.code >= 400 || request.url_path.startsWith('/told')"}
  tracing:
  - customTags:
      stage: {literal: {value: test}}
      tenant: {header: {name: x-tenant, defaultValue: nobody}}
  metrics:
  - overrides:
    - match: {metric: REQUEST_COUNT}
      tagOverrides:
        stage: {operation: UPSERT, value: "'test'"}
        source_version: {operation: REMOVE}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: web, namespace: production}
spec:
  selector: {matchLabels: {app: web}}
  accessLogging:
  - {match: {mode: CLIENT}, disabled: true}
"""


# Of an account that needs no waypoint.
PLAIN = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: plain-sa, namespace: production}
---
apiVersion: v1
kind: Service
metadata: {name: plain, namespace: production}
spec:
  selector: {app: plain}
  ports: [{name: tcp-plain, port: 80, targetPort: 8000}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: plain, namespace: production}
spec:
  replicas: 1
  selector: {matchLabels: {app: plain}}
  template:
    metadata: {labels: {app: plain}}
    spec:
      serviceAccountName: plain-sa
      containers:
      - name: plain
        image: docker.io/library/python:3.11-slim
        command: [PYTHON, -m, http.server, --bind, "::", "8000"]
        ports: [{containerPort: 8000}]
"""


@contextlib.contextmanager
def collecting(telling, *refusals):
    """A collector on the machine outside the mesh, and the spans that it has taken so far."""
    program = otlp.python(ROOT)
    if program is None:
        raise CannotRun(f"{otlp.DEFINITIONS} cannot be installed from PyPI")
    path = os.path.join(telling.directory, "..", "spans")
    open(path, "w", encoding="utf-8").close()
    server = netns.start(
        telling.fabric, [program, otlp.__file__, OUTSIDE_V4, str(COLLECTOR), path, *map(str, refusals)])

    def taken():
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file.read().splitlines()]
        return [line for line in lines if "refused" not in line], sum("refused" in line for line in lines)

    try:
        yield taken
    finally:
        server.kill()
        server.wait()


def spans_of(found, **wanted):
    return [
        one for one in found
        if all(one["attributes"].get(key.replace("__", ".")) == text for key, text in wanted.items())
    ]


def telling_of(world, sampling):
    telling = Telling(world, "--otlp-endpoint", f"http://{OUTSIDE_V4}:{COLLECTOR}")
    telling.write("telemetry.yaml", TELEMETRY.replace("SAMPLING", sampling))
    telling.write("plain.yaml", PLAIN.replace("PYTHON", sys.executable))
    return telling


@claim("30c", "Each request and connection is one span in a real OTLP collector, in the client's trace")
def traced(world):
    with telling_of(world, "0") as telling, collecting(telling, 503, 429) as taken:
        web = telling.pod("web-")
        trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
        kept = {"traceparent": f"00-{trace}-{parent}-01", "x-tenant": "acme"}
        left = {"traceparent": f"00-{'1' * 32}-{parent}-00"}
        zipkin = {"b3": f"{'a' * 32}-{parent}-1"}
        same(telling.ask(web, question(ORDERS, headers=kept), question(ORDERS, headers=left),
                         question(ORDERS, headers=zipkin), question(ORDERS)), 200)

        def requests():
            found = spans_of(taken()[0], http__request__method="GET")
            return found if len(found) >= 2 else None

        # The first messages are refused, and sent again.
        found = telling.mesh.wait(requests, "two spans of requests", 40, 0.5)
        hold(len(found) == 2, f"{len(found)} spans: the others were not to be kept")
        hold(taken()[1] == 2, "the collector's refusals were not answered by another try")
        first = next(one for one in found if one["trace"] == trace)
        hold(first["parent"] == parent and first["span"] not in (parent, ""), f"its place: {first}")
        zipkins = [one for one in found if one["trace"] == "a" * 32 and one["parent"] == parent]
        hold(zipkins, "B3 is not followed")
        told = first["attributes"]
        facts = {
            "http.response.status_code": 200, "url.path": "/", "stage": "test", "tenant": "acme",
            "server.address": "order-service", "apus.destination.namespace": "production",
            "apus.source.identity": "spiffe://cluster.local/ns/production/sa/web-sa",
            "apus.destination.identity": "spiffe://cluster.local/ns/production/sa/order-service-sa",
        }
        wrong = {key: told.get(key) for key, wanted in facts.items() if told.get(key) != wanted}
        hold(not wrong, f"attributes of the request: {wrong}")
        hold(first["kind"] == 2 and first["start"] < first["end"], "its kind and times")
        resource = first["resource"]
        hold(resource.get("service.name") == "order-service-sa-waypoint"
             and resource.get("k8s.namespace.name") == "production", f"who tells: {resource}")
        hold(zipkins[0]["attributes"]["tenant"] == "nobody", "the default of a header that is not there")

        telling.write("telemetry.yaml", TELEMETRY.replace("SAMPLING", "100"))

        def connected():
            same(telling.ask(web, question("http://plain/")), 200)
            every = taken()[0]
            inner = spans_of(every, apus__direction="inbound", apus__source__workload=web.name)
            for outer in spans_of(every, apus__direction="outbound", apus__source__workload=web.name):
                for one in inner:
                    if one["trace"] == outer["trace"]:
                        return outer, one
            return None

        outer, inner = telling.mesh.wait(connected, "the spans of both ends of a connection", 60, 0.5)
        hold(outer["parent"] == "" and inner["parent"] == outer["span"], f"places: {outer} {inner}")
        hold((outer["kind"], inner["kind"]) == (3, 2), "kinds")
        hold(outer["resource"].get("service.name") == "web", f"who tells: {outer['resource']}")
        hold(inner["resource"].get("service.name") == "plain", f"who tells: {inner['resource']}")
        hold(outer["resource"].get("k8s.node.name") == web.node, f"on which node: {outer['resource']}")
        for one in (outer, inner):
            told = one["attributes"]
            hold(told["apus.bytes_sent"] > 0 and told["apus.bytes_received"] > 0, f"bytes: {told}")
            hold(told["apus.close_reason"] == "complete" and told["apus.mtls"] is True, f"its end: {told}")
            hold(told.get("apus.rtt_us", 0) > 0 and told.get("apus.retransmits", -1) >= 0, f"network: {told}")
            hold(told["apus.source.identity"].endswith("/sa/web-sa"), f"identities: {told}")
            hold(told["apus.destination.identity"].endswith("/sa/plain-sa"), f"identities: {told}")

        def publications():
            return [span for span in taken()[0] if span["name"] == "publish"]

        # Those before there was a collector are sent again, with pauses that grow; an edit makes one more.
        telling.write("telemetry.yaml", TELEMETRY.replace("SAMPLING", "1"))
        published = telling.mesh.wait(publications, "the span of a publication", 40, 0.5)
        hold(published[0]["resource"].get("service.name") == "apus-control", f"whose it is: {published[0]}")
        return (
            f"2 of 4 requests kept as asked, W3C and B3, after 503 and 429; {len(taken()[0])} spans in all, "
            f"a connection's round trip {told['apus.rtt_us']} us"
        )


@claim("30d", "Telemetry decides which access lines are written and which labels metrics have, while it runs")
def chosen(world):
    with Telling(world) as telling:
        telling.write("telemetry.yaml", TELEMETRY.replace("SAMPLING", "1"))
        web = telling.pod("web-")
        same(telling.ask(web, question(ORDERS)), 200)

        def lines():
            pods = telling.running()
            return [line for pod in pods for line in telling.lines("-n", pod.namespace, pod.name)]

        def followed():
            same(telling.ask(web, question(f"{ORDERS}told")), 200)
            pages = [promtext.parse(telling.page(pod, METRICS)) for pod in telling.running()]
            return sum(promtext.total(page, "istio_requests_total", stage="test") for page in pages)

        telling.mesh.wait(followed, "the waypoint has what Telemetry says", 20, 0.3)
        before = len(lines())
        clients = [line for node in telling.mesh.node_names() for line in telling.lines("agent", node)]
        written = sum("direction=outbound" in line and "src.workload=web-" in line for line in clients)
        same(telling.ask(web, *[question(f"{ORDERS}quiet")] * 10, *[question(f"{ORDERS}told")] * 3), 200)
        telling.mesh.wait(lambda: len(lines()) >= before + 3, "three lines", 10, 0.2)
        after = lines()
        hold(len(after) == before + 3, f"{len(after) - before} lines, not 3")
        hold(not any("path=/quiet" in line for line in after), "a line that the filter forbids")
        clients = [line for node in telling.mesh.node_names() for line in telling.lines("agent", node)]
        now = sum("direction=outbound" in line and "src.workload=web-" in line for line in clients)
        hold(now == written, "the client's agent writes lines though they are disabled")
        for pod in telling.running():
            page = promtext.parse(telling.page(pod, METRICS))
            staged = [labels for _, labels, _ in page["istio_requests_total"] if labels.get("stage")]
            kept = [labels for labels in staged if "source_version" in labels]
            hold(staged and not kept, f"labels: {staged[:1]}")
            sizes = page["istio_request_bytes"]
            hold(all("source_version" in labels for _, labels, _ in sizes), "another metric has changed too")
        return "3 of 13 requests written, none of the client's connections; one label added, one removed"


# The keys that the parser of istioctl has, with their types (istioctl/pkg/writer/ztunnel/configdump/api.go).
SHAPE = {
    "workloads": {
        "workloadIps": list, "protocol": str, "name": str, "namespace": str, "serviceAccount": str,
        "workloadName": str, "workloadType": str, "canonicalName": str, "canonicalRevision": str,
        "clusterId": str, "trustDomain": str, "locality": dict, "node": str, "network": str, "status": str,
        "uid": str, "capacity": int,
    },
    "services": {
        "name": str, "namespace": str, "hostname": str, "vips": list, "ports": dict, "endpoints": dict,
        "subjectAltNames": list,
    },
    "policies": {"name": str, "namespace": str, "scope": str, "action": str, "rules": list},
    "certificates": {"identity": str, "state": str, "certChain": list, "rootCerts": list},
}
CERTIFICATE = {"pem": str, "serialNumber": str, "validFrom": str, "expirationTime": str}


def shaped(element, shape, what):
    for key, kind in shape.items():
        hold(isinstance(element.get(key), kind), f"{what}.{key} is {element.get(key)!r}")


@claim("30e", "/config_dump has the keys that istioctl parses, /logging and a profile while it runs")
def administered(world):
    with Telling(world) as telling:
        web = telling.pod("web-")
        same(telling.ask(web, question(ORDERS)), 200)
        held = telling.mesh.exec_start(
            web, "python3", "-c",
            "import socket,sys;s=socket.create_connection(('order-service',80));print('open',flush=True);"
            "sys.stdin.read()", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            hold(held.stdout.readline() == "open\n", "no connection")
            dump = telling.mesh.wait(
                lambda: live(json.loads(telling.page(web.node, ADMIN, "/config_dump"))),
                "the connection in the dump", 10, 0.2)
        finally:
            held.kill()
        for key, shape in SHAPE.items():
            hold(dump.get(key), f"{key} is empty")
            for element in dump[key]:
                shaped(element, shape, key)
        for certificate in dump["certificates"]:
            for one in certificate["certChain"] + certificate["rootCerts"]:
                shaped(one, CERTIFICATE, "certificate")
                time.strptime(one["expirationTime"], "%Y-%m-%dT%H:%M:%SZ")
                hold("BEGIN CERTIFICATE" in decoded(one["pem"]), "pem is no certificate")
        order = next(one for one in dump["services"] if one["name"] == "order-service")
        hold(order["waypoint"]["destination"].startswith("production/") and order["endpoints"], f"{order}")
        hold(all(vip.startswith("/") for vip in order["vips"]), "vips are not NETWORK/ADDRESS")
        for rule in [rule for policy in dump["policies"] for rule in policy["rules"]]:
            hold(isinstance(rule, list) and all(isinstance(clause, list) for clause in rule), f"{rule}")
        levels = [
            telling.page(web.node, ADMIN, "/logging"),
            telling.page(web.node, ADMIN, "/logging?level=access:debug,agent=warning", method="POST"),
            telling.page(web.node, ADMIN, "/logging?level=error", method="POST"),
            telling.page(web.node, ADMIN, "/logging?reset", method="POST"),
        ]
        hold([one.split(" is ")[1].strip() for one in levels]
             == ["info", "info,access=debug,agent=warning", "error", "info"], f"levels: {levels}")
        status, said = telling.get(
            telling.mesh.place(web.node), f"http://127.0.0.1:{ADMIN}/logging?level=loud", "POST")
        hold(status == 400 and "loud" in said, f"a level that is none: {status} {said}")
        crowd = Crowd(telling.mesh, web, {"url": ORDERS, "connections": 8, "until": True})
        try:
            profile = telling.page(web.node, ADMIN, "/debug/profile?seconds=2")
        finally:
            crowd.finish()
        stacks = dict(line.rsplit(" ", 1) for line in profile.splitlines())
        # The data path's thread, in the function that it never leaves.
        own = [stack for stack in stacks if stack.startswith("worker-0;") and "WorkerC3run" in stack]
        hold(own, f"no stack of a worker: {list(stacks)[:3]}")
        samples = sum(map(int, stacks.values()))
        counts = ", ".join(f"{len(dump[key])} {key}" for key in SHAPE)
        return (
            f"{counts}; a live connection with its tunnel; 4 changes of level, one refused; a profile of "
            f"{samples} samples"
        )


def decoded(text):
    import base64

    return base64.b64decode(text).decode()


def live(dump):
    for state in dump["workloadState"].values():
        for one in state["connections"]["outbound"]:
            if one["protocol"] == "HBONE" and one["originalDst"].endswith(":80"):
                hold(state["info"]["serviceAccount"] == "web-sa", f"whose connection: {state['info']}")
                hold(one["actualDst"].endswith(":15008") and one["src"], f"the connection: {one}")
                return dump
    return None


# What gives the dashboards something to show, besides what the shop says: `plain` serves strangers in plain
# text and is watched, `nobody` has no endpoints, requests for payments are copied, tokens are read.
SEEN = """\
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: mesh, namespace: istio-system}
spec:
  tracing:
  - randomSamplingPercentage: 100
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: plain, namespace: production}
spec:
  selector: {matchLabels: {app: plain}}
  mtls: {mode: PERMISSIVE}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: watch, namespace: production}
spec:
  selector: {matchLabels: {app: plain}}
  action: AUDIT
  rules:
  - from: [{source: {serviceAccounts: [web-sa]}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nobody, namespace: production, annotations: {istio.io/dry-run: "true"}}
spec:
  selector: {matchLabels: {app: plain}}
  action: DENY
  rules:
  - from: [{source: {serviceAccounts: [web-sa]}}]
---
apiVersion: v1
kind: Service
metadata: {name: nobody, namespace: production}
spec:
  selector: {app: nobody}
  ports: [{name: tcp, port: 80}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: payments, namespace: production}
spec:
  hosts: [payment-service]
  http:
  - route: [{destination: {host: payment-service}}]
    mirror: {host: payment-service}
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: orders, namespace: production}
spec:
  selector: {matchLabels: {app: order-service}}
  jwtRules:
  - issuer: https://issuer.test
    jwks: 'JWKS'
"""
PAYMENTS = "http://payment-service/v1/payments"
# What is no request, from inside a pod.
NONSENSE = """
import socket
with socket.create_connection(("order-service", 80), 10) as one:
    one.sendall(b"GET / HTTP/1.1\\r\\nno field\\r\\n\\r\\n")
    while one.recv(4096): pass
"""

# The queries that have nothing to show after the traffic of 30f: no limit was met, nobody attacked, and no
# connection that is not HTTP went through a waypoint.
QUIET = {
    "Apus / Agents / What telemetry lost / Series overflow / {{family}}",
    "Apus / Waypoints / What telemetry lost / Series overflow / {{family}}",
    "Apus / Waypoints / Refusals / Policies in a dry run or AUDIT / audit {{policy}}",
    "Apus / Waypoints / Refusals / Policies in a dry run or AUDIT / dry run: {{verdict}}",
    "Apus / Waypoints / Resilience / Retries / not: {{reason}}",
    "Apus / Waypoints / Resilience / Breakers / {{limit}}",
    "Apus / Waypoints / Protection / Floods / Connections",
}


def traffic(telling):
    """Of every kind: answered and refused; of gRPC and what is no HTTP; in mutual TLS and in plain text."""
    web, orders = telling.pod("web-"), telling.pod("order-service-v1-")
    same(telling.ask(web, *[question(ORDERS)] * 3, question("http://plain/")), 200)
    same(telling.ask(orders, question(PAYMENTS, "POST", body="{}")), 201)
    same(telling.ask(web, question(PAYMENTS)), 403)
    same(telling.ask(web, question(ORDERS, headers={"authorization": "Bearer none"})), 401)
    telling.ask(web, question(f"{ORDERS}echo", "POST", {"content-type": "application/grpc"}, "\0\0\0\0\1a"),
                question("http://nobody/"))
    telling.mesh.exec(web, "python3", "-c", NONSENSE)
    strangers = telling.ask(
        telling.pod("legacy-client-", "legacy"), question("http://order-service.production/"),
        question("http://plain.production/"))
    hold([one.get("status") for one in strangers] == [None, 200], f"from outside: {strangers}")
    return [strangers]


@claim("30f", "Each query of the dashboards is answered by a Prometheus that scrapes the mesh, with data")
def shown(world):
    # Certificates of an hour: the table of those that end soon has something to list.
    telling = Telling(world, "--otlp-endpoint", f"http://{OUTSIDE_V4}:{COLLECTOR}", "--leaf-lifetime", "3600")
    keys = key_set(Issuer("https://issuer.test", ES256, "orders", os.path.join(world.folder, "orders.key")))
    telling.write("seen.yaml", PLAIN.replace("PYTHON", sys.executable) + SEEN.replace("JWKS", keys))
    with telling, collecting(telling, 503):
        telling.mesh.wait_ready("production", "plain-", 1)
        telling.mesh.wait(
            lambda: telling.ask(telling.pod("web-"), question("http://plain/"))[0].get("status") == 200,
            "the plain service serves", 30, 0.5)
        traffic(telling)
        with scraping(telling, os.path.join(world.folder, "dashboards")):
            places = len(telling.targets())
            telling.mesh.wait(
                lambda: query(telling, 'sum(up{job="apus"})') == places, f"{places} targets are up", 40, 0.5)
            # Tunnels are kept: one that nobody has opened before Prometheus looked.
            same(telling.ask(telling.pod("order-service-v1-"), question("http://plain/")), 200)
            figure, quiet = answered(telling)
        pages = [promtext.parse(telling.get(telling.fabric, f"http://{place}/metrics")[1])
                 for place in telling.targets().values()]
    declared = families.of_sources(ROOT)
    said = list(families.disagreements(declared, pages))
    hold(not said, f"the sources, as the checkers read them, and the pages: {said[:3]}")
    told = set().union(*pages)
    # A counter with labels is on a page when it has counted.
    missing = declared.keys() - told - set(re.findall(r"apus_\w+", quiet))
    hold(not missing, f"declared, and on no page: {sorted(missing)}")
    return f"{figure}, {len(QUIET)} need what did not happen; {len(told)} families as the sources declare"


def answered(telling):
    """Asks what the dashboards ask until all has data that should, and whether choices mean what they say.

    Returns the figure, and the texts of the quiet queries.
    """
    hold(not results(telling, "nothing_of_the_kind"), "a query of nothing is answered")
    hold(prometheus(telling, "query", query="sum(")[0] == 400, "half a query is answered")
    boards = dashboards.read(ROOT).values()
    asked, filled = {}, set()
    for board in boards:
        for one in dashboards.queries(board):
            hold(one.panel not in asked, f"two queries are called {one.panel}")
            asked[one.panel] = dashboards.filled(one.text, dashboards.variables(board))
    wanted = asked.keys() - QUIET
    hold(QUIET <= asked.keys(), f"no query: {sorted(QUIET - asked.keys())}")

    def are_filled():
        filled.update(panel for panel in asked.keys() - filled if results(telling, asked[panel]))
        return wanted <= filled

    asking = Repeating(lambda: traffic(telling))
    try:
        with contextlib.suppress(Refuted):
            telling.mesh.wait(are_filled, "data", 60, 1)
        hold(wanted <= filled, f"without data: {sorted(wanted - filled)[:5]}")
    finally:
        asking.end()
    hold(not filled & QUIET, f"said to be quiet, and not: {sorted(filled & QUIET)}")
    unlike = []
    for board in boards:
        own = listed(telling, board)
        each = dashboards.variables(board) | {name: any_of(values) for name, values in own.items()}
        for one in dashboards.queries(board):
            if not alike(telling, asked[one.panel], dashboards.filled(one.text, each)):
                unlike.append(one.panel)
    hold(not unlike, f"all, and each one chosen, are not the same: {unlike[:5]}")
    return f"{len(filled)} of {len(asked)} queries have data", " ".join(asked[panel] for panel in QUIET)


def listed(telling, board):
    """{variable: each value that it has} of a board."""
    found, everything = {}, dashboards.variables(board)
    for one in dashboards.choices(board):
        path, selector = f"label/{one.label}/values", dashboards.filled(one.selector, everything)
        found[one.name] = telling.mesh.wait(
            lambda path=path, match={"match[]": selector}: prometheus(telling, path, **match)[1].get("data"),
            f"{one.panel} has values", 40, 0.5)
    return found


def any_of(values):
    """As Grafana writes a choice of several in a query, where a backslash is written twice."""
    return "|".join(re.escape(value).replace("\\", "\\\\") for value in values)


def alike(telling, one, two):
    """Whether two queries have the same results at one time."""
    told, when = [], time.time() - 2
    for text in (one, two):
        status, answer = prometheus(telling, "query", query=text, time=when)
        hold(status == 200, f"Prometheus, of {text}: {status} {answer}")
        told.append(sorted(json.dumps(series, sort_keys=True) for series in answer["data"]["result"]))
    return told[0] == told[1]
