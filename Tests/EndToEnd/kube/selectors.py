"""Which objects a list or a watch is about: labels, fields, a namespace."""

import dataclasses
import re

from . import answers

_SET = re.compile(r"^(?P<key>[^\s!=(),]+)\s+(?P<how>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s!=(),]+)\s*(?P<how>==|=|!=)\s*(?P<value>[^\s!=(),]*)$")
_EXISTS = re.compile(r"^(?P<absent>!?)\s*(?P<key>[^\s!=(),]+)$")
FIELDS = ("metadata.name", "metadata.namespace", "spec.nodeName")


@dataclasses.dataclass(frozen=True)
class Demand:
    """One condition: that a key has one of these values, or not; no values: that it is there, or not."""

    key: str
    values: frozenset | None
    wanted: bool

    def met(self, labels):
        if self.values is None:
            return (self.key in labels) is self.wanted
        # A key that is absent is "not in" any set, as servers have it.
        return (labels.get(self.key) in self.values) is self.wanted


def _split(text):
    """At commas outside parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def labels(text):
    """The demands of a labelSelector."""
    demands = []
    for part in _split(text or ""):
        if found := _SET.match(part):
            values = frozenset(value.strip() for value in found["values"].split(","))
            demands.append(Demand(found["key"], values, found["how"] == "in"))
        elif found := _EQUAL.match(part):
            demands.append(Demand(found["key"], frozenset([found["value"]]), found["how"] != "!="))
        elif found := _EXISTS.match(part):
            demands.append(Demand(found["key"], None, not found["absent"]))
        else:
            raise answers.bad(f"unable to parse requirement: {part!r}")
    return tuple(demands)


def fields(text):
    """The demands of a fieldSelector."""
    demands = []
    for part in _split(text or ""):
        found = _EQUAL.match(part)
        if not found:
            raise answers.bad(f"invalid field selector: {part!r}")
        if found["key"] not in FIELDS:
            raise answers.bad(f"field label not supported: {found['key']}")
        demands.append(Demand(found["key"], frozenset([found["value"]]), found["how"] != "!="))
    return tuple(demands)


@dataclasses.dataclass(frozen=True)
class Selection:
    """What a request selects. Without a namespace: all of them."""

    namespace: str = ""
    labels: tuple = ()
    fields: tuple = ()

    @classmethod
    def of(cls, namespace, query):
        demanded = labels(query.get("labelSelector")), fields(query.get("fieldSelector"))
        return cls(namespace or "", *demanded)

    @property
    def everything(self):
        return not (self.labels or self.fields)

    def matches(self, thing):
        metadata = thing["metadata"]
        if self.namespace and metadata.get("namespace") != self.namespace:
            return False
        if self.labels and not all(one.met(metadata.get("labels") or {}) for one in self.labels):
            return False
        if not self.fields:
            return True
        known = {
            "metadata.name": metadata["name"],
            "metadata.namespace": metadata.get("namespace", ""),
            "spec.nodeName": (thing.get("spec") or {}).get("nodeName", ""),
        }
        return all(one.met(known) for one in self.fields)
