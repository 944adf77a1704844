"""Who asks: bearer tokens by a table, client certificates, and TokenReview."""

import base64
import dataclasses
import json
import secrets
import time

from . import answers

API_AUDIENCE = "https://kubernetes.default.svc.cluster.local"
MASTERS, AUTHENTICATED = "system:masters", "system:authenticated"
POD_NAME = "authentication.kubernetes.io/pod-name"
POD_UID = "authentication.kubernetes.io/pod-uid"
NODE_NAME = "authentication.kubernetes.io/node-name"


@dataclasses.dataclass(frozen=True)
class User:
    """Somebody, with the extra that a token says about its pod."""

    name: str
    groups: tuple = ()
    uid: str = ""
    extra: dict = dataclasses.field(default_factory=dict)
    audiences: tuple = (API_AUDIENCE,)
    expires: float | None = None  # seconds of the clock
    bound: str = ""  # the uid of the object without which the token is worth nothing

    @classmethod
    def of(cls, entry):
        """From a table as it is in a file: {"user", "groups", "uid", "extra", "audiences"}."""
        audiences = tuple(entry.get("audiences") or (API_AUDIENCE,))
        name, extra = entry.get("user") or entry["username"], entry.get("extra") or {}
        return cls(name, tuple(entry.get("groups") or ()), entry.get("uid", ""), extra, audiences)

    def info(self):
        """As UserInfo of authentication.k8s.io/v1."""
        groups = [*self.groups] if AUTHENTICATED in self.groups else [*self.groups, AUTHENTICATED]
        info = {"username": self.name, "groups": groups}
        return info | ({"uid": self.uid} if self.uid else {}) | ({"extra": self.extra} if self.extra else {})


ANYBODY = User("system:admin", (MASTERS,))


class Identities:
    """Tokens and what they stand for. Whoever has neither a token nor a certificate is refused, unless there
    are no tokens and no authority for certificates: then everybody is system:admin."""

    def __init__(self, store, certificates=False):
        self._store, self._tokens, self._certificates = store, {}, certificates

    def add(self, token, user):
        """A token of somebody: a User, or an entry of a table, or only a name."""
        if not isinstance(user, User):
            user = User.of(user if isinstance(user, dict) else {"user": user})
        self._tokens[token] = user
        return token

    def remove(self, token):
        self._tokens.pop(token, None)

    def account(self, namespace, name, uid="", pod=None, node=None, audiences=(API_AUDIENCE,), seconds=3600):
        """A new token of a service account as the kubelet projects it. `pod`: the object it is bound to, and
        ends with."""
        extra, subject = {}, f"system:serviceaccount:{namespace}:{name}"
        bound = {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}}
        if pod:
            metadata, node = pod["metadata"], node or (pod.get("spec") or {}).get("nodeName")
            extra = {POD_NAME: [metadata["name"]], POD_UID: [metadata["uid"]]}
            bound["pod"] = {"name": metadata["name"], "uid": metadata["uid"]}
        if node:
            extra[NODE_NAME] = [node]
            bound["node"] = {"name": node}
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        now = int(time.time())
        lives_with = pod["metadata"]["uid"] if pod else ""
        user = User(subject, groups, uid, extra, tuple(audiences), now + seconds, lives_with)
        claims = {"iss": API_AUDIENCE, "sub": subject, "aud": list(audiences), "iat": now, "nbf": now}
        claims |= {"exp": now + seconds, "jti": secrets.token_hex(8), "kubernetes.io": bound}
        parts = ({"alg": "RS256", "typ": "JWT"}, claims)
        # It looks as such tokens do, and its signature is of nobody: the table decides.
        text = ".".join(_text(json.dumps(part).encode()) for part in parts)
        return self.add(f"{text}.{_text(secrets.token_bytes(32))}", user)

    def who(self, authorization, certificate):
        """The user of a request. Refusal 401."""
        if authorization:
            scheme, _, token = authorization.partition(" ")
            user = self._of(token.strip()) if scheme.lower() == "bearer" else None
            if user and API_AUDIENCE in user.audiences:
                return user
            raise answers.unauthorized()
        if certificate and (user := _subject(certificate)):
            return user
        if self._tokens or self._certificates:
            raise answers.unauthorized()
        return ANYBODY

    def review(self, thing):
        """A TokenReview with its status."""
        spec = thing.get("spec") or {}
        asked, user = spec.get("audiences") or [API_AUDIENCE], self._of(spec.get("token", ""))
        if not spec.get("token"):
            verdict = {"error": "no token"}
        elif user is None:
            verdict = {"error": "[invalid bearer token, token lookup failed]"}
        elif not (shared := [audience for audience in asked if audience in user.audiences]):
            why = f"token audiences {list(user.audiences)!r} is invalid for the target audiences {asked!r}"
            verdict = {"error": f"[invalid bearer token, {why}]"}
        else:
            verdict = {"authenticated": True, "user": user.info(), "audiences": shared}
        # A real server leaves authenticated out where it is false, and fills in a user of nothing.
        return thing | {"status": {"user": {}} | verdict}

    def _of(self, token):
        user = self._tokens.get(token)
        if user is None or (user.expires is not None and user.expires <= time.time()):
            return None
        return None if user.bound and not self._store.lives(user.bound) else user


def _subject(certificate):
    """The user of a certificate: its common name, with organizations as groups."""
    pairs = [pair for part in certificate.get("subject", ()) for pair in part]
    name = next((value for key, value in pairs if key == "commonName"), None)
    groups = tuple(value for key, value in pairs if key == "organizationName")
    return User(name, groups) if name else None


def _text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
