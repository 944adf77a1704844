"""Every query of the dashboards asks for what the code tells, and each of these checks can fail."""

import copy
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from . import dashboards, families, promql

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# A page's writer in the forms that the sources use.
WRITER = """
text.begin("apus_shown", .gauge, help: "Help.")
text.sample(1, [("side", "left")])  // and ("comment", "is none")
text.begin("apus_plain_total", .counter, help: "Help.")
text.sample(sum { $0.all })
let told = registry.counter("apus_told_total", help: "Help.", labels: ["why", "who"])
func each(_ name: String, _ kind: Kind) {
  text.begin(name, kind, help: "Help.")
  for one in all { text.sample(one.value, [("worker", "\\(one.index)")]) }
}
each("apus_each_total", .counter)
"""
TOLD = {
    "apus_shown": promql.Family("gauge", frozenset({"side"})),
    "apus_told_total": promql.Family("counter", frozenset({"why", "who"})),
    "apus_time_seconds": promql.Family("histogram", frozenset({"who"})),
}


class Queries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.told = families.of_sources(ROOT)
        cls.dashboards = dashboards.read(ROOT)

    def test_every_query_and_choice_names_what_the_code_tells(self):
        self.assertGreaterEqual(len(self.dashboards), 4)
        said = [one for board in self.dashboards.values() for one in dashboards.complaints(board, self.told)]
        self.assertEqual(said, [])

    def test_a_name_that_is_wrong_is_found_wherever_it_stands(self):
        """Each family and each label of each query, one after the other, with a letter too many."""
        labels = set().union(*(one.labels for one in self.told.values()), {"instance", "job", "le"})
        parts = {f"{name}_{part}" for name in self.told for part in ("bucket", "sum", "count")}
        names, tried = labels | parts | set(self.told), 0
        for board in self.dashboards.values():
            values = dashboards.variables(board)
            for one in dashboards.queries(board):
                text = dashboards.filled(one.text, values)
                for found in promql.TOKEN.finditer(text):
                    if found.lastgroup == "name" and found.group("name") in names:
                        wrong = f"{text[:found.end()]}x{text[found.end():]}"
                        with self.subTest(wrong), self.assertRaises(promql.Wrong):
                            promql.Query(wrong, self.told).labels()
                        tried += 1
        self.assertGreater(tried, 500)

    def edited(self, old, new, where):
        """What is said against the mesh's dashboard after an edit of the first query, legend or choice."""
        board = copy.deepcopy(self.dashboards["mesh.json"])
        of_queries = [one for panel in board["panels"] for one in panel.get("targets", [])]
        of_choices = [one["query"] for one in board["templating"]["list"] if one["type"] == "query"]
        holder = next(one for one in of_queries + of_choices if old in one.get(where, ""))
        holder[where] = holder[where].replace(old, new, 1)
        return "\n".join(dashboards.complaints(board, self.told))

    def test_edits_of_a_real_dashboard_are_found(self):
        for old, new, where, said in (
            ("istio_requests_total", "istio_request_total", "expr", "nothing tells istio_request_total"),
            ("response_code", "status", "expr", "istio_requests_total never has the label status"),
            ("by (response_code)", "by (code)", "expr", "sum by code, which nothing in it has"),
            ("{{response_code}}", "{{code}}", "legendFormat", "it shows code, which its result does not"),
            ("$reporter", "$who", "expr", "there is no variable who"),
            ("connections_opened", "connections_begun", "query", "nothing tells istio_tcp_connections_begun"),
            (", destination_workload)", ", target)", "query", "no label target"),
        ):
            with self.subTest(new):
                self.assertIn(said, self.edited(old, new, where))

    def test_a_variable_that_nothing_uses_is_found(self):
        board = copy.deepcopy(self.dashboards["mesh.json"])
        board["templating"]["list"].append({"name": "lost", "type": "custom", "current": {"value": "a"}})
        said = list(dashboards.complaints(board, self.told))
        self.assertEqual(said, ["Apus / Mesh: nothing uses the variable lost"])

    def test_panels_have_their_places(self):
        for name, board in self.dashboards.items():
            taken, panels = set(), board["panels"]
            self.assertEqual(len({one["id"] for one in panels}), len(panels), name)
            for one in panels:
                at = one["gridPos"]
                cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
                self.assertFalse(cells & taken, f"{name}: {one['title']} lies over another")
                self.assertLessEqual(at["x"] + at["w"], 24, f"{name}: {one['title']} is outside")
                taken |= cells
                if one["type"] != "row":
                    self.assertTrue(one["description"] and one["targets"], f"{name}: {one['title']}")
        self.assertEqual(len({board["uid"] for board in self.dashboards.values()}), len(self.dashboards))


