"""A strict reader of the text format of metrics (version 0.0.4), written apart from what writes it."""

import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


class Malformed(Exception):
    """The page breaks a rule of the format; the message says which line and why."""


def parse(page):
    """{family: [(name of the sample, labels, value)]} of a page."""
    if not page.endswith("\n"):
        raise Malformed("the page does not end with a line feed")
    families, kinds, seen, current = {}, {}, set(), None
    for number, line in enumerate(page.split("\n")[:-1], 1):
        try:
            if line.startswith("# "):
                word, name = line.split(" ", 3)[1:3]
                _demand(word in ("HELP", "TYPE") and NAME.fullmatch(name), "a comment that is neither")
                if word == "HELP":
                    _demand(name not in families, f"{name} comes twice")
                    families[name], current = [], name
                else:
                    kind = line.split(" ", 3)[3]
                    _demand(name == current and name not in kinds, f"TYPE of {name} is not behind its HELP")
                    _demand(kind in ("counter", "gauge", "histogram", "summary"), f"{kind} is no kind")
                    kinds[name] = kind
            else:
                name, labels, value = _sample(line)
                suffixes = SUFFIXES.get(kinds.get(current), ("",))
                _demand(name in [f"{current}{suffix}" for suffix in suffixes], f"{name} is not of {current}")
                key = (name, tuple(sorted(labels.items())))
                _demand(key not in seen, f"{name} comes twice with the same labels")
                seen.add(key)
                if kinds[current] == "counter":
                    _demand(value >= 0 and current.endswith("_total"), f"{current} is no counter")
                families[current].append((name, labels, value))
        except (Malformed, ValueError, IndexError) as error:
            raise Malformed(f"line {number}: {error}: {line[:200]}") from error
    for name, kind in kinds.items():
        if kind == "histogram":
            _check_histogram(name, families[name])
    return families


def total(families, name, **labels):
    """The sum of the samples of that name that have these labels."""
    return sum(
        value
        for samples in families.values()
        for sample, have, value in samples
        if sample == name and all(have.get(key) == text for key, text in labels.items())
    )


def _demand(condition, otherwise):
    if not condition:
        raise Malformed(otherwise)


def _sample(line):
    name = NAME.match(line)
    _demand(name, "no name")
    rest, labels = line[name.end():], {}
    if rest.startswith("{"):
        rest = rest[1:]
        while not rest.startswith("}"):
            found = LABEL.match(rest)
            _demand(found and found.group(1) not in labels, "a label that is none, or that comes twice")
            labels[found.group(1)] = found.group(2)
            rest = rest[found.end():].removeprefix(",")
        rest = rest[1:]
    _demand(rest.startswith(" ") and " " not in rest[1:], "no value, or more than one")
    return name.group(), labels, float(rest[1:])


def _check_histogram(name, samples):
    series = {}
    for sample, labels, value in samples:
        own = tuple(sorted((key, text) for key, text in labels.items() if key != "le"))
        one = series.setdefault(own, {"buckets": []})
        if sample.endswith("_bucket"):
            one["buckets"].append((float(labels["le"]), value))
        else:
            one[sample.removeprefix(name)] = value
    for one in series.values():
        bounds, counts = zip(*one["buckets"])
        _demand(list(bounds) == sorted(set(bounds)) and bounds[-1] == math.inf, f"{name}: bad bounds")
        _demand(list(counts) == sorted(counts), f"{name} is not cumulative")
        _demand(counts[-1] == one["_count"] and one["_sum"] >= 0, f"{name}: sum or count do not fit")
