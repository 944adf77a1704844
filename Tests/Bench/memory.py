"""P8: what agents hold in memory, idle and with 10,000 open connections that say nothing."""

import os
import subprocess
import sys
import time

from . import processes, rounds
from .trio import Trio

OPEN = 10_000
# A process lets go of what its start needed some seconds after it.
SETTLING = 10


def _held(way):
    """Megabytes of each proxy on the way: its resident memory, and the part that is its own."""
    kinds = {"resident": "VmRSS", "anonymous": "RssAnon"}
    return {
        name: [processes.resident_megabytes(one, kind) for one in way.between] for name, kind in kinds.items()
    }


def measure(binaries, cache, _count, _seconds):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "idle.py")
    report = {}
    with Trio(binaries, cache) as trio:
        time.sleep(SETTLING)
        for name in ("apus", "envoy"):
            way = trio.ways[name]
            report[name] = {"idle": _held(way)}
            command = [sys.executable, script, way.web[0], str(way.web[1]), str(OPEN)]
            child = way.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            try:
                if (said := child.stdout.readline().strip()) != str(OPEN):
                    raise SystemExit(f"bench: {OPEN} connections were to be opened by {name}, not {said!r}")
                report[name][f"{OPEN} connections"] = _held(way)
            finally:
                child.stdin.close()
                child.wait(60)
            rounds.say(f"memory {name}: {report[name]}")
    most = {name: max(report["apus"][name]["resident"]) for name in report["apus"]}
    marks = [
        rounds.mark("P8", "resident MB of an agent, idle", most["idle"], 14),
        rounds.mark("P8", "the same with 10,000 idle connections", most[f"{OPEN} connections"], 60),
    ]
    return report, marks
