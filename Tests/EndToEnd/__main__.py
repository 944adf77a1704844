"""Runs the claims: `python3 -m EndToEnd --binaries DIR` (the tests) or with --demo (the demo's table)."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import traceback

from . import claims  # noqa: F401  registers the claims
from .claim import CLAIMS, CannotRun, Refuted
from .world import World


class Ended(BaseException):
    """A signal asked us to end: everything is cleaned up on the way out."""


def arguments():
    parser = argparse.ArgumentParser(prog="EndToEnd", description="Proves what Apus claims, from outside.")
    parser.add_argument("--binaries", required=True, help="where apus, apus-agent and apus-control are")
    parser.add_argument("--demo", action="store_true", help="print the demo's table instead of test results")
    parser.add_argument("--json", action="store_true", help="print only the rows, as one JSON object")
    parser.add_argument("--only", default="", help="rows to run, by prefix of their ids: 2,7a")
    parser.add_argument("--keep", action="store_true", help="leave the mesh up afterwards, to look at it")
    parser.add_argument("--list", action="store_true", help="list the claims, run nothing")
    return parser.parse_args()


def why_not(binaries):
    """Why the claims cannot be tried on this machine; None when they can."""
    if os.geteuid() != 0:
        return "not root: namespaces and eBPF need it"
    for tool in ("ip", "nsenter", "openssl", "bpftool"):
        if not shutil.which(tool):
            return f"no {tool} on PATH: run Scripts/setup"
    for name in ("apus", "apus-agent", "apus-control"):
        if not os.access(os.path.join(binaries, name), os.X_OK):
            return f"no {name} in {binaries}"
    answer = subprocess.run(
        [os.path.join(binaries, "apus"), "dev", "up", "--check"], capture_output=True, text=True, timeout=60
    )
    if answer.returncode in (4, 5):  # unprivileged, or a kernel feature is missing
        return (answer.stderr or answer.stdout).strip()
    return None


def say(text, end="\n"):
    print(text, end=end, file=sys.stderr, flush=True)


def try_claim(world, one):
    """The row that a claim becomes."""
    started = time.monotonic()
    row = {"id": one.row, "claim": one.text, "figure": "", "ok": False}
    try:
        row["figure"] = one.measure(world)
        row["ok"] = True
    except CannotRun as reason:
        row["figure"], row["skipped"] = f"skipped: {reason}", True
    except Refuted as reason:
        row["figure"] = str(reason)
    except subprocess.TimeoutExpired as error:
        row["figure"] = f"no end within {error.timeout:.0f} s: {' '.join(map(str, error.cmd))[:200]}"
    except Exception as error:  # noqa: BLE001  a broken claim is a claim not proved
        row["figure"] = f"{type(error).__name__}: {error}"
        say(traceback.format_exc())
    word = "ok    " if row["ok"] else "skip  " if "skipped" in row else "FAIL  "
    say(f"{word}{one.row:<4} {one.text}\n           {row['figure']}  ({time.monotonic() - started:.1f} s)")
    return row


def prove(options):
    wanted = [prefix for prefix in options.only.split(",") if prefix]
    chosen = [one for one in CLAIMS if not wanted or one.row.startswith(tuple(wanted))]
    inside = [one for one in chosen if one.setting == "shop"]
    after = [one for one in chosen if one.setting == "after"]
    rows = []
    world = World(options.binaries, "demo" if options.demo else "e2e")
    try:
        if inside or options.keep:
            say("starting the mesh on a copy of Deploy/examples/shop")
            started = time.monotonic()
            world.up(capture=any(one.row.startswith("2") for one in inside))
            say(f"the mesh is up after {time.monotonic() - started:.1f} s")
        rows += [try_claim(world, one) for one in inside]
        if not options.keep:
            world.down()
            rows += [try_claim(world, one) for one in after]
    except Refuted as reason:
        rows.append({"id": "0", "claim": "The mesh starts", "figure": str(reason), "ok": False})
        say(f"FAIL  0    The mesh starts\n           {reason}")
    finally:
        if options.keep:
            say(f"kept: {world.mesh.name}, manifests in {world.directory}")
        else:
            world.down()
            world.discard()
    return rows


def table(rows):
    """The rows for people: as wide as the terminal."""
    width = min(shutil.get_terminal_size((120, 40)).columns, 160)
    left = max(30, (width - 12) // 2)
    lines = [f"{'row':<4} {'claim':<{left}}  {'figure'}", "-" * width]
    for row in rows:
        claim = textwrap.wrap(row["claim"], left) or [""]
        figure = textwrap.wrap(row["figure"], width - left - 12) or [""]
        mark = "ok" if row["ok"] else "FAIL"
        for number in range(max(len(claim), len(figure))):
            one = claim[number] if number < len(claim) else ""
            two = figure[number] if number < len(figure) else ""
            first = row["id"] if number == 0 else ""
            last = mark if number == 0 else ""
            lines.append(f"{first:<4} {one:<{left}}  {two:<{width - left - 12}} {last}".rstrip())
    return "\n".join(lines)


def close(options, rows):
    """Prints what the reader asked for; the exit code."""
    passed = sum(row["ok"] for row in rows)
    skipped = sum("skipped" in row for row in rows)
    failed = len(rows) - passed - skipped
    if options.json:
        print(json.dumps({"rows": [{k: row[k] for k in ("id", "claim", "figure", "ok")} for row in rows]}))
    elif options.demo:
        print("\n" + table(rows))
        print(f"\n{passed} of {len(rows)} claims hold" + ("" if passed == len(rows) else ": NOT PROVED"))
    else:
        for row in rows:
            if "skipped" in row:
                print(f"skip {row['id']}: {row['figure']}")
        print(f"{passed} passed, {failed} failed, {skipped} skipped")
    if options.demo:
        return 0 if rows and passed == len(rows) else 1
    return 1 if failed else 0


def end(number, frame):
    signal.signal(number, signal.SIG_IGN)  # once is enough: cleaning up takes its time
    raise Ended(signal.Signals(number).name)


def main():
    options = arguments()
    if options.list:
        for one in CLAIMS:
            print(f"{one.row:<4} {one.text}")
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    if reason := why_not(options.binaries):
        rows = [
            {"id": one.row, "claim": one.text, "figure": f"skipped: {reason}", "ok": False, "skipped": True}
            for one in CLAIMS
        ]
        return close(options, rows)
    try:
        rows = prove(options)
    except Ended as signal_name:
        say(f"ended by {signal_name}; everything is cleaned up")
        return 1
    return close(options, rows)


if __name__ == "__main__":
    sys.exit(main())
