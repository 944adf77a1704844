"""The few forms of Grafana 10 that the dashboards use: variables, rows, numbers, graphs and tables."""

WIDTH = 24  # columns of Grafana's grid
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
RATE = "$__rate_interval"

# Thresholds: from which value on a colour counts.
CALM = [(None, "green")]
FAULTS = [(None, "green"), (0.01, "yellow"), (0.05, "red")]  # a share
ANY = [(None, "green"), (1, "red")]  # a number that should be 0
SOME = [(None, "green"), (0.001, "yellow"), (1, "red")]  # a rate that should be 0
WHOLE = [(None, "red"), (0.95, "yellow"), (1, "green")]  # a share that should be all
ROOM = [(None, "green"), (0.7, "yellow"), (0.9, "red")]  # how full something is
MILLISECONDS = [(None, "green"), (500, "yellow"), (2_500, "red")]
SECONDS = [(None, "green"), (1, "yellow"), (10, "red")]
# Seconds; certificates of a day are renewed at half.
LEFT = [(None, "red"), (3_600, "yellow"), (14_400, "green")]


def rate(metric, *matchers):
    return f"rate({metric}{{{', '.join(matchers)}}}[{RATE}])"


def total(expression, *labels):
    return f"sum by ({', '.join(labels)}) ({expression})" if labels else f"sum({expression})"


def share(part, whole):
    """Of sums with the same labels; 0 where the part has never been, nothing where there is no whole."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def quantile(which, histogram, matchers, *labels):
    buckets = total(rate(f"{histogram}_bucket", *matchers), "le", *labels)
    return f"histogram_quantile({which}, {buckets})"


def choice(name, label, families, of, description, *matchers):
    """A variable with the values that one label has in these families."""
    named = f'__name__=~"{"|".join(families)}"'
    selector = f"{{{', '.join((named, *matchers))}}}"
    query = f"label_values({selector}, {of})"
    return {
        "name": name, "label": label, "description": description, "type": "query", "datasource": DATASOURCE,
        "query": {"query": query, "refId": f"Variable-{name}"}, "definition": query, "refresh": 2, "sort": 1,
        "multi": True, "includeAll": True, "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def fixed(name, label, values, description):
    """A variable with values of its own; the first is what it begins with."""
    return {
        "name": name, "label": label, "description": description, "type": "custom", "query": ",".join(values),
        "options": [{"text": one, "value": one, "selected": one == values[0]} for one in values],
        "multi": False, "includeAll": False, "current": {"text": values[0], "value": values[0]},
    }


class Dashboard:
    """Panels are placed from left to right and from top to bottom, in the order in which they are added."""

    def __init__(self, name, title, description, variables):
        self.name, self.title, self.description = name, title, description
        self.variables = variables
        self.panels = []
        self.x = self.y = self.height = 0

    def row(self, title):
        self._line()
        self._add({"type": "row", "title": title, "collapsed": False, "panels": []}, WIDTH, 1)

    def number(self, title, description, unit, query, thresholds=CALM, decimals=None):
        defaults = self._defaults(unit, thresholds, "thresholds")
        if decimals is not None:
            defaults["decimals"] = decimals
        options = {
            "colorMode": "value", "graphMode": "area", "justifyMode": "auto", "orientation": "auto",
            "textMode": "auto", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }
        self._panel("stat", title, description, defaults, options, [(query, title)], 4, 4)

    def graph(self, title, description, unit, *queries, thresholds=CALM, width=8):
        """`queries`: each with the legend of its lines."""
        defaults = self._defaults(unit, thresholds, "palette-classic")
        defaults["min"] = 0
        defaults["custom"] = {
            "lineWidth": 1, "fillOpacity": 8, "showPoints": "auto", "spanNulls": False,
            "thresholdsStyle": {"mode": "off" if thresholds is CALM else "dashed"},
        }
        options = {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
        self._panel("timeseries", title, description, defaults, options, queries, width, 8)

    def table(self, title, description, labels, columns, width=24):
        """`labels`: {label: heading}; `columns`: (heading, unit, query, thresholds), a row for each."""
        names = dict(labels)
        overrides = []
        for index, (heading, unit, _, thresholds) in enumerate(columns):
            names[f"Value #{chr(65 + index)}" if len(columns) > 1 else "Value"] = heading
            properties = [
                {"id": "unit", "value": unit}, {"id": "thresholds", "value": self._steps(thresholds)},
                {"id": "custom.cellOptions",
                 "value": {"type": "auto" if thresholds is CALM else "color-text"}},
            ]
            overrides.append({"matcher": {"id": "byName", "options": heading}, "properties": properties})
        order = {name: index for index, name in enumerate(names)}
        transformations = [{"id": "merge", "options": {}}, {"id": "organize", "options": {
            "excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}}]
        defaults = self._defaults(columns[0][1], CALM, "thresholds")
        options = {
            "showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": columns[0][0], "desc": True}],
        }
        queries = [(query, heading) for heading, _, query, _ in columns]
        panel = self._panel("table", title, description, defaults, options, queries, width, 9)
        panel["fieldConfig"]["overrides"] = overrides
        panel["transformations"] = transformations
        for target in panel["targets"]:
            target.update({"format": "table", "instant": True, "range": False})

    def json(self):
        source = {
            "name": "datasource", "label": "Data source",
            "description": "The Prometheus that scrapes the mesh",
            "type": "datasource", "query": "prometheus", "regex": "", "refresh": 1, "multi": False,
            "includeAll": False, "current": {},
        }
        return {
            "id": None, "uid": f"apus-{self.name}", "title": self.title, "description": self.description,
            "tags": ["apus", "service-mesh"], "schemaVersion": 39, "version": 1, "editable": True,
            "graphTooltip": 1, "refresh": "30s", "time": {"from": "now-1h", "to": "now"},
            "timezone": "browser",
            "links": [{"title": "Apus", "type": "dashboards", "tags": ["apus"], "asDropdown": True,
                       "includeVars": False, "keepTime": True, "targetBlank": False,
                       "icon": "external link"}],
            "annotations": {"list": []},
            "templating": {"list": [source, *self.variables]},
            "panels": self.panels,
        }

    def _panel(self, kind, title, description, defaults, options, queries, width, height):
        return self._add({
            "type": kind, "title": title, "description": description, "datasource": DATASOURCE,
            "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
            "targets": [
                {"refId": chr(65 + index), "datasource": DATASOURCE, "expr": query, "legendFormat": legend,
                 "instant": False, "range": True}
                for index, (query, legend) in enumerate(queries)
            ],
        }, width, height)

    def _add(self, panel, width, height):
        if self.x + width > WIDTH:
            self._line()
        place = {"x": self.x, "y": self.y, "w": width, "h": height}
        panel = {"id": len(self.panels) + 1, **panel, "gridPos": place}
        self.panels.append(panel)
        self.x, self.height = self.x + width, max(self.height, height)
        if panel["type"] == "row":
            self._line()
        return panel

    def _line(self):
        self.x, self.y, self.height = 0, self.y + self.height, 0

    def _defaults(self, unit, thresholds, colour):
        return {"unit": unit, "color": {"mode": colour}, "thresholds": self._steps(thresholds)}

    @staticmethod
    def _steps(thresholds):
        steps = [{"value": value, "color": colour} for value, colour in thresholds]
        return {"mode": "absolute", "steps": steps}
