"""Loads the scripts, which have no .py in their names, as modules."""

import importlib.machinery
import importlib.util
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def script(name):
    sys.dont_write_bytecode = True
    module = name.replace("-", "_")
    loader = importlib.machinery.SourceFileLoader(module, os.path.join(ROOT, "Scripts", name))
    loaded = importlib.util.module_from_spec(importlib.util.spec_from_loader(module, loader))
    loader.exec_module(loaded)
    return loaded
