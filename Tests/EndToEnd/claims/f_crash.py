"""Row 6: a killed agent leaves refusals behind, never plaintext; a new one takes over what runs."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time

from ..capture import TCP, Capture, appears
from ..claim import claim, hold
from ..mesh import lines_of_json
from ..world import HERE, bracket

PROMPTLY, BACK_WITHIN = 1.0, 1.0


def ready_again(world, web):
    """Waits until pods of both nodes answer the web pod."""
    for node in world.mesh.node_names():
        pod = world.mesh.pod("production", "order-service-", node)
        world.mesh.wait(
            lambda: "error" not in world.mesh.fetch(web, f"http://{pod.v4}:8080/", timeout=2)[0],
            f"{pod.name} on {node} is served again",
        )


@claim("6a", "After kill -9 of its agent a pod's new connections are refused at once, nothing is in clear")
def refused(world):
    web = world.web()
    marker = secrets.token_hex(16)
    mine = world.mesh.pod("production", "order-service-", web.node)
    outsider = world.mesh.pod("legacy", "legacy-client")
    places = [world.mesh.place(part) for part in ("fabric", *world.mesh.node_names())]
    world.mesh.agent(web.node, "kill")
    try:
        with Capture(places) as capture:
            ask = {"count": 20, "timeout": 3, "method": "POST", "body": marker}
            outcomes = world.mesh.fetch(web, "http://order-service/echo", **ask)
            outcomes += world.mesh.fetch(web, f"http://{bracket(mine.v6)}:8080/echo", **ask)
            inbound = world.mesh.fetch(outsider, f"http://{mine.v4}:8080/echo", **ask)
    finally:
        world.mesh.agent(web.node, "start")
    ready_again(world, web)
    for one in outcomes + inbound:
        hold("error" in one, f"a request was answered with {one.get('status')} while the agent was dead")
        hold(one["seconds"] < PROMPTLY, f"not refused at once: {one['error']} after {one['seconds']} s")
    leaked = appears(capture.packets, marker.encode())
    hold(not leaked, f"{len(leaked)} packets show the request in clear")
    escaped = [p for p in capture.packets if p.source == web.v4 and p.protocol == TCP and p.payload]
    hold(not escaped, f"{len(escaped)} packets with payload left the pod")
    errors = sorted({one["error"].split(":")[0] for one in outcomes})
    slowest = max(one["seconds"] for one in outcomes + inbound)
    return f"40 of 40 out and 20 of 20 in refused ({', '.join(errors)}), slowest {slowest * 1000:.0f} ms"


@claim("6b", "A restarted agent serves within a second and adopts the pods that run; none is restarted")
def adopted(world):
    web = world.web()
    pods = world.mesh.pods("production")
    before = {pod.name: (world.mesh.processes(pod), pod.restarts) for pod in pods}
    process = world.mesh.agent_process(web.node)
    loop = Loop(world, web, {"url": "http://order-service/"})
    try:
        killed = time.time()
        os.kill(process, signal.SIGKILL)
        world.mesh.wait(lambda: ended(process), "the killed agent is gone", 5, every=0.001)
        gone = time.time()
        world.mesh.wait(
            lambda: world.mesh.agent_process(web.node) not in (None, process), "a new agent process", 10
        )
        time.sleep(BACK_WITHIN + 0.5)
    finally:
        made = loop.end()
    outcomes = [one for one in made if one["at"] > gone]
    served = next((one for one in outcomes if one.get("status") == 200), None)
    hold(served, f"never served again: {outcomes[-1] if outcomes else 'no request was made'}")
    away = served["at"] + served["seconds"] - killed
    hold(away <= BACK_WITHIN, f"served again only after {away:.2f} s")
    failed = sum("error" in one for one in outcomes)
    ready_again(world, web)
    after = {pod.name: (world.mesh.processes(pod), pod.restarts) for pod in world.mesh.pods("production")}
    changed = [name for name in before if after.get(name) != before[name]]
    hold(not changed, f"restarted: {', '.join(changed)}")
    return f"served {away * 1000:.0f} ms after kill -9 ({failed} refused meanwhile), {len(pods)} pods adopted"


def ended(process):
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


class Loop:
    """A client in a pod that goes on asking until it is told to end.

    It writes to a file: a pipe that nobody reads would fill up, and stop it without anybody noticing.
    """

    def __init__(self, world, pod, ask):
        ask = {"until": True, "pause": 0.005, "timeout": 2} | ask
        command = [sys.executable, f"{HERE}/peers/fetch.py", json.dumps(ask)]
        self._output = tempfile.TemporaryFile("w+", encoding="utf-8")
        self._client = world.mesh.exec_start(
            pod, *command, stdin=subprocess.PIPE, stdout=self._output, text=True
        )
        world.mesh.wait(lambda: os.fstat(self._output.fileno()).st_size, "the loop of requests starts", 10)

    def end(self):
        """The outcomes of all its requests."""
        self._client.communicate("\n", timeout=30)
        self._output.seek(0)
        with self._output:
            return lines_of_json(self._output.read())
