"""One watch: what it is about, and what still has to be told to it."""

import collections
import json
import os

from . import answers
from .listing import TRUE, number
from .selectors import Selection
from .store import ADDED, DELETED, MODIFIED

PENDING = 200_000  # entries for one watch, above which it is ended as too slow
BOOKMARK, ERROR, END, CUT = "BOOKMARK", "ERROR", "END", "CUT"


class Watch:
    """A queue of lines. `user`, `path` and `resource` say whose it is and what it watches."""

    def __init__(self, kind, version, namespace, query, user, path):
        self.kind, self.version, self.user, self.path = kind, version, user, path
        self.selection = Selection.of(namespace, query)
        self.bookmarks = query.get("allowWatchBookmarks") in TRUE
        self.seconds = number(query, "timeoutSeconds")
        self._queue = collections.deque()
        self._signal = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    @property
    def resource(self):
        return self.kind.resource

    def fileno(self):
        """Readable when something waits."""
        return self._signal

    def close(self):
        os.close(self._signal)

    # With the store's lock held

    def start(self, store, query):
        """What is told first. An answers.Refusal in place of the watch, or as its only event."""
        asked = number(query, "resourceVersion", 0)
        initial = query.get("sendInitialEvents")
        if initial is not None:
            self._check_initial(query)
        if initial in TRUE or (initial is None and asked == 0):
            keys, read = store.as_of(self.kind, store.version, self.selection.namespace)
            for stored in map(read, keys):
                if self.selection.matches(stored.thing):
                    self._tell(ADDED, stored.whole(self.kind, self.version))
            if initial in TRUE:
                self.mark(store.version, {"k8s.io/initial-events-end": "true"})
            return
        try:
            for change in store.since(self.kind, asked or store.version):
                self.offer(change)
        except answers.Refusal as refusal:
            self.refuse(refusal.status)

    def _check_initial(self, query):
        if query.get("resourceVersionMatch") != "NotOlderThan":
            why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            raise answers.invalid_options("resourceVersionMatch", why)
        if query["sendInitialEvents"] in TRUE and not self.bookmarks:
            raise answers.invalid_options(
                "allowWatchBookmarks", "Forbidden: sendInitialEvents needs bookmarks"
            )

    def offer(self, change):
        """A change of this resource: told if it concerns what is selected."""
        before = change.previous is not None and self.selection.matches(change.previous.thing)
        after = change.type != DELETED and self.selection.matches(change.stored.thing)
        if not (before or after):
            return
        type = (MODIFIED if before else ADDED) if after else DELETED
        self._tell(type, change.stored.whole(self.kind, self.version))

    def mark(self, version, annotations=None):
        """A bookmark."""
        if self.bookmarks:
            metadata = {"resourceVersion": str(version), "creationTimestamp": None}
            metadata |= {"annotations": annotations} if annotations else {}
            thing = {"kind": self.kind.kind, "apiVersion": self.kind.api_version(self.version)}
            self._tell(BOOKMARK, json.dumps(thing | {"metadata": metadata}).encode())

    def refuse(self, status):
        """An error, and then the end."""
        self._tell(ERROR, json.dumps(status).encode())
        self.end()

    def end(self):
        self._add(END, b"")

    def cut(self):
        self._add(CUT, b"")

    def _tell(self, type, body):
        self._add(type, b'{"type":"' + type.encode() + b'","object":' + body + b"}\n")

    def _add(self, type, line):
        if len(self._queue) >= PENDING:
            self._queue.clear()
            type, line = END, b""
        self._queue.append((type, line))
        os.eventfd_write(self._signal, 1)

    # By the thread of the connection

    def take(self):
        """What waits: pairs of type and line."""
        try:
            os.eventfd_read(self._signal)
        except BlockingIOError:
            pass
        taken = []
        while self._queue:
            taken.append(self._queue.popleft())
        return taken


class Watches:
    """The watches that live."""

    def __init__(self, store):
        self._store = store
        self._live = []
        store.observers.append(self._observe)

    def __iter__(self):
        with self._store.lock:
            return iter(list(self._live))

    def open(self, watch, query):
        with self._store.lock:
            watch.start(self._store, query)
            self._live.append(watch)

    def close(self, watch):
        with self._store.lock:
            self._live.remove(watch)
            watch.close()
            self._store.changed.notify_all()

    def mark(self):
        """A bookmark to everyone who wants them."""
        with self._store.lock:
            for watch in self._live:
                watch.mark(self._store.version)

    def end(self, resource):
        """The resource is served no longer."""
        with self._store.lock:
            for watch in self._live:
                if watch.resource == resource:
                    watch.end()

    def cut(self, prefix="", user=None):
        """Cuts connections. How many."""
        with self._store.lock:
            chosen = [one for one in self._live if one.path.startswith(prefix) and user in (None, one.user)]
            for watch in chosen:
                watch.cut()
            return len(chosen)

    def _observe(self, change):
        for watch in self._live:
            if watch.resource == change.kind.resource:
                watch.offer(change)
