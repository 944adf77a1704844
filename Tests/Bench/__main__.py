"""`Scripts/bench`: runs the named measurements, or all."""

import argparse
import json
import os
import platform
import subprocess
import sys

from . import control, growth, memory, plain, plot, rounds, telemetry, tunnel, waypoint

BENCHES = {
    "requests": tunnel.requests,
    "bulk": tunnel.bulk,
    "connections": tunnel.connections,
    "memory": memory.measure,
    "plain": plain.measure,
    "growth": growth.measure,
    "telemetry": telemetry.measure,
    "waypoint": waypoint.measure,
    "control": control.measure,
}


def machine():
    """What the figures depend on besides the code."""
    with open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="ascii") as file:
        congestion = file.read().strip()
    with open("/proc/cpuinfo", encoding="ascii") as file:
        model = next(
            (line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown"
        )
    version = subprocess.run(
        ["openssl", "version"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "cores": os.cpu_count(),
        "model": model,
        "kernel": platform.release(),
        "congestion_control": congestion,
        "openssl": version,
        "load_at_start": os.getloadavg()[0],
    }


def noise(report):
    """How far the figures without any proxy are apart, of each measurement: (most - least) / median."""
    found = {}
    for name, part in report.items():
        for kind, section in part.items() if isinstance(part, dict) else ():
            direct = section.get("figures", {}).get("direct") if isinstance(section, dict) else None
            for figure, one in (direct or {}).items():
                found[f"{name}, {kind}, {figure}"] = (one["max"] - one["min"]) / one["median"]
    return found


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
    parser.add_argument("--micro", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    parser.add_argument("--plot", metavar="FILE", help="draw the marks (SVG)")
    parser.add_argument("--rounds", type=int, default=5, help="of each contender, after one to warm up")
    parser.add_argument("--seconds", type=int, default=2, help="of one measurement")
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
        place = options.micro if name == "plain" else options.binaries
        report[name], found = BENCHES[name](place, options.cache, options.rounds, options.seconds)
        marks += found
    report["noise"] = noise(report)
    report["marks"] = marks
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
        rounds.say(f"bench: wrote {options.json}")
    if options.plot:
        with open(options.plot, "w", encoding="utf-8") as file:
            file.write(plot.svg(marks, "Apus beside Envoy 1.40"))
        rounds.say(f"bench: wrote {options.plot}")
    print(table(marks))
    if report["noise"]:
        worst = max(report["noise"], key=report["noise"].get)
        print(f"\nNoise: without a proxy, up to {report['noise'][worst]:.0%} apart ({worst}).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
