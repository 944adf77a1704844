"""Reads the dashboards of Deploy/dashboards: every query, every choice, and what of them asks for nothing."""

import json
import os
import re
from collections import namedtuple

from . import promql

FOLDER = "Deploy/dashboards"
# What Grafana sets itself; here, longer than any claim takes.
BUILT_IN = {"__rate_interval": "5m", "__range": "5m"}
VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")
LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")
LEGEND = re.compile(r"\{\{(\w+)\}\}")

# A query. `panel`: dashboard, row, title and legend; `shows`: the labels that its legend or its table names.
Asked = namedtuple("Asked", "panel text shows")
# The values of a label, from which somebody chooses. `selector` may name other variables.
Choice = namedtuple("Choice", "panel name selector label")


def read(root):
    """{name of the file: dashboard}."""
    found = {}
    for name in sorted(os.listdir(os.path.join(root, FOLDER))):
        if name.endswith(".json"):
            with open(os.path.join(root, FOLDER, name), encoding="utf-8") as file:
                found[name] = json.load(file)
    return found


def queries(dashboard):
    row = ""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
        shown = headings(panel)
        for target in panel.get("targets", []):
            legend = target["legendFormat"]
            where = " / ".join([dashboard["title"], row, panel["title"], legend])
            yield Asked(where, target["expr"], frozenset(shown) or frozenset(LEGEND.findall(legend)))


def headings(panel):
    """The labels that are columns of a table."""
    for one in panel.get("transformations", []):
        for name in one["options"].get("renameByName", {}):
            if not name.startswith("Value"):
                yield name


def choices(dashboard):
    for one in dashboard["templating"]["list"]:
        if one["type"] == "query":
            where = " / ".join([dashboard["title"], one["label"]])
            selector, label = LABEL_VALUES.fullmatch(one["query"]["query"]).groups()
            yield Choice(where, one["name"], selector, label)


def variables(dashboard):
    """{variable: what it stands for when all is chosen, or at first}."""
    return BUILT_IN | {
        one["name"]: one.get("allValue") or one["current"].get("value", "")
        for one in dashboard["templating"]["list"]
    }


def filled(text, values):
    """A query as Grafana sends it. Raises Wrong for a variable that there is not."""

    def value(found):
        name = found.group(1) or found.group(2)
        if name not in values:
            raise promql.Wrong(f"there is no variable {name}")
        return values[name]

    return VARIABLE.sub(value, text)


def complaints(dashboard, families):
    """What in a dashboard asks for something that nobody tells: a sentence each."""
    values = variables(dashboard)
    for one in queries(dashboard):
        try:
            labels = promql.Query(filled(one.text, values), families).labels()
            if missing := one.shows - labels:
                raise promql.Wrong(f"it shows {', '.join(sorted(missing))}, which its result does not have")
        except promql.Wrong as wrong:
            yield f"{one.panel}: {wrong}: {one.text}"
    for one in choices(dashboard):
        try:
            if one.label not in promql.Query(filled(one.selector, values), families).series():
                raise promql.Wrong(f"no label {one.label}")
        except promql.Wrong as wrong:
            yield f"{one.panel}: {wrong}: {one.selector}"
    used = json.dumps(dashboard)
    for name in sorted(values.keys() - BUILT_IN.keys()):
        if not re.search(rf"\$\{{?{name}\b", used):
            yield f"{dashboard['title']}: nothing uses the variable {name}"