class Reading(unittest.TestCase):
    def wrong(self, text):
        with self.assertRaises(promql.Wrong, msg=text) as caught:
            promql.Query(text, TOLD).labels()
        return str(caught.exception)

    def test_what_a_query_comes_to(self):
        rates = "sum by (who) (rate(apus_told_total[1m]))"
        for text, labels in (
            ("apus_shown", {"side", "instance", "job"}),
            (rates, {"who"}),
            (f"{rates} / ({rates} > 0)", {"who"}),
            ("sum(rate(apus_told_total[1m])) or vector(0)", set()),
            ("histogram_quantile(0.9, sum by (le, who) (rate(apus_time_seconds_bucket[1m])))", {"who"}),
            ("time() - min(apus_shown)", set()),
        ):
            with self.subTest(text):
                self.assertEqual(promql.Query(text, TOLD).labels(), labels)

    def test_what_cannot_be_right_is_refused(self):
        for text, said in (
            ("apus_hidden", "nothing tells apus_hidden"),
            ('apus_shown{who="a"}', "apus_shown never has the label who"),
            ("sum by (who) (apus_shown)", "sum by who, which nothing in it has"),
            ("apus_told_total", "a counter without rate or increase"),
            ("rate(apus_shown[1m])", "rate of a gauge"),
            ("rate(apus_told_total)", "rate needs one range"),
            ("apus_shown[1m]", "a range that no function takes"),
            ("apus_time_seconds", "is a histogram"),
            ("histogram_quantile(0.9, sum by (who) (rate(apus_time_seconds_bucket[1m])))", "by le"),
            ("sum by (side) (apus_shown) / sum by (job) (apus_shown)", "job, side"),
            ('{__name__=~"apus_shown|apus_told_total"}', "are of different kinds"),
            ("apus_shown and on (who) apus_shown", "who, which not both sides have"),
            ("sum(apus_shown", "where ) should be"),
            ("sum(apus_shown))", "cannot be read from: )"),
            ("apus_shown and on (instance) apus_time_seconds_count", "a counter without rate or increase"),
            ("absent(apus_shown)", "is not known here"),
            ("apus_shown # why", "cannot be read"),
        ):
            with self.subTest(text):
                self.assertIn(said, self.wrong(text))


class Families(unittest.TestCase):
    def of(self, text):
        return families.of_files({"Writer.swift": families.without_comments(text)})

    def test_every_form_is_read(self):
        self.assertEqual(self.of(WRITER), {
            "apus_shown": promql.Family("gauge", frozenset({"side"})),
            "apus_plain_total": promql.Family("counter", frozenset()),
            "apus_told_total": promql.Family("counter", frozenset({"why", "who"})),
            "apus_each_total": promql.Family("counter", frozenset({"worker"})),
        })

    def test_a_form_that_is_not_known_is_no_silence(self):
        for text in (
            'text.begin(names[0], .gauge, help: "Help.")\ntext.sample(1)',
            'text.begin("apus_shown", .gauge, help: "Help.")',
            'text.begin("apus_shown", .gauge, help: "Help.")\ntext.sample(1, labels)',
            'func each(_ name: String) { text.begin(name, .gauge, help: "Help.")\ntext.sample(1) }',
            'registry.counter("apus_a", help: "")\nregistry.gauge("apus_a", help: "")',
        ):
            with self.subTest(text), self.assertRaises(families.Unreadable):
                self.of(text)

    def test_pages_are_held_against_the_sources(self):
        page = {
            "apus_shown": [("apus_shown", {"side": "left", "depth": "1"}, 1.0)],
            "apus_told_total": [("apus_told_total", {"who": "me"}, 1.0)],
            "apus_new": [("apus_new", {}, 1.0)],
        }
        self.assertEqual(list(families.disagreements(TOLD, [page])), [
            "apus_new is on a page, and no source declares it",
            "apus_shown has depth on a page, which no source writes",
        ])


class BuildDashboards(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        self.folder = os.path.join(self.root, dashboards.FOLDER)
        shutil.copytree(os.path.join(ROOT, dashboards.FOLDER), self.folder)
        os.mkdir(os.path.join(self.root, "Scripts"))
        shutil.copy(os.path.join(ROOT, "Scripts/build-dashboards"), os.path.join(self.root, "Scripts"))

    def run_it(self, *words):
        program = os.path.join(self.root, "Scripts/build-dashboards")
        answer = subprocess.run([sys.executable, program, *words], capture_output=True, text=True)
        return answer.returncode, answer.stderr

    def edit(self, name, old, new):
        path = os.path.join(self.folder, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))

    def test_what_is_checked_in_is_current(self):
        self.assertEqual(self.run_it("--check"), (0, ""))

    def test_an_edit_of_either_side_is_found_and_built_away(self):
        for name, old in (("mesh.json", "Apus / Mesh"), ("sources/agents.py", '"Pods"')):
            with self.subTest(name):
                self.edit(name, old, old.replace("s", "z"))
                code, said = self.run_it("--check")
                self.assertEqual(code, 1)
                self.assertIn("run Scripts/build-dashboards", said)
                self.assertEqual(self.run_it()[0], 0)
                self.assertEqual(self.run_it("--check"), (0, ""))

    def test_one_that_is_missing_or_that_nobody_describes_is_found(self):
        os.rename(os.path.join(self.folder, "mesh.json"), os.path.join(self.folder, "other.json"))
        code, said = self.run_it("--check")
        self.assertEqual(code, 1)
        self.assertIn("mesh.json, other.json", said)
        code, said = self.run_it()
        self.assertEqual(code, 1)
        self.assertIn("other.json has no source", said)


if __name__ == "__main__":
    unittest.main()
