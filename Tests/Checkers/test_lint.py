"""Each rule of Scripts/lint is made to fail once, and to stay silent where it must."""

import shutil
import tempfile
import unittest

from .loading import script

lint = script("lint")


class Lint(unittest.TestCase):
    def found(self, path, text, formatting=False):
        with tempfile.TemporaryDirectory() as root:
            return "\n".join(lint.findings(root, [(path, text)], formatting=formatting))

    def test_clean_files_have_no_findings(self):
        text = '/// One.\npublic struct One {\n  let word = "unsafe fatalError() /* try! */ \\(f("}"))"\n}\n'
        self.assertEqual(self.found("Sources/Minds/RPC/One.swift", text), "")

    def test_file_sizes(self):
        lines = "let a = 1\n"
        self.assertEqual(self.found("Sources/Minds/RPC/Long.swift", lines * 500), "")
        self.assertIn("501 lines, and 500", self.found("Sources/Minds/RPC/Long.swift", lines * 501))
        self.assertEqual(self.found("Tests/RPCTests/Long.swift", lines * 800), "")
        self.assertIn("801 lines, and 800", self.found("Tests/RPCTests/Long.swift", lines * 801))
        self.assertEqual(self.found("Sources/Ground/MeshAPI/x.pb.swift", lines * 5000), "")

    def test_columns(self):
        path = "Sources/Minds/RPC/Wide.swift"
        self.assertIn("111 columns", self.found(path, "// " + "x" * 108 + "\n"))
        self.assertEqual(self.found(path, "// " + "x" * 107 + "\n"), "")

    def test_function_sizes(self):
        def function(lines, head="  func f(\n    a: Int\n  ) throws -> Int\n  where A: B {"):
            return "struct A {\n" + head + "\n" + "    g()\n" * lines + "  }\n}\n"

        self.assertEqual(self.found("Sources/Minds/RPC/F.swift", function(65)), "")
        self.assertIn("f has 71 lines", self.found("Sources/Minds/RPC/F.swift", function(66)))
        long = function(70, head="  init?(b: Int) {")
        self.assertIn("init has 72 lines", self.found("Sources/Minds/RPC/F.swift", long))
        requirement = "protocol P {\n  func f() -> Int\n  var a: Int { get }\n" + "  // x\n" * 80 + "}\n"
        self.assertEqual(self.found("Sources/Minds/RPC/F.swift", requirement), "")

    def test_unsafe_code_outside_the_guardians(self):
        for code in [
            "let x = unsafe f()",
            "struct S: @unchecked Sendable {}",
            "nonisolated(unsafe) var a = 1",
            "let u = Unmanaged.passRetained(x)",
            "@safe struct T {}",
        ]:
            self.assertIn("unsafe code; it belongs to", self.found("Sources/Minds/RPC/U.swift", code + "\n"))
            self.assertEqual(self.found("Sources/Engines/Reactor/U.swift", code + "\n"), "")

    def test_only_one_file_of_bytes_is_unsafe(self):
        one = ("Sources/Ground/Bytes/One.swift", "let x = unsafe f()\n")
        two = ("Sources/Ground/Bytes/Two.swift", "let x = unsafe f()\n")
        self.assertEqual(list(lint.findings(".", [one], formatting=False)), [])
        self.assertIn("2 files of Bytes", "\n".join(lint.findings(".", [one, two], formatting=False)))

    def test_traps(self):
        for code in ["let x = try! f()", "let x = y as! Z", 'fatalError("no")']:
            self.assertIn("traps on the world's errors", self.found("Sources/Minds/RPC/T.swift", code + "\n"))
            self.assertEqual(self.found("Tests/RPCTests/T.swift", code + "\n"), "")

    def test_words_that_say_nothing(self):
        for name in ["PoolManager", "HTTPUtils", "BaseSocket", "SocketImpl", "NewParser", "CallContext"]:
            found = self.found("Sources/Minds/RPC/N.swift", f"enum {name} {{}}\n")
            self.assertIn("says nothing", found, name)
        for name in ["Database", "Base64Text", "Newline", "Implicit", "Commonality"]:
            self.assertEqual(self.found("Sources/Minds/RPC/N.swift", f"enum {name} {{}}\n"), "", name)
        self.assertIn("a file name with", self.found("Sources/Minds/RPC/PoolHelper.swift", "enum A {}\n"))

    def test_public_types_without_documents(self):
        path = "Sources/Minds/RPC/D.swift"
        self.assertIn("A is public and has no doc", self.found(path, "public struct A {}\n"))
        self.assertEqual(self.found(path, "/// An A.\n@frozen\npublic struct A {}\n"), "")

    def test_paths_of_one_machine(self):
        text = "see /wor" + "k/main/README.md\n"
        self.assertIn("path of one machine", self.found("docs/X.md", text))

    def test_scripts_that_do_not_parse(self):
        self.assertIn("x.py:1", self.found("Tests/x.py", "def f(:\n"))
        with tempfile.TemporaryDirectory() as root:
            text = "#!/usr/bin/env bash\nif true; then\n"
            with open(f"{root}/broken", "w", encoding="utf-8") as file:
                file.write(text)
            found = list(lint.findings(root, [("broken", text)], formatting=False))
            self.assertTrue(any("bash" in line for line in found), found)

    @unittest.skipUnless(shutil.which("swift"), "no swift on PATH")
    def test_formatting(self):
        with tempfile.TemporaryDirectory() as root:
            with open(f"{root}/bad.swift", "w", encoding="utf-8") as file:
                file.write("struct  A{\nlet a=1;let b = 2\n}\n")
            self.assertTrue(list(lint.format_findings(root, ["bad.swift"])))
            with open(f"{root}/good.swift", "w", encoding="utf-8") as file:
                file.write("struct A {\n  let a = 1\n}\n")
            self.assertEqual(list(lint.format_findings(root, ["good.swift"])), [])


if __name__ == "__main__":
    unittest.main()
