"""A mesh run by `apus dev`, driven through its command line alone."""

import dataclasses
import json
import os
import subprocess
import sys
import time

from . import netns
from .claim import Refuted

UP_TIMEOUT, DOWN_TIMEOUT = 120, 60


@dataclasses.dataclass(frozen=True)
class Pod:
    """A pod as `apus dev ps --json` shows it."""

    namespace: str
    name: str
    node: str
    addresses: tuple
    ready: bool
    restarts: int
    captured_by: str | None
    identity: str

    @property
    def v4(self):
        return next(address for address in self.addresses if ":" not in address)

    @property
    def v6(self):
        return next(address for address in self.addresses if ":" in address)


class Mesh:
    """One mesh by its name. `down` is safe to call at any time, any number of times."""

    def __init__(self, binaries, name, directory, nodes=2):
        self.apus = os.path.join(binaries, "apus")
        self.name = name
        self.directory = directory
        self.nodes = nodes

    # The command line

    def command(self, *words):
        return [self.apus, "dev", words[0], "--mesh", self.name, *words[1:]]

    def run(self, *words, timeout=60, **options):
        options = {"capture_output": True, "text": True} | options
        return subprocess.run(self.command(*words), timeout=timeout, **options)

    def must(self, *words, timeout=60, **options):
        answer = self.run(*words, timeout=timeout, **options)
        if answer.returncode != 0:
            said = (answer.stderr or answer.stdout or "").strip()
            raise Refuted(f"`apus dev {' '.join(words)}` exits {answer.returncode}: {said[-800:]}")
        return answer.stdout

    def up(self, *flags):
        self.must("up", self.directory, "--nodes", str(self.nodes), "--detach", *flags, timeout=UP_TIMEOUT)

    def down(self):
        return self.run("down", timeout=DOWN_TIMEOUT)

    def report(self):
        return json.loads(self.must("ps", "--json"))

    def pods(self, namespace=None, prefix=""):
        found = [
            Pod(
                namespace=pod["namespace"],
                name=pod["name"],
                node=pod["node"],
                addresses=tuple(pod["addresses"]),
                ready=pod["isReady"],
                restarts=pod["restarts"],
                captured_by=pod.get("capturedBy"),
                identity=pod["id"],
            )
            for pod in self.report()["pods"]
        ]
        return [p for p in found if namespace in (None, p.namespace) and p.name.startswith(prefix)]

    def pod(self, namespace, prefix, node=None):
        """The first pod of that namespace whose name begins so (and runs on that node)."""
        for pod in self.pods(namespace, prefix):
            if node in (None, pod.node):
                return pod
        raise Refuted(f"no pod {namespace}/{prefix}* on {node or 'any node'}")

    def exec(self, pod, *command, **options):
        """A command's outcome inside a pod."""
        return self.run("exec", "-n", pod.namespace, pod.name, "--", *command, **options)

    def exec_start(self, pod, *command, **options):
        words = self.command("exec", "-n", pod.namespace, pod.name, "--", *command)
        return subprocess.Popen(words, **options)

    def agent(self, node, operation):
        self.must("agent", node, operation)

    def agent_process(self, node):
        """The agent's process number; None while it is not running."""
        for one in self.report()["nodes"]:
            if one["name"] == node:
                return one.get("agentProcess")
        raise Refuted(f"no node {node}")

    def log(self, what):
        """The whole log of `agent node-N` or `control`."""
        return self.must("logs", *what.split())

    # What it is made of

    def node_names(self):
        return [f"node-{number}" for number in range(1, self.nodes + 1)]

    def place(self, part):
        """The path of a network namespace: fabric, node-N, or a pod's."""
        part = part.identity if isinstance(part, Pod) else part
        return f"/run/netns/apus-{self.name}-{part}"

    def wait(self, condition, what, timeout=30, every=0.05):
        """Asks until the condition answers something true, and returns that."""
        deadline = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise Refuted(f"{what}: not within {timeout} s")
            time.sleep(every)

    def wait_ready(self, namespace, prefix, count, timeout=60):
        """Waits until exactly that many pods exist whose name begins so, all ready."""

        def settled():
            pods = self.pods(namespace, prefix)
            return pods if len(pods) == count and all(pod.ready for pod in pods) else None

        if count == 0:
            self.wait(lambda: not self.pods(namespace, prefix), f"{prefix}* gone", timeout)
            return []
        return self.wait(settled, f"{count} pods {namespace}/{prefix}* ready", timeout)

    # Playing peers in pods

    def play(self, pod, script, *arguments, timeout=120, **options):
        """What a script of peers/ printed in a pod: one JSON value a line."""
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers", script)
        answer = self.exec(pod, sys.executable, path, *arguments, timeout=timeout, **options)
        return lines_of_json(answer.stdout, answer.stderr)

    def fetch(self, pod, url, **ask):
        """The outcomes of HTTP requests made in a pod."""
        return self.play(pod, "fetch.py", json.dumps({"url": url, **ask}))

    def processes(self, pod):
        return netns.processes(self.place(pod))


def lines_of_json(text, error=""):
    lines = [line for line in text.splitlines() if line.startswith(("{", "["))]
    if not lines:
        raise Refuted(f"the command printed nothing to read: {(text + error).strip()[-500:]}")
    return [json.loads(line) for line in lines]


def ok_bodies(outcomes):
    """The JSON bodies of HTTP outcomes, all of which must be answered with a 2xx."""
    bad = [one for one in outcomes if not 200 <= one.get("status", 0) < 300]
    if bad:
        what = bad[0].get("error") or bad[0].get("status")
        raise Refuted(f"{len(bad)} of {len(outcomes)} requests failed, the first with {what}")
    return [json.loads(one["body"]) for one in outcomes]
