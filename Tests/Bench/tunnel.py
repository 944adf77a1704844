"""What two agents cost beside two Envoys: requests (P1 to P4), bulk (P5), connections, tunnels (P6, P7)."""

import functools
import json
import os
import subprocess
import sys

from EndToEnd import netns

from . import load, processes, rounds
from .trio import SERVER, Trio

CONNECTIONS, RATE = 64, 1000


def _run(trio, measure, count, label, names=None):
    ways = {name: trio.ways[name] for name in names or ("direct", "apus", "envoy")}
    return rounds.run({name: functools.partial(measure, way) for name, way in ways.items()}, count, label)


def _section(results, **more):
    return {"figures": rounds.figures(results), **more}


def requests(binaries, cache, count, seconds):
    """P1 to P4."""
    report, marks = {}, []
    with Trio(binaries, cache) as trio:
        results = _run(
            trio,
            lambda way: load.wrk(way.start, way.url, CONNECTIONS, seconds, way.between),
            count, f"{CONNECTIONS} connections",
        )  # fmt: skip
        cost = rounds.ratio(results, "us_per_request", "apus", "envoy")
        rate = rounds.ratio(results, "requests_per_second", "apus", "envoy")
        report["many"] = _section(results, processor_time_to_envoy=cost, requests_per_second_to_envoy=rate)
        marks.append(rounds.mark("P1", "CPU per request, 64 connections", cost["median"], 0.65))
        marks.append(
            rounds.mark("P2", "requests/s, 64 connections", rate["median"], 1.5, is_more_better=True)
        )
        results = _run(trio, lambda way: load.wrk(way.start, way.url, 1, seconds, way.between), count, "one")
        report["one"] = _section(results, added_p50_to_envoy=rounds.added(results, "p50_us"))
        marks.append(rounds.mark("P3", "added p50, 1 connection", report["one"]["added_p50_to_envoy"], 0.7))
        results = _run(
            trio,
            lambda way: load.steady(way.start, *way.web, RATE, 8, seconds),
            count, f"{RATE} a second",
        )  # fmt: skip
        added = rounds.added(results, "p99_us")
        p99 = {
            name: rounds.spread([one["p99_us"] for one in runs])["median"] for name, runs in results.items()
        }
        alone = (p99["apus"] - p99["direct"]) / 1000
        report["steady"] = _section(results, added_p99_to_envoy=added, added_p99_ms=alone)
        marks.append(rounds.mark("P4", "added p99 at 1,000 requests/s, 8 connections", added, 0.8))
        marks.append(rounds.mark("P4", "the same in ms", alone, 1.0))
    return report, marks


def bulk(binaries, cache, count, seconds):
    """P5."""
    report, marks = {}, []
    with Trio(binaries, cache) as trio:
        for streams, name in ((1, "one"), (8, "eight")):
            results = _run(
                trio,
                lambda way, streams=streams: load.iperf(way.start, *way.bulk, streams, seconds, way.between),
                count, f"bulk, {streams} streams" if streams > 1 else "bulk, 1 stream",
            )  # fmt: skip
            rate = rounds.ratio(results, "megabytes_per_second", "apus", "envoy")
            cost = rounds.ratio(results, "seconds_per_gigabyte", "apus", "envoy")
            report[name] = _section(results, megabytes_per_second_to_envoy=rate, processor_time_to_envoy=cost)
            what = f"bulk, {name} stream{'s' * (streams > 1)}"
            marks.append(rounds.mark("P5", f"{what}: MB/s", rate["median"], 1.05, is_more_better=True))
            marks.append(rounds.mark("P5", f"{what}: CPU per GB", cost["median"], 0.95))
    return report, marks


def _tunnels(trio, place, pod, between, seconds):
    """Opens tunnels to a pod's proxy; what one costs the accepting side."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tunnels.py")
    pair = trio.pairs[0]
    words = [sys.executable, script, pod.v4, pair.certificate, pair.key, trio.root, str(seconds)]
    source = place.load if place is trio.bare else place.pod("outside")
    before = processes.processor_seconds(between)
    child = netns.start(place.mesh.place(source), words, stdout=subprocess.PIPE, text=True)
    said, _ = child.communicate(timeout=seconds * 5 + 30)
    spent = processes.processor_seconds(between) - before
    if not said.startswith("{"):
        raise SystemExit(f"bench: no tunnels could be opened in {place.mesh.name}")
    told = json.loads(said)
    if not told["opened"]:
        raise SystemExit(f"bench: no tunnel could be opened in {place.mesh.name}")
    return {
        "tunnels_per_second": told["opened"] / told["seconds"],
        "tunnels_per_processor_second": told["opened"] / spent,
    }


def connections(binaries, cache, count, seconds):
    """P6 and P7."""
    report, marks = {}, []
    with Trio(binaries, cache) as trio:
        results = _run(
            trio,
            lambda way: load.wrk(way.start, way.url, CONNECTIONS, seconds, way.between, is_new=True),
            count, "a connection for each request",
        )  # fmt: skip
        rate = rounds.ratio(results, "requests_per_second", "apus", "envoy")
        cost = rounds.ratio(results, "us_per_request", "apus", "envoy")
        report["connections"] = _section(
            results, connections_per_second_to_envoy=rate, processor_time_to_envoy=cost
        )
        marks.append(rounds.mark("P6", "new connections/s", rate["median"], 2, is_more_better=True))
        apus = trio.places["apus"]
        ends = {"apus": (apus, apus.agents()[1:]), "envoy": (trio.bare, trio.envoys.processes()[:1])}
        results = rounds.run(
            {
                name: functools.partial(_tunnels, trio, place, place.pod(SERVER), between, seconds)
                for name, (place, between) in ends.items()
            },
            count, "tunnels",
        )  # fmt: skip
        cost = rounds.ratio(results, "tunnels_per_processor_second", "apus", "envoy")
        report["tunnels"] = _section(results, tunnels_per_processor_second_to_envoy=cost)
        what = "new tunnels a second of its processor, accepting side"
        marks.append(rounds.mark("P7", what, cost["median"], 0.7, is_more_better=True))
    return report, marks
