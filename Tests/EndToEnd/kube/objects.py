"""Writing objects as an API server does: names, versions, the status apart, deletion and what comes of it."""

import dataclasses
import json
import re
import secrets
import time
import uuid

from . import answers, definitions, ownership, patching, shapes
from .defaults import Defaults
from .store import Stored

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LOOSE_NAMES = {"clusterroles", "clusterrolebindings", "roles", "rolebindings"}  # system:something
KEPT = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")
# An update of these must say which version it was made from.
_CONDITIONAL = {"Lease", "CustomResourceDefinition"}


@dataclasses.dataclass(frozen=True)
class Writer:
    """Whose write it is: the field manager, its operation and the subresource. `trusted`: the test itself,
    which writes object and status together and whatever the version."""

    manager: str
    operation: str = ownership.UPDATE
    subresource: str = ""
    version: str = ""  # of the group, by which the fields are named
    trusted: bool = False
    dry: bool = False


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Objects:
    """All writes. `on_unserved` is called with a resource whose definition is gone."""

    def __init__(self, store, kinds):
        self._store, self._kinds = store, kinds
        self._defaults = Defaults()
        self._definition = kinds.named(definitions.DEFINITIONS)
        self._namespace = kinds.named("Namespace")
        self.graceful_pods = (
            False  # a deleted pod stays, with a deletionTimestamp, until deleted with grace 0
        )
        self.on_unserved = []

    def get(self, kind, key):
        stored = self._store.read(kind, key)
        if stored is None:
            raise answers.not_found(kind, key[1])
        return stored

    # Writing

    def create(self, kind, namespace, thing, writer):
        with self._store.lock:
            metadata = self._checked(kind, namespace, None, thing, writer)
            if metadata.get("resourceVersion"):
                raise answers.bad("resourceVersion should not be set on objects to be created")
            if not metadata.get("name") and metadata.get("generateName"):
                metadata["name"] = metadata["generateName"] + secrets.token_hex(3)[:5]
            name = metadata.get("name", "")
            if kind.plural not in _LOOSE_NAMES and not _NAME.fullmatch(name):
                raise answers.invalid(
                    kind, name, "metadata.name", f"Invalid value: {name!r}: not a DNS-1123 name"
                )
            key = (namespace, name)
            if self._store.read(kind, key):
                raise answers.exists(kind, name)
            if namespace and not self._store.read(self._namespace, ("", namespace)):
                raise answers.not_found(self._namespace, namespace)
            if kind.status and not writer.trusted:
                thing.pop("status", None)
            # A test that plays a kubelet says whose processes run.
            uid = metadata.get("uid") if writer.trusted else None
            for field in (*KEPT, "selfLink"):
                metadata.pop(field, None)
            metadata |= {"uid": uid or str(uuid.uuid4()), "creationTimestamp": now()}
            if kind.generation:
                metadata["generation"] = 1
            return self._store_it(kind, key, None, thing, writer)

    def update(self, kind, namespace, name, thing, writer):
        with self._store.lock:
            old = self.get(kind, (namespace, name))
            metadata = self._checked(kind, namespace, name, thing, writer)
            asked = metadata.get("resourceVersion")
            if not asked and (kind.custom or kind.kind in _CONDITIONAL) and not writer.trusted:
                why = "Invalid value: 0x0: must be specified for an update"
                raise answers.invalid(kind, name, "metadata.resourceVersion", why)
            return self._replace(kind, old, thing, writer)

    def patch(self, kind, namespace, name, content_type, patch, writer):
        with self._store.lock:
            old = self.get(kind, (namespace, name))
            thing = old.copy()
            thing = patching.patched(kind, content_type, _typed(kind, thing, writer), patch)
            self._checked(kind, namespace, name, thing, writer)
            return self._replace(kind, old, thing, writer)

    def apply(self, kind, namespace, name, thing, writer, force=False):
        """Server-side apply. The object, and whether it was created."""
        with self._store.lock:
            old = self._store.read(kind, (namespace, name))
            metadata = self._checked(kind, namespace, name, thing, writer)
            if metadata.get("managedFields"):
                raise answers.bad("metadata.managedFields must be nil")
            asked = {field: metadata.pop(field, None) for field in ("resourceVersion", "uid")}
            if old is None:
                if writer.subresource:
                    raise answers.not_found(kind, name)
                if any(asked.values()):
                    raise answers.conflict(kind, name, f"no existing object was found for {asked}")
                thing = ownership.applied(kind, None, thing, writer, force, now())
                return self.create(kind, namespace, _typed(kind, thing, writer), writer), True
            thing = ownership.applied(kind, old.thing, thing, writer, force, now())
            thing["metadata"] |= {field: value for field, value in asked.items() if value}
            return self._replace(kind, old, thing, writer), False

    def put(self, kind, thing, writer):
        """Creates or replaces, with its status, for the test itself."""
        with self._store.lock:
            namespace = thing["metadata"].get("namespace") or ("default" if kind.namespaced else "")
            if namespace and not self._store.read(self._namespace, ("", namespace)):
                body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
                self.create(self._namespace, "", body, writer)
            thing["metadata"].pop("resourceVersion", None)
            name = thing["metadata"].get("name")
            if name and self._store.read(kind, (namespace, name)):
                return self.update(kind, namespace, name, thing, writer)
            return self.create(kind, namespace, thing, writer)

    def _checked(self, kind, namespace, name, thing, writer):
        """The metadata of a thing that is for this place; its apiVersion and kind are taken off."""
        shapes.check(thing)
        # A built-in kind is known by the path too; a custom one must be named in the object.
        expected = kind.api_version(writer.version or kind.versions[0])
        api_version, said = thing.pop("apiVersion", None), thing.pop("kind", None)
        if not kind.custom:
            api_version, said = api_version or expected, said or kind.kind
        group, _, version = (api_version or "").rpartition("/")
        if (group, said) != (kind.group, kind.kind) or version not in kind.versions:
            raise answers.bad(f"the object provided is not a {kind.kind} of {expected}: {api_version} {said}")
        if writer.version and api_version != expected:
            message = f"the API version in the data ({api_version}) does not match the expected API version"
            raise answers.bad(f"{message} ({expected})")
        metadata = thing["metadata"]
        if namespace and metadata.setdefault("namespace", namespace) != namespace:
            message = "the namespace of the provided object does not match the namespace sent on the request"
            raise answers.bad(message)
        if not kind.namespaced:
            metadata.pop("namespace", None)
        if name is not None and metadata.setdefault("name", name) != name:
            raise answers.bad("the name of the object does not match the name on the URL")
        return metadata

    def _replace(self, kind, old, thing, writer):
        metadata, name = thing["metadata"], old.thing["metadata"]["name"]
        asked = metadata.get("resourceVersion")
        if asked and asked != str(old.version) and not writer.trusted:
            raise answers.modified(kind, name)
        uid = old.thing["metadata"]["uid"]
        if metadata.get("uid", uid) != uid:
            why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {uid}"
            raise answers.conflict(kind, name, why)
        thing = self._apart(kind, old, thing, writer)
        if kind.generation and _spec(thing) != _spec(old.thing):
            thing["metadata"]["generation"] = old.thing["metadata"].get("generation", 1) + 1
        return self._store_it(kind, (metadata.get("namespace", ""), name), old, thing, writer)

    def _apart(self, kind, old, thing, writer):
        """The status does not change with the object, nor the object with its status."""
        before = old.copy()
        if writer.subresource == "status":
            fields = thing["metadata"].get("managedFields")
            status = thing.get("status")
            thing = before
            thing.pop("status", None)
            if fields is not None:
                thing["metadata"]["managedFields"] = fields
            return thing | ({"status": status} if status is not None else {})
        if kind.status and not (writer.trusted and "status" in thing):
            thing.pop("status", None)
            thing |= {"status": before["status"]} if "status" in before else {}
        metadata = thing["metadata"]
        for field in KEPT:
            metadata.pop(field, None)
        metadata |= {field: before["metadata"][field] for field in KEPT if field in before["metadata"]}
        return thing

    def _store_it(self, kind, key, old, thing, writer):
        self._defaults.fill(kind, thing, old.thing if old else None)
        served = self._served(thing) if kind == self._definition else None
        before = old.thing if old else None
        thing["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"] if old else ""
        if writer.operation == ownership.UPDATE:
            thing = ownership.tracked(kind, before, thing, writer, now())
        if old and thing == before:
            return old  # nothing changed: no new version, and nobody is told
        if writer.dry:
            return Stored(thing, old.version if old else 0)
        if served:
            self._kinds.install(served)
        thing = json.loads(json.dumps(thing))  # nobody else holds a part of it
        if "deletionTimestamp" in thing["metadata"] and not thing["metadata"].get("finalizers"):
            if not self._lingers(kind, thing):
                self._store.write(kind, key, thing)
                return self._erase(kind, key)
        return self._store.write(kind, key, thing)

    # Definitions

    def _served(self, thing):
        """The kind that a definition makes served, once it is stored; its status says so already."""
        try:
            kind = definitions.kind_of(thing)
            thing["status"] = thing.get("status") or definitions.accepted(thing, now())
        except (KeyError, TypeError, AttributeError) as error:
            raise answers.bad(f"the definition lacks what it needs: {error}") from None
        if kind is None or kind.group in ("", self._definition.group):
            raise answers.invalid(
                self._definition, thing["metadata"]["name"], "spec", "nothing of it is served"
            )
        return kind

    def _unserve(self, thing):
        kind = self._kinds.remove(thing["spec"]["group"], thing["spec"]["names"]["plural"])
        if kind:
            for key in self._store.keys(kind):
                self._store.erase(kind, key)
            for tell in self.on_unserved:
                tell(kind.resource)

    # Deleting

    def delete(self, kind, key, options=None):
        """The object that is gone, or waits for its finalizers, and whether it is gone."""
        options = options or {}
        with self._store.lock:
            stored = self.get(kind, key)
            self._check_preconditions(kind, stored, options.get("preconditions") or {})
            if options.get("dryRun"):
                return stored, False
            if options.get("propagationPolicy") == "Orphan":
                self._orphan(stored)
            metadata = stored.thing["metadata"]
            grace = options.get("gracePeriodSeconds")
            if metadata.get("finalizers") or (grace != 0 and self._lingers(kind, stored.thing)):
                if "deletionTimestamp" in metadata:
                    return stored, False
                thing = stored.copy()
                thing["metadata"]["deletionTimestamp"] = now()
                thing["metadata"]["deletionGracePeriodSeconds"] = 30 if grace is None else grace
                return self._store.write(kind, key, thing), False
            return self._erase(kind, key), True

    def _lingers(self, kind, thing):
        return self.graceful_pods and kind.kind == "Pod" and bool((thing.get("spec") or {}).get("nodeName"))

    def _check_preconditions(self, kind, stored, preconditions):
        metadata = stored.thing["metadata"]
        for name, field in (("UID", "uid"), ("ResourceVersion", "resourceVersion")):
            asked = preconditions.get(field)
            if asked and asked != metadata[field]:
                why = (
                    f"the {name} in the precondition ({asked}) does not match the {name} in record "
                    f"({metadata[field]}). The object might have been deleted and then recreated"
                )
                raise answers.conflict(kind, metadata["name"], why)

    def _erase(self, kind, key):
        """Removes an object now, and what hangs on it."""
        if kind == self._definition:
            self._unserve(self._store.read(kind, key).thing)
        if kind == self._namespace:
            for one in self._kinds:
                for inner in self._store.keys(one, key[1]) if one.namespaced else ():
                    if self._store.read(one, inner):
                        self._erase(one, inner)
        gone = self._store.erase(kind, key)
        for dependent, place in self._store.owned_by(gone.thing["metadata"]["uid"]):
            owners = self._store.read(dependent, place).thing["metadata"]["ownerReferences"]
            if not any(self._store.lives(owner.get("uid")) for owner in owners):
                self.delete(dependent, place)
        return gone

    def _orphan(self, stored):
        uid = stored.thing["metadata"]["uid"]
        for kind, key in self._store.owned_by(uid):
            thing = self._store.read(kind, key).copy()
            owners = thing["metadata"]["ownerReferences"]
            thing["metadata"]["ownerReferences"] = [owner for owner in owners if owner.get("uid") != uid]
            self._store.write(kind, key, thing)


def _typed(kind, thing, writer):
    return {"apiVersion": kind.api_version(writer.version or kind.versions[0]), "kind": kind.kind} | thing


def _spec(thing):
    return {name: value for name, value in thing.items() if name not in ("metadata", "status")}
