"""Objects by their keys, one version for all of them, and what happened lately."""

import bisect
import collections
import json
import threading

from . import answers

FIRST_VERSION = 1000  # not near 0, which means something else to servers
WINDOW = 1000  # changes that can be replayed
ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"


class Stored:
    """An object at one version, without apiVersion and kind. Nobody changes it."""

    __slots__ = ("thing", "version", "_body")

    def __init__(self, thing, version):
        self.thing, self.version, self._body = thing, version, None

    @property
    def body(self):
        """As JSON, made once."""
        if self._body is None:
            self._body = json.dumps(self.thing, separators=(",", ":")).encode()
        return self._body

    def whole(self, kind, version):
        """As JSON, with its kind and the apiVersion that was asked for."""
        head = f'{{"kind":"{kind.kind}","apiVersion":"{kind.api_version(version)}",'
        return head.encode() + self.body[1:]

    def copy(self):
        return json.loads(self.body)


class Change:
    """One step from a version to the next."""

    __slots__ = ("type", "kind", "key", "stored", "previous", "version")

    def __init__(self, type, kind, key, stored, previous):
        self.type, self.kind, self.key = type, kind, key
        self.stored, self.previous, self.version = stored, previous, stored.version


class Table:
    """The objects of one resource, in the order of their keys (namespace, name)."""

    def __init__(self):
        self.keys, self.objects = [], {}

    def put(self, key, stored):
        if key not in self.objects:
            bisect.insort(self.keys, key)
        self.objects[key] = stored

    def remove(self, key):
        del self.objects[key]
        del self.keys[bisect.bisect_left(self.keys, key)]


class Store:
    """`lock` guards everything; `changed` is told of every step. Observers are called with the lock held."""

    def __init__(self, window=WINDOW):
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.version = FIRST_VERSION
        self.compacted = FIRST_VERSION  # what was before this version is forgotten
        self.observers = []
        self._window = window
        self._tables = collections.defaultdict(Table)
        self._history = collections.deque()
        self._living, self._owned = set(), collections.defaultdict(dict)  # by uid; a dict for its order

    # Writing

    def write(self, kind, key, thing):
        """Puts an object in its place, and its new version into it."""
        with self.lock:
            previous = self.read(kind, key)
            stored = self._next(thing)
            self._tables[kind.resource].put(key, stored)
            self._record(Change(MODIFIED if previous else ADDED, kind, key, stored, previous))
            return stored

    def erase(self, kind, key):
        """Removes an object; what is told of it has the version of its removal."""
        with self.lock:
            previous = self.read(kind, key)
            stored = self._next(previous.copy())
            self._tables[kind.resource].remove(key)
            self._record(Change(DELETED, kind, key, stored, previous))
            return stored

    def forget(self):
        """Compaction: nothing that happened can be replayed any more."""
        with self.lock:
            # One step, so that a version read before is older than what is kept.
            self.version += 1
            self.compacted = self.version
            self._history.clear()
            self.changed.notify_all()

    def _next(self, thing):
        self.version += 1
        thing["metadata"]["resourceVersion"] = str(self.version)
        return Stored(thing, self.version)

    def _record(self, change):
        self._note_owners(change)
        self._history.append(change)
        while len(self._history) > self._window:
            self.compacted = self._history.popleft().version
        for observer in self.observers:
            observer(change)
        self.changed.notify_all()

    def _note_owners(self, change):
        place = (change.kind, change.key)
        before = _owners(change.previous) if change.previous else ()
        after = _owners(change.stored) if change.type != DELETED else ()
        for owner in before:
            self._owned[owner].pop(place, None)
        for owner in after:
            self._owned[owner][place] = True
        uid = change.stored.thing["metadata"].get("uid")
        (self._living.discard if change.type == DELETED else self._living.add)(uid)

    # Reading

    def owned_by(self, uid):
        """The kinds and keys of what names this owner."""
        with self.lock:
            return list(self._owned.get(uid, ()))

    def lives(self, uid):
        with self.lock:
            return uid in self._living

    def read(self, kind, key):
        with self.lock:
            return self._tables[kind.resource].objects.get(key)

    def keys(self, kind, namespace=""):
        """The keys now, of one namespace or of all."""
        with self.lock:
            return list(_within(self._tables[kind.resource].keys, namespace, None))

    def since(self, kind, version):
        """What happened to one resource after a version. Refusal 410 when that is forgotten."""
        with self.lock:
            if version < self.compacted:
                raise answers.expired(f"too old resource version: {version} ({self.compacted})")
            resource = kind.resource
            newer = []
            for change in reversed(self._history):
                if change.version <= version:
                    break
                if change.kind.resource == resource:
                    newer.append(change)
            return newer[::-1]

    def as_of(self, kind, version, namespace="", after=None):
        """The keys at a version, in order, from behind one of them, and a function from a key to its object:
        while the caller holds the lock. Refusal 410 when that is forgotten."""
        objects, keys = self._tables[kind.resource].objects, self._tables[kind.resource].keys
        before = {}
        if version != self.version:
            for change in reversed(self.since(kind, version)):
                before[change.key] = change.previous
        if before:
            keys = sorted(key for key in {*keys, *before} if before.get(key, True) is not None)
        return _within(keys, namespace, after), lambda key: before.get(key) or objects[key]


def _owners(stored):
    return [owner.get("uid") for owner in stored.thing["metadata"].get("ownerReferences") or ()]


def _within(keys, namespace, after):
    """The keys of a namespace (or of all), from behind one of them."""
    start, end = 0, len(keys)
    if namespace:
        start, end = (
            bisect.bisect_left(keys, (namespace, "")),
            bisect.bisect_left(keys, (namespace + "\0", "")),
        )
    if after is not None:
        start = max(start, bisect.bisect_right(keys, after))
    return keys[start:end]
