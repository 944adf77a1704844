"""Faults, switched on and off while the server runs."""

import dataclasses
import threading
import time

from . import answers

ANSWERS = {
    410: ("Expired", "The resourceVersion for the provided list or watch is too old."),
    429: ("TooManyRequests", "Too many requests, please try again later."),
    500: ("InternalError", "Internal error occurred: the test wants it so"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
}
ANSWER, DELAY, TRUNCATE, MALFORM = "answer", "delay", "truncate", "malform"


@dataclasses.dataclass
class Fault:
    """One fault, for the next `times` requests (or events) below a path; None: until it is healed."""

    sort: str
    path: str = ""
    times: int | None = 1
    verb: str | None = None
    user: str | None = None
    status: int = 500
    milliseconds: int = 0
    retry_after: int | None = None


class Faults:
    """What goes wrong. Requests below /test/ are exempt from all of it."""

    def __init__(self, store, watches):
        self._store, self._watches = store, watches
        self._faults = []
        self.held = 0  # requests and watches that a partition keeps waiting
        self._connected = threading.Event()
        self._connected.set()
        self.on_refuse = self.on_heal = lambda: None  # of the server: closes and opens its door

    # What a test switches

    def answer(self, status, path="", times=1, verb=None, user=None, retry_after=None):
        """The next requests are answered with a status: 410 for a watch is then the answer itself, and not an
        event in it; 429 says when to come again."""
        if status == 429 and retry_after is None:
            retry_after = 1
        return self._add(Fault(ANSWER, path, times, verb, user, status=status, retry_after=retry_after))

    def delay(self, milliseconds, path="", times=None, verb=None, user=None):
        return self._add(Fault(DELAY, path, times, verb, user, milliseconds=milliseconds))

    def truncate(self, path="", times=1, verb=None, user=None):
        """The next event of a watch, or the next body, is sent by half; then the connection is cut."""
        return self._add(Fault(TRUNCATE, path, times, verb, user))

    def malform(self, path="", times=1, verb=None, user=None):
        """The next event of a watch, or the next body, is no JSON. A watch goes on after it."""
        return self._add(Fault(MALFORM, path, times, verb, user))

    def drop(self, path="", user=None):
        """Cuts live watches, now. How many."""
        return self._watches.cut(path, user)

    def forget(self):
        """Compaction: no version that was read before now can be resumed from."""
        self._store.forget()

    def partition(self, refuse=False):
        """Nobody is answered any more, and watches are silent, until `heal`. Or: all connections are cut, and
        no others are accepted."""
        if refuse:
            self.on_refuse()
        else:
            self._connected.clear()

    def heal(self):
        """The end of a partition, and of every fault."""
        with self._store.lock:
            self._faults.clear()
        self._connected.set()
        self.on_heal()

    def _add(self, fault):
        with self._store.lock:
            self._faults.append(fault)
        return fault

    # What the server asks

    @property
    def silent(self):
        return not self._connected.is_set()

    def wait_until_connected(self):
        with self._store.lock:
            self.held += 1
        self._connected.wait()
        with self._store.lock:
            self.held -= 1

    def before(self, verb, path, user):
        """Called with each request: waits, or raises the Refusal that is the answer."""
        delay = self._take(DELAY, verb, path, user)
        if delay:
            time.sleep(delay.milliseconds / 1000)
        fault = self._take(ANSWER, verb, path, user)
        if fault:
            reason, message = ANSWERS.get(fault.status, ("Unknown", "the test wants it so"))
            headers, details = {}, {}
            if fault.retry_after is not None:
                headers["Retry-After"] = str(fault.retry_after)
                details["retryAfterSeconds"] = fault.retry_after
            raise answers.Refusal(fault.status, reason, message, details, headers)

    def spoiled(self, verb, path, user, body):
        """A body or an event as it is to be sent, and whether the connection is cut then."""
        if not self._faults:
            return body, False
        if self._take(TRUNCATE, verb, path, user):
            return body[: len(body) // 2], True
        if self._take(MALFORM, verb, path, user):
            # As long as it was, a line still, and JSON nowhere.
            return b'{"type":]' + b"x" * (len(body) - 10) + b"\n", False
        return body, False

    def _take(self, sort, verb, path, user):
        with self._store.lock:
            for fault in self._faults:
                if fault.sort != sort or not path.startswith(fault.path):
                    continue
                if fault.verb not in (None, verb) or fault.user not in (None, user):
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None


def command(faults, order):
    """A fault as a program orders it: {"fault": "answer", "status": 429, "path": "/api", "times": 2}."""
    order = dict(order)
    name = order.pop("fault", "")
    if name not in ("answer", "delay", "truncate", "malform", "drop", "forget", "partition", "heal"):
        raise answers.bad(f"no fault {name!r}")
    try:
        done = getattr(faults, name)(**order)
    except TypeError as error:
        raise answers.bad(str(error)) from None
    return {"fault": name} | ({"dropped": done} if name == "drop" else {})
