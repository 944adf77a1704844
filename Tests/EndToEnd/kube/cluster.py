"""A cluster's API for tests: objects, and the server that shows them."""

import collections
import json
import os
import sys
import threading
import time
import traceback

from . import definitions
from .counting import Counters
from .faults import Faults
from .identities import Identities
from .kinds import Kinds
from .objects import Objects, Writer
from .roles import Roles
from .server import Server
from .store import WINDOW, Store
from .watching import Watches

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
TEST = Writer("test", trusted=True)


class Cluster:
    """Objects with the semantics of a Kubernetes API server, without a socket until `serve`.

    `window`: how many changes can be replayed. `bookmark_seconds`: how often a watch gets a bookmark;
    `watches.mark()` sends one now. `client_authority`: a PEM file; certificates of it are users. `yaml`: a
    function from text to the objects in it, for what is YAML; without it only JSON is read."""

    def __init__(self, window=WINDOW, bookmark_seconds=10, client_authority=None, yaml=None):
        self.store, self.kinds = Store(window), Kinds()
        self.watches = Watches(self.store)
        self.objects = Objects(self.store, self.kinds)
        self.objects.on_unserved.append(self.watches.end)
        self.identities = Identities(self.store, certificates=client_authority is not None)
        self.roles = Roles(self.store, self.kinds)
        self.counters = Counters(self.store)
        self.faults = Faults(self.store, self.watches)
        self.bookmark_seconds, self.client_authority = bookmark_seconds, client_authority
        self.server = None
        self._yaml = yaml
        self._players = Players(self)
        for name in NAMESPACES:
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    # Serving

    def serve(self, certificate, key, address="127.0.0.1", port=0):
        """Listens; the URL. The certificate and its key are paths of PEM files."""
        self.server = Server(self, certificate, key, address, port)
        self.faults.on_refuse, self.faults.on_heal = self.server.refuse, self.server.accept
        return self.server.url

    def close(self):
        """Safe at any time, any number of times."""
        self._players.close()
        if self.server:
            self.faults.on_heal = lambda: None  # who waits in a partition is let go, and the door stays shut
            self.faults.heal()
            self.server.close()
            self.server = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    # Objects

    def put(self, thing):
        """Creates or replaces, with the status, whatever the version: an object, or a text with any number of
        them. The objects as they are then."""
        if isinstance(thing, (str, bytes)):
            return [self.put(one) for one in self._read(thing)]
        if str(thing.get("kind", "")).endswith("List") and isinstance(thing.get("items"), list):
            return [self.put(one) for one in thing["items"]]
        thing = json.loads(json.dumps(thing))
        kind, (_, _, version) = self.kinds.of(thing), thing["apiVersion"].rpartition("/")
        return json.loads(self.objects.put(kind, thing, TEST).whole(kind, version))

    def get(self, kind, namespace, name, group=None):
        """An object, or None. The namespace is None for what has none."""
        kind = self.kinds.named(kind, group)
        stored = self.store.read(kind, (namespace or "", name))
        return json.loads(stored.whole(kind, kind.versions[0])) if stored else None

    def list(self, kind, namespace=None, group=None):
        kind = self.kinds.named(kind, group)
        with self.store.lock:
            keys, read = self.store.as_of(kind, self.store.version, namespace or "")
            there = [read(key) for key in keys]
        return [json.loads(stored.whole(kind, kind.versions[0])) for stored in there]

    def change(self, kind, namespace, name, edit, group=None):
        """Edits an object in place with a function that is given it; what it is then."""
        with self.store.lock:
            thing = self.get(kind, namespace, name, group)
            if thing is None:
                raise LookupError(f"no {kind} {namespace}/{name}")
            edit(thing)
            return self.put(thing)

    def delete(self, kind, namespace, name, group=None, grace=0):
        """Deletes an object as a client would, or nothing if it is not there."""
        kind = self.kinds.named(kind, group)
        with self.store.lock:
            if self.store.read(kind, (namespace or "", name)):
                self.objects.delete(kind, (namespace or "", name), {"gracePeriodSeconds": grace})

    def install_crds(self, group, kinds=None):
        """Installs the definitions of a known group; only those of some kinds, if told so."""
        for thing in definitions.known(group, kinds):
            self.put(thing)

    def remove_crds(self, group, kinds=None):
        for thing in definitions.known(group, kinds):
            self.delete(definitions.DEFINITIONS, None, thing["metadata"]["name"])

    def authorize(self, *things):
        """From now on RBAC holds: these roles and bindings, and those that are in the cluster."""
        for thing in things:
            self.put(thing)
        self.roles.on = True

    def load_directory(self, directory):
        """Puts all objects of the files in a directory and below it: those first that others need."""
        found = []
        for folder, folders, names in os.walk(directory):
            folders.sort()
            for name in sorted(names):
                if name.endswith((".json", ".yaml", ".yml")):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        found += self._read(file.read(), os.path.join(folder, name))
        first = {"Namespace": 0, definitions.DEFINITIONS: 1}
        return [self.put(one) for one in sorted(found, key=lambda one: first.get(one.get("kind"), 2))]

    def _read(self, text, source="a text"):
        text = text.decode() if isinstance(text, bytes) else text
        if text.lstrip()[:1] in ("{", "["):
            found = json.loads(text)
            return found if isinstance(found, list) else [found]
        if self._yaml is None:
            raise ValueError(f"{source} is not JSON; to read YAML, give the cluster a function that does")
        return [one for one in self._yaml(text) if one]

    # Waiting and playing

    def wait(self, predicate, timeout=30):
        """What the predicate returns once that is true: asked at every change and every request.
        TimeoutError when it stays false, which is for a caller to report."""
        end = time.monotonic() + timeout
        while True:
            # Not under the lock: it may be a request to this very server.
            value = predicate()
            if value:
                return value
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"still false after {timeout} s")
            with self.store.changed:
                # What changed since the predicate looked, or says nothing when it does, is seen soon.
                self.store.changed.wait(min(left, 0.05))

    def on_change(self, callback, kind=None):
        """Plays a controller: callback(type, object) after each change, in order, in a thread of its own.
        What it raises is printed, and kept in `failures`."""
        self._players.add(callback, kind)

    @property
    def failures(self):
        return self._players.failures


class Players:
    """Calls back, outside the store's lock."""

    def __init__(self, cluster):
        self.failures = []
        self._callbacks, self._queue = [], collections.deque()
        self._store, self._wake, self._ended = cluster.store, threading.Condition(), False
        self._thread = None

    def add(self, callback, kind):
        with self._store.lock:
            self._callbacks.append((callback, kind))
            if self._thread is None:
                self._store.observers.append(self._observe)
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def close(self):
        with self._wake:
            self._ended = True
            self._wake.notify()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()

    def _observe(self, change):
        with self._wake:
            self._queue.append(change)
            self._wake.notify()

    def _run(self):
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._queue or self._ended)
                if self._ended:
                    return
                change = self._queue.popleft()
            whole = change.stored.whole(change.kind, change.kind.versions[0])
            for callback, kind in list(self._callbacks):
                if kind in (None, change.kind.kind):
                    try:
                        callback(change.type, json.loads(whole))
                    except Exception as error:  # of the test's own code: its failure must be seen
                        self.failures.append(error)
                        traceback.print_exc(file=sys.stderr)
