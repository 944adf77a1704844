"""What a query of Prometheus asks for, held against the families that exist.

Reads the part of PromQL that the dashboards use, and works out for each part of a query which labels its
result can have. What it does not know is an error, never passed over.
"""

import re
from collections import namedtuple

# What Prometheus itself adds to every sample.
TARGET = frozenset({"instance", "job"})
# A family of a page: its kind, and every label that its samples can have.
Family = namedtuple("Family", "kind labels")
# What a part of a query comes to. `labels`: None for a number; `samples`: counter, bucket or gauge of a
# selector itself, None for what was worked out; `over`: a range of time.
Value = namedtuple("Value", "labels samples over", defaults=(None, False))

NUMBER = Value(None)
TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<time>\d+(?:ms|[smhdwy]))|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<name>[A-Za-z_:][\w:]*)|(?P<sign>==|!=|>=|<=|=~|!~|[-+*/%^<>=(){}\[\],]))"""
)
LEVELS = [("or",), ("and", "unless"), ("==", "!=", ">", "<", ">=", "<="), ("+", "-"), ("*", "/", "%")]
SUMS = {"sum", "min", "max", "avg", "count", "group", "stddev"}
GROWING = {"rate", "irate", "increase"}
OVER_TIME = {"delta", "max_over_time", "min_over_time", "avg_over_time"}
SAME = {"abs", "ceil", "floor", "round", "sort_desc", "sort", "clamp_min", "clamp_max"}


class Wrong(Exception):
    """A query that asks for what does not exist, or that cannot be read; the message says what."""


def selected(families, name):
    """The labels and the kind of the samples of one name."""
    if name in families:
        family = families[name]
        if family.kind == "histogram":
            raise Wrong(f"{name} is a histogram: ask for {name}_bucket, _sum or _count")
        return family.labels | TARGET, family.kind
    stem, _, part = name.rpartition("_")
    if part in ("bucket", "sum", "count") and stem in families and families[stem].kind == "histogram":
        labels = families[stem].labels | TARGET
        return (labels | {"le"}, "bucket") if part == "bucket" else (labels, "counter")
    raise Wrong(f"nothing tells {name}")


class Query:
    """One query, as text; variables must have been replaced."""

    def __init__(self, text, families):
        self.families, self.tokens, at = families, [], 0
        text = text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise Wrong(f"cannot be read from: {text[at:at + 30]}")
            self.tokens.append((found.lastgroup, found.group(found.lastgroup)))
            at = found.end()
        self.at = 0

    def labels(self):
        """The labels that its result can have; none for a number."""
        value = self.level(0)
        if self.at < len(self.tokens):
            raise Wrong(f"cannot be read from: {self.tokens[self.at][1]}")
        return settled(value).labels or frozenset()

    def series(self):
        """The labels of what a selector alone selects, as the values of a label are asked for."""
        value = self.single()
        if self.at < len(self.tokens) or value.samples is None or value.over:
            raise Wrong("no selector alone")
        return value.labels

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self):
        token = self.peek()
        self.at += 1
        return token

    def accept(self, sign):
        if self.peek()[1] != sign or self.peek()[0] == "text":
            return False
        self.at += 1
        return True

    def expect(self, sign):
        if not self.accept(sign):
            raise Wrong(f"{self.peek()[1] or 'the end'} where {sign} should be")

    def level(self, depth):
        if depth == len(LEVELS):
            return self.single()
        left = self.level(depth + 1)
        while self.peek()[1] in LEVELS[depth] and self.peek()[0] in ("name", "sign"):
            operator = self.take()[1]
            matching = self.matching()
            left = joined(settled(left), operator, matching, settled(self.level(depth + 1)))
        return left

    def matching(self):
        """(on or ignoring, labels, labels of group_left) behind an operator; None when there is nothing."""
        word = self.peek()[1]
        if word not in ("on", "ignoring"):
            return None
        self.take()
        names, more = self.names(), None
        if self.accept("group_left"):
            more = self.names() if self.peek()[1] == "(" else []
        return word, names, more

    def names(self):
        self.expect("(")
        found = []
        while not self.accept(")"):
            kind, name = self.take()
            if kind != "name":
                raise Wrong(f"{name or 'the end'} where a label should be")
            found.append(name)
            self.accept(",")
        return found

    def single(self):
        kind, text = self.take()
        if kind == "number":
            return NUMBER
        if text == "(" and kind == "sign":
            value = self.level(0)
            self.expect(")")
            return value
        if text == "-" and kind == "sign":
            return self.single()
        if text == "{" and kind == "sign":
            self.at -= 1
            return self.selector(None)
        if kind != "name":
            raise Wrong(f"{text or 'the end'} where something to ask for should be")
        if text in SUMS or text in ("topk", "bottomk"):
            return self.aggregation(text)
        return self.call(text) if self.peek()[1] == "(" else self.selector(text)

    def selector(self, name):
        matchers = self.matchers() if self.peek()[1] == "{" else []
        names = [name] if name else []
        for label, operator, value in matchers:
            if label == "__name__":
                if names or operator not in ("=", "=~"):
                    raise Wrong("more than one way to say a name")
                names = value.split("|")
        if not names:
            raise Wrong("a selector without a name")
        found = [selected(self.families, one) for one in names]
        labels = frozenset.intersection(*(frozenset(one) for one, _ in found))
        if len({kind for _, kind in found}) > 1:
            raise Wrong(f"{' and '.join(names)} are of different kinds")
        for label, _, _ in matchers:
            if label != "__name__" and label not in labels:
                raise Wrong(f"{' and '.join(names)} never has the label {label}")
        over = self.accept("[")
        if over:
            if self.take()[0] != "time":
                raise Wrong("a range that is none")
            self.expect("]")
        return Value(labels, found[0][1], over)

    def matchers(self):
        self.expect("{")
        found = []
        while not self.accept("}"):
            (kind, label), operator, (also, value) = self.take(), self.take()[1], self.take()
            if kind != "name" or also != "text" or operator not in ("=", "!=", "=~", "!~"):
                raise Wrong(f"a matcher that is none: {label} {operator} {value}")
            found.append((label, operator, value[1:-1]))
            self.accept(",")
        return found

    def aggregation(self, word):
        by = self.names() if self.accept("by") else None
        self.expect("(")
        if word in ("topk", "bottomk"):
            self.level(0)
            self.expect(",")
        value = settled(self.level(0))
        self.expect(")")
        if by is None and self.accept("by"):
            by = self.names()
        if value.labels is None:
            raise Wrong(f"{word} of a number")
        if word in ("topk", "bottomk"):
            return Value(value.labels)
        for label in by or []:
            if label not in value.labels:
                raise Wrong(f"{word} by {label}, which nothing in it has")
        buckets = value.samples == "bucket" and "le" in (by or [])
        return Value(frozenset(by or []), "bucket" if buckets else None)

    def call(self, word):
        self.expect("(")
        values = []
        while not self.accept(")"):
            values.append(self.level(0))
            self.accept(",")
        if word in GROWING | OVER_TIME:
            if len(values) != 1 or not values[0].over:
                raise Wrong(f"{word} needs one range")
            if (values[0].samples in ("counter", "bucket")) != (word in GROWING):
                raise Wrong(f"{word} of a {values[0].samples}")
            return Value(values[0].labels, "bucket" if values[0].samples == "bucket" else None)
        values = [settled(one) for one in values]
        if word == "time" and not values:
            return NUMBER
        if word == "vector" and values == [NUMBER]:
            return Value(frozenset())
        if word == "histogram_quantile" and len(values) == 2 and values[0] == NUMBER:
            if values[1].samples != "bucket" or "le" not in values[1].labels:
                raise Wrong("histogram_quantile needs rates of buckets, by le")
            return Value(values[1].labels - {"le"})
        if word in SAME and values and values[0].labels is not None:
            return values[0]
        raise Wrong(f"{word} of {len(values)} values is not known here")


def settled(value):
    """What is no bare counter and no range any more."""
    if value.over:
        raise Wrong("a range that no function takes")
    if value.samples == "counter":
        raise Wrong("a counter without rate or increase")
    return value


def joined(left, operator, matching, right):
    if left.labels is None or right.labels is None:
        if operator in ("and", "or", "unless") or matching:
            raise Wrong(f"{operator} of a number")
        return Value(right.labels if left.labels is None else left.labels)
    if matching:
        word, names, more = matching
        for label in names:
            if label not in left.labels & right.labels:
                raise Wrong(f"{operator} {word} {label}, which not both sides have")
        for label in more or []:
            if label not in right.labels:
                raise Wrong(f"group_left {label}, which the right side does not have")
        if operator in ("and", "unless") or more is not None:
            return Value(left.labels | set(more or []), left.samples)
        return Value(frozenset(names) if word == "on" else left.labels - set(names))
    if operator == "or":
        return Value(left.labels | right.labels)
    if left.labels != right.labels:
        unlike = ", ".join(sorted(left.labels ^ right.labels))
        raise Wrong(f"{operator} of what never has the same labels: {unlike}")
    return Value(left.labels, left.samples if operator in ("and", "unless") else None)
