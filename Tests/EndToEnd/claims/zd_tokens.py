"""Row 25: RequestAuthentication, of an issuer whose keys are fetched and one whose keys are written down."""

import os

from ..claim import claim, hold
from ..moods import Moods, server
from ..tokens import ES256, RS256, Issuer, altered, key_set, unsigned
from .w_waypoint import question

# The audience and the group that the rules ask for.
AUDIENCE, GROUP = "vault", "keepers"
FETCHED, WRITTEN = "https://fetched.test", "https://written.test"
KEYS = "keys.json"
NOBODY = "no-policy-allows"

RULES = """\
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: vault, namespace: production}
spec:
  selector: {matchLabels: {app: vault}}
  jwtRules:
  - issuer: FETCHED
    audiences: [AUDIENCE]
    jwksUri: http://issuer.legacy:8080/KEYS
  - issuer: WRITTEN
    audiences: [AUDIENCE]
    jwks: 'JWKS'
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: vault, namespace: production}
spec:
  selector: {matchLabels: {app: vault}}
  rules:
  - from: [{source: {requestPrincipals: ["FETCHED/alice"]}}]
    to: [{operation: {paths: [/fetched]}}]
  - from: [{source: {requestPrincipals: ["WRITTEN/*"]}}]
    to: [{operation: {paths: [/written]}}]
  - to: [{operation: {paths: [/group]}}]
    when: [{key: "request.auth.claims[groups]", values: [GROUP]}]
"""

ISSUER = """\
apiVersion: v1
kind: Service
metadata: {name: issuer, namespace: legacy}
spec:
  selector: {app: issuer}
  ports: [{name: http, port: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: issuer, namespace: legacy}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: issuer}}
  template:
    metadata: {labels: {app: issuer}}
    spec:
      containers:
      - name: issuer
        image: docker.io/library/python:3.11-slim
        command: [python3, -m, http.server, "8080", --directory, "FOLDER"]
        ports: [{containerPort: 8080}]
"""


class Vault(Moods):
    """A server that is asked with tokens. The issuer whose keys are fetched is not there at first."""

    def __init__(self, world):
        super().__init__(world)
        self.folder = os.path.join(os.path.dirname(self.directory), "issuer")
        os.makedirs(self.folder)
        self.fetched = Issuer(FETCHED, RS256, "first", f"{self.folder}.first.key")
        self.written = Issuer(WRITTEN, ES256, "only", f"{self.folder}.only.key")
        self.publish(self.fetched)
        self.issuers(0)
        rules = RULES.replace("JWKS", key_set(self.written)).replace("KEYS", KEYS).replace("GROUP", GROUP)
        rules = rules.replace("FETCHED", FETCHED).replace("WRITTEN", WRITTEN).replace("AUDIENCE", AUDIENCE)
        self.write("vault.yaml", f"{server('vault')}---\n{rules}")

    def publish(self, *issuers):
        path = os.path.join(self.folder, KEYS)
        with open(path + ".part", "w", encoding="utf-8") as file:
            file.write(key_set(*issuers))
        os.rename(path + ".part", path)

    def issuers(self, replicas):
        text = ISSUER.replace("REPLICAS", str(replicas)).replace("FOLDER", self.folder)
        self.write("issuer.yaml", text)

    def wait_for_issuers(self, replicas):
        self.issuers(replicas)
        self.mesh.wait_ready("legacy", "issuer-", replicas)

    def present(self, path, *tokens):
        """What requests with these tokens, or none, are answered."""
        headers = [{"authorization": f"Bearer {token}"} if token else {} for token in tokens]
        questions = [question(f"http://vault{path}", headers=fields) for fields in headers]
        return self.ask(self.pod("web-"), *questions)

    def answered(self, path, token, status):
        return self.present(path, token)[0].get("status") == status


def expect(name, one, status, reason=None):
    hold(one.get("status") == status, f"{name}: {one}, not {status}")
    hold(one.get("reason") == reason, f"{name}: the reason is {one.get('reason')}, not {reason}")
    challenged = (one.get("challenge") or "").startswith("Bearer")
    hold(challenged == (status == 401), f"{name}: {status} with www-authenticate {one.get('challenge')!r}")


