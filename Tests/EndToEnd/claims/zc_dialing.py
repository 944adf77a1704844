"""Row 28: what a waypoint dials: endpoints that are not enrolled, and TLS to applications."""

import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

from .. import netns, promtext
from ..claim import claim, hold
from ..world import HERE
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


VAULT = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vault, namespace: production}
spec:
  hosts: [vault]
  http:
  - match: [{headers: {x-to: {exact: old}}}]
    route: [{destination: {host: old-vault.legacy.svc.cluster.local}}]
  - route: [{destination: {host: vault}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: old-vault, namespace: legacy}
spec:
  host: old-vault
  trafficPolicy:
    tls: {mode: SIMPLE, caCertificates: authorities/ca.pem, sni: old.example}
"""

RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: vault, namespace: production}
spec:
  host: vault
  trafficPolicy:
    tls: {mode: SIMPLE, TLS}
"""


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


class Vaults(Dialing):
    """A mesh with two applications that speak HTTPS alone, one of them outside."""

    def __init__(self, world):
        self.keys = tempfile.mkdtemp(prefix="vault-", dir=world.folder)
        for name in ("ca", "stranger"):
            openssl(
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                "-keyout", f"{self.keys}/{name}.key", "-out", f"{self.keys}/{name}.pem")
        for name, names in (("vault", "DNS:vault,URI:spiffe://example/vault"), ("old", "DNS:old.example")):
            openssl(
                "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout",
                f"{self.keys}/{name}.key", "-out", f"{self.keys}/{name}.csr")
            with open(f"{self.keys}/{name}.ext", "w", encoding="ascii") as file:
                file.write(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
            openssl(
                "x509", "-req", "-in", f"{self.keys}/{name}.csr", "-CA", f"{self.keys}/ca.pem", "-CAkey",
                f"{self.keys}/ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{self.keys}/{name}.ext",
                "-out", f"{self.keys}/{name}.pem")
        text = ACCOUNT.replace("NAME", "vault-sa") + server("vault", "vault-sa", self.command("vault"), 8443)
        text += server("old-vault", "default", self.command("old", "1.2"), 8443, "legacy")
        super().__init__(world, "vault-sa", text + VAULT)
        os.mkdir(os.path.join(self.directory, "authorities"))
        for name in ("ca", "stranger"):
            shutil.copy(f"{self.keys}/{name}.pem", f"{self.directory}/authorities/{name}.pem")
        self.rule("caCertificates: authorities/ca.pem")

    def command(self, name, *more):
        keys = f"{self.keys}/{name}"
        return [sys.executable, f"{HERE}/peers/vault.py", "8443", f"{keys}.pem", f"{keys}.key", *more]

    def rule(self, tls):
        self.write("vault-rule.yaml", RULE.replace("TLS", tls))

    def settled(self, web, tls, status, words, number):
        """Writes the rule and asks until it is followed; the record of the answer, which has the words."""
        self.rule(tls)
        paths = [f"/{number}-{turn}" for turn in range(200)]

        def asked():
            path = paths.pop(0)
            answer = self.ask(web, question(f"http://vault{path}"))[0]
            line = self.told(path)
            return line if answer.get("status") == status and words in line else None

        line = self.mesh.wait(asked, f"{status} and {words!r} with {tls}", 20, 0.1)
        # And again, now that nothing changes any more.
        same(self.ask(web, *[question(f"http://vault/{number}-again-{turn}") for turn in range(5)]), status)
        return line


@claim("28b", "A waypoint begins TLS to applications, in tunnels and outside, as the rule says whom to trust")
def origination(world):
    with Vaults(world) as vaults:
        web = vaults.pod("web-")
        body = "x" * 100_000
        first = vaults.ask(
            web, question("http://vault/first"), question("http://vault/post", "POST", body=body))
        same(first, 200)
        told = [json.loads(one["body"]) for one in first]
        spoken = {(one["tls"], one["alpn"]) for one in told}
        hold(spoken == {("TLSv1.3", "http/1.1")}, f"spoken to as {told}")
        hold(all(one["name"] == "vault" for one in told), f"called by other names than the request's: {told}")
        hold(told[1]["length"] == 100_000 and told[0]["peer"] in (web.v4, web.v6), f"{told}")
        security = field(vaults.told("/first"), "dst.security")
        hold(security == "mutual_tls+tls", f"in a tunnel, and told as {security}")

        old = vaults.ask(web, question("http://vault/old", headers={"x-to": "old"}))[0]
        hold(old.get("status") == 200, f"outside of the mesh: {old}")
        seen = json.loads(old["body"])
        hold((seen["tls"], seen["name"]) == ("TLSv1.2", "old.example"), f"outside: {seen}")
        hold(field(vaults.told("/old"), "dst.security") == "tls", "outside, and told as another")

        ours = "caCertificates: authorities/ca.pem"
        refused = 0
        for number, (tls, words) in enumerate([
            ("caCertificates: authorities/stranger.pem", "no authority of caCertificates"),
            (f"{ours}, sni: another.example", "not for the server name"),
            (f"{ours}, subjectAltNames: [spiffe://example/other]", "has not the name"),
            ("sni: vault", "no authority that the machine trusts"),
        ]):
            line = vaults.settled(web, tls, 503, words, f"refused-{number}")
            hold("response_flags=UF" in line, f"{tls}: {line}")
            refused += 1
        believed = 0
        for number, tls in enumerate([
            f"{ours}, subjectAltNames: [spiffe://example/vault]",
            "insecureSkipVerify: true, sni: any.example", ours,
        ]):
            vaults.settled(web, tls, 200, "dst.security=mutual_tls+tls", f"believed-{number}")
            believed += 1
        return (
            f"TLS 1.3 within a tunnel, 1.2 outside; {refused} rules that name others: 503 and why; "
            f"{believed} that name it: 200"
        )
