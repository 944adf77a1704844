"""Row 22: every request through a waypoint leaves one record, and what lives is judged again."""

import json
import re
import subprocess
import sys

from .. import promtext
from ..claim import claim, hold
from ..world import HERE
from .w_waypoint import Waypoints

TALKER = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: talker-sa, namespace: production}
---
apiVersion: v1
kind: Service
metadata: {name: talker, namespace: production}
spec:
  selector: {app: talker}
  ports:
  - {name: http, port: 80, targetPort: 8000}
  - {name: tcp-echo, port: 7000, targetPort: 8001}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: talker, namespace: production}
spec:
  replicas: 1
  selector: {matchLabels: {app: talker}}
  template:
    metadata: {labels: {app: talker}}
    spec:
      serviceAccountName: talker-sa
      containers:
      - name: talker
        image: docker.io/library/python:3.11-slim
        command: [PYTHON, PEERS/talker.py, "8000"]
        ports: [{containerPort: 8000}, {containerPort: 8001}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: talker, namespace: production}
spec:
  hosts: [talker]
  http:
  - route: [{destination: {host: talker}}]
    retries: {attempts: 0}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-secrets, namespace: production}
spec:
  selector: {matchLabels: {app: talker}}
  action: DENY
  rules:
  - from: [{source: {serviceAccounts: [web-sa]}}]
    to: [{operation: {paths: [/secret], ports: ["8000"]}}]
"""

SILENCE = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: silence, namespace: production}
spec:
  selector: {matchLabels: {app: talker}}
  action: DENY
  rules:
  - from: [{source: {serviceAccounts: [web-sa]}}]
"""

WANTED = {"200": 40, "201": 10, "404": 12, "503": 14, "403": 8, "400": 6, "431": 4, "0": 3, "raw": 7}
ACCOUNT = "talker-sa"
SECRET = "never-to-be-logged"


class Talking(Waypoints):
    """A mesh with a talker behind a waypoint."""

    def __init__(self, world):
        super().__init__(world)
        self.write("talker.yaml", TALKER.replace("PEERS", f"{HERE}/peers").replace("PYTHON", sys.executable))


def sums(pages, name, **labels):
    return sum(promtext.total(page, name, **labels) for page in pages)


def by_code(lines):
    codes = {}
    for line in lines:
        code = re.search(r"\bresponse_code=(\d+)", line).group(1)
        codes[code] = codes.get(code, 0) + 1
    return codes


@claim("22a", "Each of many mixed requests leaves one record; log, metrics and the client count the same")
def counted(world):
    with Talking(world) as talking:
        web = talking.pod("web-")
        script = f"{HERE}/peers/asker.py"
        answer = talking.mesh.exec(
            web, sys.executable, script, "count", "talker", json.dumps(WANTED), timeout=120)
        hold(answer.returncode == 0, f"asking failed: {answer.stderr[-400:]}")
        seen = json.loads(answer.stdout)
        hold(seen == WANTED, f"asked for {WANTED}, the client counts {seen}")
        requests = sum(count for kind, count in WANTED.items() if kind != "raw")

        def settled():
            pages = [promtext.parse(page) for page in talking.pages(ACCOUNT)]
            return pages if sums(pages, "istio_requests_total") >= requests else None

        pages = talking.mesh.wait(settled, f"{requests} requests in the metrics", 15, 0.2)
        hold(sums(pages, "istio_requests_total") == requests, "there are more requests than were asked")
        for code, count in WANTED.items():
            if code != "raw":
                counted = sums(pages, "istio_requests_total", reporter="waypoint", response_code=code)
                hold(counted == count, f"{code}: {count} asked, the metrics count {counted:.0f}")
        hold(sums(pages, "istio_request_duration_milliseconds_count") == requests, "durations differ")
        # Every other one has a body; a denied one's is not waited for.
        bodies = sum(WANTED[code] // 2 * 100 for code in ("200", "201", "404", "503"))
        told = sums(pages, "istio_request_bytes_sum")
        hold(told == bodies, f"{bodies} bytes of bodies, the metrics count {told:.0f}")
        raw = sums(pages, "istio_tcp_connections_opened_total", reporter="waypoint")
        hold(raw == WANTED["raw"], f"{WANTED['raw']} raw connections, the metrics count {raw:.0f}")
        hold(sums(pages, "istio_tcp_received_bytes_total") == 10 * raw, "bytes of raw connections differ")
        own = sums(pages, "apus_unread_requests_total"), sums(pages, "apus_requests_refused_total")
        hold(own == (WANTED["400"] + WANTED["431"], WANTED["403"]), f"refused: {own}")

        text, lines = talking.access(ACCOUNT)
        records = [line for line in lines if "direction=waypoint" not in line]
        hold(len(lines) - len(records) == WANTED["raw"], "raw connections have other lines than one each")
        asked = {code: count for code, count in WANTED.items() if code != "raw"}
        hold(by_code(records) == asked, f"the log counts {by_code(records)}")
        ids = re.findall(r"\brequest_id=(\S+)", "\n".join(records))
        hold(len(set(ids)) == len(ids) == requests - own[0], "a request has two records, or no id")
        hold(SECRET not in text and "?" not in "".join(re.findall(r"path=\S+", text)), "secrets in the log")
        return (
            f"{requests} requests of {len(asked)} kinds and {raw:.0f} raw connections: client, "
            f"{len(lines)} lines and metrics agree; the page is well formed{referee(talking.pages(ACCOUNT))}"
        )


def referee(pages):
    """The library of the ecosystem reads the page too, where it is installed."""
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError:
        return ""
    for page in pages:
        families = {family.name for family in text_string_to_metric_families(page)}
        hold("istio_requests" in families, "prometheus_client does not find istio_requests_total")
    return ", for prometheus_client too"


@claim("22b", "A DENY ends a live WebSocket, an event stream and a raw connection, and their records say so")
def silenced(world):
    with Talking(world) as talking:
        web = talking.pod("web-")
        asker = talking.mesh.exec_start(
            web, sys.executable, f"{HERE}/peers/asker.py", "live", "talker",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            opened = asker.stdout.readline()
            hold(opened and json.loads(opened) == {"open": [True] * 3}, f"not all are open: {opened}")
            talking.write("silence.yaml", SILENCE)
            said, error = asker.communicate(timeout=60)
        finally:
            asker.kill()
        hold(said.strip(), f"the client failed: {error[-300:]}")
        ends = json.loads(said)
        hold("alive" not in ends.values(), f"something lives on: {ends}")

        def told():
            lines = [line for line in talking.access(ACCOUNT)[1] if "policy:production/silence" in line]
            return lines if len(lines) >= 3 else None

        lines = talking.mesh.wait(told, "three records with the policy's name", 10, 0.2)
        hold(len(lines) == 3, f"{len(lines)} records name the policy")
        for path, code in (("/socket", "101"), ("/events", "200")):
            found = [line for line in lines if f"path={path} " in line]
            hold(len(found) == 1 and f"response_code={code} " in found[0], f"{path}: {found}")
            hold("response_flags=UAEX" in found[0], f"{path} without its flag: {found[0]}")
        hold(sum("direction=waypoint" in line for line in lines) == 1, "no record of the raw connection")
        ended = ", ".join(f"{name} by {how}" for name, how in ends.items())
        return f"ended: {ended}; 3 records name the policy"