@claim("25a", "While an issuer's keys are not at hand its tokens are answered 503, and served once they are")
def away(world):
    with world.beside(Vault) as mesh:
        good, other = (issuer.token(aud=AUDIENCE) for issuer in (mesh.fetched, mesh.written))
        for _ in range(3):
            expect("keys away", mesh.present("/fetched", good)[0], 503, "token-keys-unavailable")
            expect("the other issuer", mesh.present("/written", other)[0], 200)
        hold(mesh.count(mesh.servers("vault")) == 3, "a request without keys reached the application")
        mesh.wait_for_issuers(1)
        mesh.mesh.wait(lambda: mesh.answered("/fetched", good, 200), "the keys are fetched", 30, 0.2)
        mesh.wait_for_issuers(0)
        for _ in range(3):
            expect("keys kept", mesh.present("/fetched", good)[0], 200)
        mesh.wait_for_issuers(1)
        return "3 of 3 answered 503 without keys, the other issuer's 3 served; then served, also without it"


@claim("25b", "Good tokens are served by whom they name and by their claims; bad ones get 401, none gets 403")
def judged(world):
    with world.beside(Vault) as mesh:
        mesh.wait_for_issuers(1)
        good = mesh.fetched.token(aud=AUDIENCE)
        mesh.mesh.wait(lambda: mesh.answered("/fetched", good, 200), "the keys are fetched", 30, 0.2)
        mesh.mood(mesh.servers("vault"), "200")
        counts = {}
        for issuer, path, way in ((mesh.fetched, "/fetched", RS256), (mesh.written, "/written", ES256)):
            good = issuer.token(aud=AUDIENCE)
            forger = Issuer(issuer.name, issuer.algorithm, issuer.kid, f"{mesh.folder}.forger.key")
            cases = [
                ("good", path, good, 200, None),
                ("one of several audiences", path, issuer.token(aud=["x", AUDIENCE]), 200, None),
                ("in the group", "/group", issuer.token(aud=AUDIENCE, groups=["x", GROUP]), 200, None),
                ("in another group", "/group", issuer.token(aud=AUDIENCE, groups=["x"]), 403, NOBODY),
                ("without groups", "/group", good, 403, NOBODY),
                ("another path", "/other", good, 403, NOBODY),
                ("no token", path, None, 403, NOBODY),
                ("another key", path, forger.token(aud=AUDIENCE), 401, "token-signature"),
                ("other claims", path, altered(good, sub="bob"), 401, "token-signature"),
                ("expired", path, issuer.token(aud=AUDIENCE, lives=-600), 401, "token-expired"),
                ("another audience", path, issuer.token(aud="x"), 401, "token-audience"),
                ("no audience", path, issuer.token(), 401, "token-audience"),
                ("alg none", path, unsigned(good), 401, "token-algorithm"),
                ("another issuer", path, altered(good, iss="https://x.test"), 401, "token-issuer"),
                ("no such thing", path, "x.y", 401, "token-malformed"),
            ]
            for name, where, token, status, reason in cases:
                expect(f"{way}, {name}", mesh.present(where, token)[0], status, reason)
                counts[status] = counts.get(status, 0) + 1
        bob = mesh.present("/fetched", mesh.fetched.token("bob", aud=AUDIENCE))[0]
        expect("another principal", bob, 403, NOBODY)
        arrived = mesh.count(mesh.servers("vault"))
        hold(arrived == counts[200], f"{arrived} requests arrived, and {counts[200]} may have")
        told = ", ".join(f"{count} answered {status}" for status, count in sorted(counts.items()))
        return f"RS256 fetched and ES256 inline: {told}, each with its reason; {arrived} arrived"


@claim("25c", "A new key of an issuer is found by the first tokens that name it; the old one's get 401 then")
def rotated(world):
    with world.beside(Vault) as mesh:
        mesh.wait_for_issuers(1)
        old = mesh.fetched.token(aud=AUDIENCE)
        mesh.mesh.wait(lambda: mesh.answered("/fetched", old, 200), "the keys are fetched", 30, 0.2)
        new = Issuer(FETCHED, RS256, "second", f"{mesh.folder}.second.key")
        token = new.token(aud=AUDIENCE)
        expect("a key that nobody has", mesh.present("/fetched", token)[0], 401, "token-signature")
        mesh.publish(new)
        before = []

        def found():
            before.append(mesh.present("/fetched", token)[0])
            return before[-1].get("status") == 200

        mesh.mesh.wait(found, "the new key is found", 30, 0.2)
        hold({one.get("status") for one in before[:-1]} <= {401}, f"meanwhile {before}")
        mesh.fetched, outcome = new, mesh.present("/fetched", old)[0]
        expect("the old key's", outcome, 401, "token-signature")
        return f"found after {len(before) - 1} answers 401; the old key's tokens get 401 (token-signature)"
