"""What makes the load, and what it says: wrk, h2load, iperf3, and a fixed rate of our own.

Each takes a way to start a program where the load is, and tells of the processes in between what a unit of
the work has cost them.
"""

import json
import os
import re
import subprocess
import sys

from . import processes

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


def _said(start, command, seconds):
    child = start(command, stdout=subprocess.PIPE, text=True)
    said, _ = child.communicate(timeout=seconds * 5 + 30)
    return said


def _duration(text):
    """In seconds: `1.25ms`."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * _SECONDS[unit]


def _failed(count, total, url, said):
    if count or not total:
        raise SystemExit(f"bench: {count} of {total} requests to {url} failed:\n{said}")


def wrk(start, url, connections, seconds, between=(), is_new=False):
    """Requests over kept connections, or each over a new one."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += ["-H", "Connection: close"] if is_new else []
    before = processes.processor_seconds(between)
    said = _said(start, [*command, url], seconds)
    spent = processes.processor_seconds(between) - before
    count = int(re.search(r"(\d+) requests in", said)[1])
    errors = re.findall(r"(?:Non-2xx or 3xx responses: |connect |write |timeout )(\d+)", said)
    # A server that ends each connection may do it while wrk writes: it counts that as an error of reading.
    errors += [] if is_new else re.findall(r"read (\d+)", said)
    _failed(sum(map(int, errors)), count, url, said)
    figures = {
        "requests_per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]),
        "p50_us": _duration(re.search(r"(?m)^\s+50%\s+(\S+)", said)[1]) * 1e6,
        "p99_us": _duration(re.search(r"(?m)^\s+99%\s+(\S+)", said)[1]) * 1e6,
    }
    if between:
        figures["us_per_request"] = spent / count * 1e6
    return figures


def h2load(start, url, streams, seconds, between=()):
    """Requests over 4 connections of HTTP/2."""
    command = ["h2load", "-t1", "-c4", f"-m{streams // 4}", f"-D{seconds}", url]
    before = processes.processor_seconds(between)
    said = _said(start, command, seconds)
    spent = processes.processor_seconds(between) - before
    count = int(re.search(r"(\d+) 2xx", said)[1])
    failed = sum(int(one) for one in re.search(r"(\d+) 3xx, (\d+) 4xx, (\d+) 5xx", said).groups())
    _failed(failed + int(re.search(r"(\d+) errored", said)[1]), count, url, said)
    figures = {"requests_per_second": float(re.search(r"([\d.]+) req/s", said)[1])}
    if between:
        figures["us_per_request"] = spent / count * 1e6
    return figures


def iperf(start, address, port, streams, seconds, between=()):
    """Bulk in one direction, sent without copying; megabytes (10^6) that the server received."""
    command = ["iperf3", "-c", address, "-p", str(port), "-Z", "-J", "-t", str(seconds), "-P", str(streams)]
    before = processes.processor_seconds(between)
    said = _said(start, command, seconds)
    spent = processes.processor_seconds(between) - before
    answer = json.loads(said)
    if problem := answer.get("error"):
        raise SystemExit(f"bench: iperf3 to {address}:{port}: {problem}")
    got = answer["end"]["sum_received"]
    figures = {"megabytes_per_second": got["bytes"] / got["seconds"] / 1e6}
    if between:
        figures["seconds_per_gigabyte"] = spent / (got["bytes"] / 1e9)
    return figures


def steady(start, address, port, rate, connections, seconds):
    """Requests at fixed times, whoever is late: see fixed_rate.py."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixed_rate.py")
    words = [str(word) for word in (address, port, rate, connections, seconds)]
    said = _said(start, [sys.executable, script, *words], seconds)
    if not said.startswith("{"):
        raise SystemExit(f"bench: the load at a fixed rate to {address}:{port} failed")
    return json.loads(said)
