"""A checker that cannot fail checks nothing: each rule of Scripts/check-floors is made to fail once."""

import os
import tempfile
import unittest

from .loading import script

check_floors = script("check-floors")


def target(floor, name, needs=(), products=(), kind="regular"):
    entries = [{"byName": [need, None]} for need in needs]
    entries += [{"product": [product, product, None, None]} for product in products]
    path = f"Tests/{name}" if kind == "test" else f"Sources/{floor}/{name}"
    return {"name": name, "type": kind, "path": path, "dependencies": entries}


def house():
    """A small house in which nothing is wrong."""
    return [
        target("Doors", "CLinux", kind="system"),
        target("Ground", "Bytes"),
        target("Engines", "Reactor", ["CLinux", "Bytes"]),
        target("Minds", "RPC", ["Bytes"]),
        target("Hands", "Proxying", ["Reactor", "RPC"], ["Logging"]),
        target("FrontDoors", "apus-agent", ["Proxying"], ["ArgumentParser"], kind="executable"),
        target("", "BytesTests", ["Bytes"], kind="test"),
    ]


class CheckFloors(unittest.TestCase):
    def found(self, targets, files=None):
        with tempfile.TemporaryDirectory() as root:
            for path, text in (files or {}).items():
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            return "\n".join(check_floors.findings(root, {"targets": targets}))

    def test_a_straight_house_has_no_findings(self):
        files = {"Sources/Hands/Proxying/Relay.swift": "import Logging\npublic import Reactor\n"}
        self.assertEqual(self.found(house(), files), "")

    def test_upward_and_sideways_edges(self):
        self.assertIn("RPC (Minds) -> Proxying: the edge points upward", self.found(
            house()[:3] + [target("Minds", "RPC", ["Proxying"])] + house()[4:]
        ))
        self.assertIn("HBONE (Minds) -> RPC: the edge points sideways", self.found(
            house() + [target("Minds", "HBONE", ["RPC"])]
        ))

    def test_a_module_on_no_floor(self):
        stray = target("Attic", "Stray")
        self.assertIn("Stray: Sources/Attic/Stray is on no floor", self.found(house() + [stray]))

    def test_a_stranger_at_a_c_door(self):
        stranger = target("Engines", "Netlink", ["CLinux"])
        self.assertIn("Netlink -> CLinux: this C door belongs to Reactor", self.found(house() + [stranger]))
        files = {"Sources/Hands/Proxying/Relay.swift": "internal import CLinux\n"}
        self.assertIn("imports CLinux; only Reactor may", self.found(house(), files))

    def test_c_types_shown_in_public(self):
        files = {"Sources/Engines/Reactor/Socket.swift": "public import CLinux\n"}
        self.assertIn("lets C types out of Reactor", self.found(house(), files))

    def test_an_impure_mind(self):
        mind = target("Minds", "MeshIndex", ["Reactor"])
        self.assertIn("MeshIndex -> Reactor: Minds are pure", self.found(house() + [mind]))

    def test_an_undeclared_import(self):
        files = {"Sources/Minds/RPC/Frame.swift": "import Reactor\n"}
        self.assertIn("imports Reactor, which RPC does not declare", self.found(house(), files))
        files = {"Sources/Minds/RPC/Frame.swift": "import Logging\n"}
        self.assertIn("imports Logging, which RPC does not declare", self.found(house(), files))

    def test_unexpected_outsiders(self):
        mind = target("Minds", "MeshIndex", ["Bytes"], ["Yams"])
        ground = target("Ground", "MeshModel", [], ["Logging"])
        found = self.found(house() + [mind, ground])
        self.assertNotIn("MeshIndex", found)
        self.assertIn("MeshModel (Ground) -> Logging: not expected", found)
        files = {"Sources/Ground/Bytes/Queue.swift": "import NIOCore\n"}
        self.assertIn("imports NIOCore, which is neither ours nor expected", self.found(house(), files))

    def test_foundation_in_the_agent(self):
        files = {"Sources/Minds/RPC/Frame.swift": "import Foundation\n"}
        self.assertIn("the agent links RPC", self.found(house(), files))
        files = {"Sources/Minds/RPC/Frame.swift": "import FoundationEssentials // not `import Foundation`\n"}
        self.assertEqual(self.found(house(), files), "")


if __name__ == "__main__":
    unittest.main()
