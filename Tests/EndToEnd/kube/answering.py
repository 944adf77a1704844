"""What a request for a resource is answered with, once it is known who asks and that they may."""

import dataclasses
import json

from . import answers, ownership, patching
from .faults import command
from .listing import TRUE, number, page
from .objects import Writer
from .roles import Ask
from .selectors import Selection

MANAGER_LIMIT = 128  # characters of a field manager's name


def kind_of(cluster, ask):
    """The kind at a path. Refusal 404 or 405."""
    with cluster.store.lock:
        if ask.version not in cluster.kinds.groups().get(ask.group, ()):
            raise answers.page_not_found()
        kind = cluster.kinds.served(ask.group, ask.resource, ask.version)
    if kind is None or (ask.namespace and not kind.namespaced and kind.plural != "namespaces"):
        raise answers.no_such_resource()
    if ask.subresource and not kind.has(ask.subresource):
        raise answers.no_such_resource()
    whole = ask.verb in ("list", "watch", "create") or not kind.namespaced or ask.namespace
    if ask.verb not in kind.verbs or not whole or (ask.verb == "create" and ask.name):
        raise answers.no_method()
    if ask.verb == "create" and kind.namespaced and not ask.namespace:
        raise answers.no_method()
    if ask.subresource and ask.verb not in ("get", "update", "patch"):
        raise answers.no_method()
    return kind


@dataclasses.dataclass
class Request:
    cluster: object
    kind: object
    ask: Ask
    user: object
    query: dict
    body: bytes
    headers: object

    def answer(self):
        """A status and a body."""
        return getattr(self, f"_{self.ask.verb}")()

    @property
    def _namespace(self):
        return self.ask.namespace if self.kind.namespaced else ""

    @property
    def _key(self):
        return self._namespace, self.ask.name

    @property
    def _writer(self):
        agent = self.headers.get("user-agent", "").partition("/")[0] or "unknown"
        manager = self.query.get("fieldManager") or agent[:MANAGER_LIMIT]
        if len(manager) > MANAGER_LIMIT:
            raise answers.bad(f"fieldManager: may not be more than {MANAGER_LIMIT} characters")
        dry = self.query.get("dryRun", "")
        if dry not in ("", "All"):
            raise answers.bad(f"dryRun: {dry!r} is not supported")
        return Writer(manager, subresource=self.ask.subresource, version=self.ask.version, dry=dry == "All")

    def _shown(self, stored, code=200):
        return code, stored.whole(self.kind, self.ask.version) + b"\n"

    def _read_body(self):
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise answers.bad(f"the body of the request is no JSON: {error}") from None

    def _content_type(self):
        return self.headers.get("content-type", "application/json").partition(";")[0].strip().lower()

    def _object(self):
        if self._content_type() != "application/json":
            raise answers.unsupported(self._content_type())
        return self._read_body()

    # Verbs

    def _get(self):
        return self._shown(self.cluster.objects.get(self.kind, self._key))

    def _list(self):
        return 200, page(self.cluster.store, self.kind, self.ask.version, self._namespace, self.query)

    def _create(self):
        thing = self._object()
        if self.kind.kind == "TokenReview":
            return 201, json.dumps(self.cluster.identities.review(thing)).encode() + b"\n"
        return self._shown(self.cluster.objects.create(self.kind, self._namespace, thing, self._writer), 201)

    def _update(self):
        update = self.cluster.objects.update
        return self._shown(update(self.kind, *self._key, self._object(), self._writer))

    def _patch(self):
        content_type, objects = self._content_type(), self.cluster.objects
        if content_type == patching.APPLY:
            return self._apply()
        return self._shown(
            objects.patch(self.kind, *self._key, content_type, self._read_body(), self._writer)
        )

    def _apply(self):
        if not self.query.get("fieldManager"):
            raise answers.Refusal(422, "Invalid", "fieldManager: Required value: is required for apply patch")
        if self.cluster.store.read(self.kind, self._key) is None:
            # What is not there is created, which must be allowed too.
            self.cluster.roles.check(self.user, dataclasses.replace(self.ask, verb="create"))
        writer = dataclasses.replace(self._writer, operation=ownership.APPLY)
        force = self.query.get("force") in TRUE
        stored, made = self.cluster.objects.apply(self.kind, *self._key, self._read_body(), writer, force)
        return self._shown(stored, 201 if made else 200)

    def _delete(self):
        options = self._options()
        stored, gone = self.cluster.objects.delete(self.kind, self._key, options)
        if not gone or self.kind.kind == "Pod":
            return self._shown(stored)
        details = {"name": self.ask.name, "kind": self.kind.plural, "uid": stored.thing["metadata"]["uid"]}
        details |= {"group": self.kind.group} if self.kind.group else {}
        return 200, json.dumps(_success(details)).encode() + b"\n"

    def _deletecollection(self):
        options, selection = self._options(), Selection.of(self._namespace, self.query)
        with self.cluster.store.lock:
            for key in self.cluster.store.keys(self.kind, self._namespace):
                stored = self.cluster.store.read(self.kind, key)
                if stored and selection.matches(stored.thing):
                    self.cluster.objects.delete(self.kind, key, options)
        return 200, json.dumps(_success({"kind": self.kind.plural})).encode() + b"\n"

    def _options(self):
        options = self._read_body() if self.body else {}
        if not isinstance(options, dict):
            raise answers.bad("the options of a deletion are no map")
        for name, value in (
            ("propagationPolicy", self.query.get("propagationPolicy")),
            ("gracePeriodSeconds", number(self.query, "gracePeriodSeconds")),
            ("dryRun", self.query.get("dryRun")),
        ):
            if value is not None:
                options[name] = value
        return options


def _success(details):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def order(cluster, method, path, body):
    """The test's own paths, for a server that is a program."""
    if (method, path) == ("GET", "/test/counters"):
        watches = [{"user": one.user, "path": one.path, "resource": one.resource} for one in cluster.watches]
        refused = [{"user": user} | dataclasses.asdict(ask) for user, ask in cluster.roles.refused]
        answer = {"requests": cluster.counters.listed(), "watches": watches, "refused": refused}
    elif (method, path) == ("POST", "/test/faults"):
        answer = command(cluster.faults, json.loads(body))
    elif (method, path) == ("POST", "/test/objects"):
        answer = cluster.put(json.loads(body))
    elif (method, path) == ("POST", "/test/tokens"):
        for token, user in json.loads(body).items():
            cluster.identities.add(token, user)
        answer = {}
    elif (method, path) == ("POST", "/test/bookmarks"):
        cluster.watches.mark()
        answer = {}
    else:
        raise answers.page_not_found()
    return 200, json.dumps(answer).encode() + b"\n"
