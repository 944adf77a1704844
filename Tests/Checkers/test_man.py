"""The writer of manual pages: whatever a help says, mandoc must read it; and --check must be able to fail."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from .loading import ROOT, script

man = script("man")

NASTY = """First sentence. Second one? It's `bold` and \\back\\slash.
.Dd is no request here. 'Neither this.

  literal  code -- --flag
    .set in
  'quoted'

Exit codes: 0 done, 1 failed. More."""


def command(**other):
    names = [{"kind": "long", "name": "mesh"}, {"kind": "short", "name": "m"}]
    option = {
        "kind": "option", "names": names, "preferredName": names[0], "valueName": "Nm of it",
        "isOptional": True, "isRepeating": True, "abstract": ".start", "defaultValue": "a\\b"}
    flag = {"kind": "flag", "names": names, "isOptional": True, "abstract": ""}
    word = {"kind": "positional", "valueName": "Op", "isOptional": False, "abstract": "x."}
    hidden = {**flag, "names": [{"kind": "long", "name": "secret"}], "shouldDisplay": False}
    return {
        "commandName": "thing", "abstract": "Do .things \\ well.", "discussion": NASTY,
        "arguments": [option, flag, word, hidden], **other}


class Pages(unittest.TestCase):
    def mandoc(self, *words):
        return subprocess.run(["mandoc", *words], capture_output=True, text=True)

    def lint(self, lines):
        if not shutil.which("mandoc"):
            self.skipTest("no mandoc on PATH: run Scripts/setup")
        with tempfile.NamedTemporaryFile("w", suffix=".1") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            lint = self.mandoc("-Tlint", "-Wwarning", file.name)
            shown = self.mandoc("-Tascii", file.name).stdout
        return lint.stdout + lint.stderr, shown

    def test_whatever_a_help_says_is_read(self):
        below = command(superCommands=["thing"], commandName="part", subcommands=[])
        for one in (command(subcommands=[below]), below):
            name, lines = man.page(one)
            fault, shown = self.lint(lines)
            self.assertEqual(fault, "", name)
            plain = subprocess.run(["col", "-b"], input=shown, capture_output=True, text=True).stdout
            # Words alone: where lines break is the formatter's matter.
            plain = " ".join(plain.split())
            texts = (".Dd is no request here.", "'Neither this.", "\\back\\slash", "--mesh", "literal code")
            for part in texts:
                self.assertIn(part, plain)
            self.assertIn("EXIT STATUS", plain)
            for part in ("secret", "\\&"):
                self.assertNotIn(part, plain)

    def test_pages_refer_to_each_other(self):
        below = command(superCommands=["thing"], commandName="part")
        self.assertIn(".Xr thing-part 1", man.page(command(subcommands=[below]))[1])
        self.assertIn(".Xr thing 1", man.page(below)[1])

    def test_the_check_can_fail(self):
        fault, _ = self.lint([".Dd January 1, 2026", ".Dt X 1", ".Os", ".Sh NAME", ".Nm x", ".Xx"])
        self.assertNotEqual(fault, "")

    def test_without_programs_it_says_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            answer = subprocess.run(
                [sys.executable, os.path.join(ROOT, "Scripts", "man"), "--binaries", folder, "--out", folder],
                capture_output=True, text=True)
        self.assertNotEqual(answer.returncode, 0)


if __name__ == "__main__":
    unittest.main()
