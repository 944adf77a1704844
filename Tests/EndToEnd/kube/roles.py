"""Who may do what: RBAC, by the roles and bindings that are in the cluster."""

import dataclasses
import itertools

from . import answers
from .identities import AUTHENTICATED, MASTERS
from .kinds import RBAC

OPEN_PATHS = ("/version", "/api", "/apis", "/openapi", "/healthz", "/livez", "/readyz")  # system:discovery
ACCOUNT = "system:serviceaccount:"


@dataclasses.dataclass(frozen=True)
class Ask:
    """What a request wants. Without a resource it is about a path."""

    verb: str
    path: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


class Roles:
    """Off until `on` is set: then what no rule allows is refused. `refused` is a log of (user, Ask), and
    `allowed` a set of them: both sides of what a shipped role should be held against."""

    def __init__(self, store, kinds):
        self.on, self.refused, self.allowed = False, [], set()
        self._store = store
        self._kinds = {
            name: kinds.named(name, RBAC)
            for name in ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
        }

    def check(self, user, ask):
        """Refusal 403 unless it is allowed."""
        if not self.on:
            return
        may = self._allowed(user, ask)
        with self._store.lock:
            if may:
                self.allowed.add((user.name, ask))
                return
            self.refused.append((user.name, ask))
            self._store.changed.notify_all()
        raise answers.forbidden(ask, user)

    def unused(self, user):
        """What a User may do and has not done: (verb, group, resource) of the rules as they are written."""
        asked = [ask for name, ask in self.allowed if name == user.name]
        spaces = {key[0] for key in self._store.keys(self._kinds["RoleBinding"])}
        found = set()
        for space in ("", *spaces):
            for rule in self._rules(user, space):
                said = (rule.get(name) or [] for name in ("verbs", "apiGroups", "resources"))
                for verb, group, resource in itertools.product(*said):
                    one = rule | {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                    if not any(_permits(one, ask) for ask in asked):
                        found.add((verb, group, resource))
        return sorted(found)

    def _allowed(self, user, ask):
        if MASTERS in user.groups:
            return True
        if not ask.resource and ask.verb == "get" and _open(ask.path):
            return True
        return any(_permits(rule, ask) for rule in self._rules(user, ask.namespace))

    def _rules(self, user, namespace):
        with self._store.lock:
            for binding in self._all("ClusterRoleBinding"):
                if _is_of(binding, user):
                    yield from self._role(binding["roleRef"], "")
            for binding in self._all("RoleBinding", namespace) if namespace else ():
                if _is_of(binding, user):
                    yield from self._role(binding["roleRef"], namespace)

    def _all(self, name, namespace=""):
        kind = self._kinds[name]
        return [self._store.read(kind, key).thing for key in self._store.keys(kind, namespace)]

    def _role(self, reference, namespace):
        space = namespace if reference["kind"] == "Role" else ""
        role = self._store.read(self._kinds[reference["kind"]], (space, reference["name"]))
        return (role.thing.get("rules") or []) if role else []


def _open(path):
    return any(path == one or path.startswith(one + "/") for one in OPEN_PATHS)


def _is_of(binding, user):
    for subject in binding.get("subjects") or []:
        kind, name = subject.get("kind"), subject.get("name")
        if kind == "ServiceAccount":
            space = subject.get("namespace") or binding["metadata"].get("namespace", "")
            if user.name == f"{ACCOUNT}{space}:{name}":
                return True
        elif kind == "User" and user.name == name:
            return True
        elif kind == "Group" and (name in user.groups or name == AUTHENTICATED):
            return True
    return False


def _permits(rule, ask):
    if not _among(ask.verb, rule.get("verbs")):
        return False
    if not ask.resource:
        paths = rule.get("nonResourceURLs") or []
        return any(path == ask.path or (path[-1] == "*" and ask.path.startswith(path[:-1])) for path in paths)
    names = rule.get("resourceNames") or []
    return (
        _among(ask.group, rule.get("apiGroups"))
        and _names_resource(ask, rule.get("resources") or [])
        and (not names or ask.name in names)
    )


def _names_resource(ask, resources):
    whole = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
    every = f"*/{ask.subresource}" if ask.subresource else "*"
    return "*" in resources or whole in resources or every in resources


def _among(word, words):
    return word in (words or []) or "*" in (words or [])
