"""What telemetry costs agents: records, metrics and reports of connections, beside agents that keep none."""

import functools
import os
import tempfile

from . import load, rounds
from .trio import Trio


def _without(binaries, folder):
    """A folder in which `apus-agent` keeps no records."""
    for name in ("apus", "apus-control", "apus-waypoint"):
        os.symlink(os.path.join(binaries, name), os.path.join(folder, name))
    script = os.path.join(folder, "apus-agent")
    with open(script, "w", encoding="utf-8") as file:
        file.write(
            '#!/bin/sh\nkind=$1\nshift\n[ "$kind" = run ] && set -- --no-records "$@"\n'
            f'exec {os.path.join(binaries, "apus-agent")} "$kind" "$@"\n'
        )
    os.chmod(script, 0o755)


# A difference of some hundredths needs many rounds, and none of them long.
ROUNDS = 4


def measure(binaries, cache, count, seconds):
    report, marks = {}, []
    short = max(1, seconds // 2)
    with tempfile.TemporaryDirectory(prefix="apus-bench-") as folder:
        _without(binaries, folder)
        with Trio(binaries, cache, {"without": (["--binaries", folder], {})}) as trio:
            for name, is_new, wanted in (("request", False, 1.03), ("new connection", True, None)):
                results = rounds.run(
                    {
                        one: functools.partial(
                            load.wrk, way.start, way.url, 64, short, way.between, is_new=is_new
                        )
                        for one, way in ((one, trio.ways[one]) for one in ("apus", "without"))
                    },
                    count * ROUNDS, f"telemetry, {name}",
                )  # fmt: skip
                cost = rounds.ratio(results, "us_per_request", "apus", "without")
                report[name] = {"figures": rounds.figures(results), "processor_time_to_without": cost}
                what = f"CPU per {name} with telemetry, to none"
                marks.append(rounds.mark("telemetry", what, cost["median"], wanted))
    return report, marks
