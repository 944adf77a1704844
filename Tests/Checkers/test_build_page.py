"""The page that is checked in is of its sources, and the check can fail."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATED = "Sources/Rooms/ControlKit/Generated/GraphPage.swift"


class BuildPage(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copytree(os.path.join(ROOT, "Page"), os.path.join(self.root, "Page"))
        for path in ("Scripts/build-page", GENERATED):
            os.makedirs(os.path.dirname(os.path.join(self.root, path)), exist_ok=True)
            shutil.copy(os.path.join(ROOT, path), os.path.join(self.root, path))

    def run_it(self, *words):
        program = os.path.join(self.root, "Scripts/build-page")
        return subprocess.run([sys.executable, program, *words], capture_output=True, text=True)

    def edit(self, name, old, new):
        path = os.path.join(self.root, "Page", name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))

    def page(self):
        path = os.path.join(self.root, "page.html")
        self.assertEqual(self.run_it("--html", path).returncode, 0)
        with open(path, encoding="utf-8") as file:
            return file.read()

    def test_what_is_checked_in_is_current(self):
        self.assertEqual(self.run_it("--check").returncode, 0)

    def test_an_edit_without_a_build_is_found(self):
        self.edit("page.css", "border-collapse", "border-spacing")
        answer = self.run_it("--check")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("run Scripts/build-page", answer.stderr)
        self.assertEqual(self.run_it().returncode, 0)
        self.assertEqual(self.run_it("--check").returncode, 0)

    def test_it_is_one_file_and_its_policy_names_what_is_in_it(self):
        page = self.page()
        outside = re.search(r'''src=["']|@import|url\((?!#)|<link rel="stylesheet''', page)
        self.assertIsNone(outside, "something is loaded from outside")
        with open(os.path.join(ROOT, GENERATED), encoding="utf-8") as file:
            policy = re.search(r'contentPolicy = "([^"]*)"', file.read()).group(1)
        for name in ("style", "script"):
            content = re.search(f"<{name}>(.*?)</{name}>", page, re.DOTALL).group(1)
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            self.assertIn(f"{name}-src 'sha256-{digest}'", policy)

    def test_a_script_that_would_end_itself_is_refused(self):
        self.edit("format.js", "// Numbers", "// </script> Numbers")
        answer = self.run_it()
        self.assertEqual(answer.returncode, 1)
        self.assertIn("a script ends itself", answer.stderr)

    def test_nothing_from_outside_is_read_as_html(self):
        """Names and paths come from strangers: the page puts them in as text."""
        ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\("
        self.assertIsNone(re.search(ways, self.page()), "a way in for HTML")


if __name__ == "__main__":
    unittest.main()
