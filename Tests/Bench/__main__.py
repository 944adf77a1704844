"""`Scripts/bench`: runs the named measurements, or all."""

import argparse
import json
import os
import platform
import sys

from . import rounds, waypoint

BENCHES = {"waypoint": waypoint.measure}


def machine():
    """What the figures depend on besides the code."""
    with open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="ascii") as file:
        congestion = file.read().strip()
    return {"cores": os.cpu_count(), "kernel": platform.release(), "congestion_control": congestion}


def table(marks):
    lines = ["| id | what | value | mark | reached |", "|-|-|-|-|-|"]
    for row in marks:
        mark = "" if row["mark"] is None else row["mark"]
        word = {True: "yes", False: "no", None: ""}[row["reached"]]
        lines.append(f"| {row['id']} | {row['what']} | {row['value']:.2f} | {mark} | {word} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="bench", description="Paired measurements beside Envoy.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all when none is named"
    )
    parser.add_argument("--binaries", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--cache", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    parser.add_argument("--rounds", type=int, default=5, help="of each contender, after one to warm up")
    parser.add_argument("--seconds", type=int, default=3, help="of one measurement")
    options = parser.parse_args()
    if wrong := [name for name in options.names if name not in BENCHES]:
        parser.error(f"there is no measurement named {wrong[0]}; there are {', '.join(BENCHES)}")
    if os.geteuid() != 0:
        print(
            "bench: it makes network namespaces and loads eBPF programs, and that needs root.",
            file=sys.stderr,
        )
        return 4
    report, marks = {"machine": machine()}, []
    for name in options.names or BENCHES:
        report[name], found = BENCHES[name](options.binaries, options.cache, options.rounds, options.seconds)
        marks += found
    report["marks"] = marks
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
        rounds.say(f"bench: wrote {options.json}")
    print(table(marks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
