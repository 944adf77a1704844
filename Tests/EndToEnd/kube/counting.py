"""What was asked, by whom and how often, and which watches live: for tests to hold."""

import collections
import dataclasses


@dataclasses.dataclass(frozen=True)
class Asked:
    """One sort of request."""

    user: str
    verb: str
    pattern: str  # /api/v1/namespaces/{namespace}/pods/{name}
    resource: str  # pods/status, or "" where the path is of no resource
    code: int


class Counters:
    def __init__(self, store):
        self._store = store
        self._counts = collections.Counter()

    def add(self, asked):
        with self._store.lock:
            self._counts[asked] += 1
            self._store.changed.notify_all()

    def total(self, **wanted):
        """How many requests had these: total(verb="list", resource="pods", code=410)."""
        with self._store.lock:
            counts = list(self._counts.items())
        return sum(
            count
            for asked, count in counts
            if all(getattr(asked, name) == value for name, value in wanted.items())
        )

    def listed(self):
        """All of them, as objects of JSON."""
        with self._store.lock:
            return [dataclasses.asdict(asked) | {"count": count} for asked, count in self._counts.items()]

    def clear(self):
        with self._store.lock:
            self._counts.clear()
