"""The same proxies without capture: a plain listener leads into the tunnel, as Envoy's does, all on the
loopback of one network namespace, so that the two differ by the proxies alone."""

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
import time

from EndToEnd import netns
from EndToEnd.authority import Authority

from . import envoy_tunnel, load, peers, rounds
from .place import NGINX
from .trio import Way

SPACE, PLACE = "apus-bench-plain", "/run/netns/apus-bench-plain"
# Ours leads from the first to the second (Tests/Bench/Sources/plain-pair); Envoy's server is at the third.
LISTENED, SERVED, ENVOY = "127.1.0.2", "127.1.0.3", "127.1.0.4"


def _serves(address, port, children):
    deadline = time.monotonic() + 20
    ask = ["curl", "-s", "-o", "/dev/null", f"telnet://{address}:{port}", "--max-time", "1"]
    while netns.run(PLACE, ask, stdin=subprocess.DEVNULL).returncode in (7, 52):
        if time.monotonic() > deadline or any(child.poll() is not None for child in children):
            raise SystemExit(f"bench: nothing serves at {address}:{port}")
        time.sleep(0.1)


@contextlib.contextmanager
def _running(command):
    child = netns.start(PLACE, command, stdout=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.terminate()
        child.wait()


def measure(micro, cache, count, seconds):
    """P1, P2, P3 and P5 without capture. `micro`: the folder of plain-pair."""
    peers.install()
    report, marks = {}, []
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        folder = tempfile.mkdtemp(prefix="apus-bench-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        subprocess.run(
            ["ip", "netns", "delete", SPACE], capture_output=True
        )  # what a killed run may have left
        subprocess.run(["ip", "netns", "add", SPACE], check=True)
        stack.callback(subprocess.run, ["ip", "netns", "delete", SPACE])
        netns.run(PLACE, ["ip", "link", "set", "lo", "up"], check=True)
        with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(NGINX.format(folder=folder))
        enter(_running(["nginx", "-c", f"{folder}/nginx.conf"]))
        enter(_running(["iperf3", "-s"]))
        authority = Authority(os.path.join(folder, "authority"), "apus bench root")
        identity = "spiffe://cluster.local/ns/bench/sa/"
        pairs = [authority.issue(identity + name) for name in ("load", "plain")]
        root = authority.root.certificate
        envoys = enter(envoy_tunnel.Pair(peers.envoy(cache), folder, pairs, root, [PLACE, PLACE], ENVOY))
        start = functools.partial(netns.start, PLACE)
        direct = Way(start, (SERVED, 8080), (SERVED, 5201))
        envoy = Way(start, ("127.0.0.1", 15980), ("127.0.0.1", 15901), envoys.processes())
        pair = os.path.join(micro, "plain-pair")
        with _running([pair, "8080"]) as ours:
            _serves(LISTENED, 15001, [ours])
            way = Way(start, (LISTENED, 15001), None, [ours.pid])
            ways = {"direct": direct, "apus": way, "envoy": envoy}
            for connections, name in ((64, "many"), (1, "one")):
                contenders = {
                    one: functools.partial(load.wrk, way.start, way.url, connections, seconds, way.between)
                    for one, way in ways.items()
                }
                results = rounds.run(contenders, count, f"plain, {connections} connections")
                report[name] = {"figures": rounds.figures(results)}
                marks += _requests(results) if name == "many" else _latency(results)
        with _running([pair, "5201"]) as ours:
            _serves(LISTENED, 15001, [ours])
            ways["apus"] = Way(start, None, (LISTENED, 15001), [ours.pid])
            for streams in (1, 8):
                contenders = {
                    one: functools.partial(load.iperf, way.start, *way.bulk, streams, seconds, way.between)
                    for one, way in ways.items()
                }
                results = rounds.run(contenders, count, f"plain, bulk, {streams}")
                report[f"bulk of {streams}"] = {"figures": rounds.figures(results)}
                marks += _bulk(results, streams)
    return report, marks


def _requests(results):
    cost = rounds.ratio(results, "us_per_request", "apus", "envoy")["median"]
    rate = rounds.ratio(results, "requests_per_second", "apus", "envoy")["median"]
    return [
        rounds.mark("P1", "plain listener: CPU per request, 64 connections", cost, 0.65),
        rounds.mark("P2", "plain listener: requests/s, 64 connections", rate, 1.5, is_more_better=True),
    ]


def _latency(results):
    added = rounds.added(results, "p50_us")
    return [rounds.mark("P3", "plain listener: added p50, 1 connection", added, 0.7)]


def _bulk(results, streams):
    rate = rounds.ratio(results, "megabytes_per_second", "apus", "envoy")["median"]
    cost = rounds.ratio(results, "seconds_per_gigabyte", "apus", "envoy")["median"]
    what = f"plain listener: bulk, {streams} stream{'s' * (streams > 1)}"
    return [
        rounds.mark("P5", f"{what}: MB/s", rate, 1.05, is_more_better=True),
        rounds.mark("P5", f"{what}: CPU per GB", cost, 0.95),
    ]
