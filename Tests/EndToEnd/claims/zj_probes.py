"""Row 34: a node reaches its own pods, as a kubelet's probes must, under STRICT and without an agent; and
nobody else does, whatever address is claimed."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from .. import netns
from ..claim import claim, hold
from ..mesh import lines_of_json, ok_bodies
from ..world import HERE, bracket
from .e_plaintext import STRICT

PORT = 8080
IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75
ROUNDS = 10
PASSED, HOLDS, VIOLATIONS = (
    "apus_host_connections_total", "apus_capture_checks_total", "apus_capture_violations_total")
TOLD_WITHIN = 5


class Kubelet:
    """What runs on a node itself: in its network namespace, and in a control group below the node's."""

    def __init__(self, world, node):
        self.mesh, self.node, self.place = world.mesh, node, world.mesh.place(node)
        with open("/proc/self/mounts", encoding="utf-8") as file:
            mount = next(line.split()[1] for line in file if line.split()[2] == "cgroup2")
        with open(f"/proc/{self.mesh.agent_process(node)}/cgroup", encoding="utf-8") as file:
            group = next(line.strip()[3:] for line in file if line.startswith("0::"))
        self.group = f"{mount}{os.path.dirname(group)}/kubelet"
        os.makedirs(self.group, exist_ok=True)

    def fetch(self, address, **ask):
        ask = {"url": f"http://{bracket(address)}:{PORT}/", "count": ROUNDS, "timeout": 3} | ask
        answer = netns.run(
            self.place, [sys.executable, f"{HERE}/peers/fetch.py", json.dumps(ask)], preexec_fn=self._join)
        return lines_of_json(answer.stdout, answer.stderr)

    def _join(self):
        with open(f"{self.group}/cgroup.procs", "w", encoding="ascii") as file:
            file.write("0")

    def metric(self, name):
        """A number on the page of the node's agent; the page is gathered once a second."""

        def page():
            with urllib.request.urlopen("http://127.0.0.1:15020/metrics", timeout=10) as answer:
                return answer.read().decode()

        text = netns.inside(self.place, page)
        return int(re.search(rf"^{name} (\d+)$", text, re.MULTILINE).group(1))


def probed(kubelet, pod):
    """Every probe is answered by the application, which sees the node's own address; which ones those are."""
    seen = set()
    for address in (pod.v4, pod.v6):
        peers = {body["peer"] for body in ok_bodies(kubelet.fetch(address))}
        hold(len(peers) == 1 and peers.isdisjoint({pod.v4, pod.v6}), f"the application saw {peers}")
        seen |= peers
    return seen


def pretend(place, source, target):
    """What comes of a connection from somewhere that claims another address."""
    v6 = ":" in source
    family = socket.AF_INET6 if v6 else socket.AF_INET
    option = (socket.IPPROTO_IPV6, IPV6_TRANSPARENT) if v6 else (socket.IPPROTO_IP, IP_TRANSPARENT)

    def ask():
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.settimeout(2)
            one.setsockopt(*option, 1)
            one.bind((source, 0))
            one.connect((target, PORT))
            one.sendall(b"GET / HTTP/1.1\r\nhost: pod\r\n\r\n")
            return one.recv(4096)

    try:
        return netns.inside(place, ask)
    except OSError as error:
        return str(error)


def refused(world, client, pod, node_addresses, stranger):
    """Another pod in plaintext, the same as the node, and another node are served nothing; how many tries."""
    tried = 0
    for address in (pod.v4, pod.v6):
        outcomes = world.mesh.fetch(client, f"http://{bracket(address)}:{PORT}/", count=ROUNDS, timeout=3)
        outcomes += stranger.fetch(address)
        served = [one for one in outcomes if "error" not in one]
        hold(not served, f"{len(served)} of {len(outcomes)} were served: {served[:1]}")
        tried += len(outcomes)
    for source in node_addresses:
        target = pod.v6 if ":" in source else pod.v4
        answer = pretend(world.mesh.place(client), source, target)
        hold(isinstance(answer, str), f"{client.name} as {source} was served: {answer!r}")
        tried += 1
    return tried


@claim("34a", "Under STRICT a node's probes are served, also after kill -9 of its agent; others' are not")
def probes(world):
    client = world.mesh.pod("legacy", "legacy-client")
    pod = world.mesh.pod("production", "order-service-", client.node)
    other = next(node for node in world.mesh.node_names() if node != client.node)
    kubelet, stranger = Kubelet(world, client.node), Kubelet(world, other)
    world.write("peer-authentication.yaml", STRICT)
    try:
        url = f"http://{pod.v4}:{PORT}/"
        world.mesh.wait(
            lambda: "error" in world.mesh.fetch(client, url, timeout=3)[0], "STRICT takes effect", 15)
        before = kubelet.metric(PASSED)
        addresses = probed(kubelet, pod)
        wanted = before + 2 * ROUNDS
        world.mesh.wait(lambda: kubelet.metric(PASSED) == wanted, f"{2 * ROUNDS} probes are counted", 10)
        tried = refused(world, client, pod, addresses, stranger)
        world.mesh.agent(client.node, "kill")
        try:
            probed(kubelet, pod)
            tried += refused(world, client, pod, addresses, stranger)
        finally:
            world.mesh.agent(client.node, "start")
        probed(kubelet, pod)
    finally:
        world.remove("peer-authentication.yaml")
    world.mesh.wait(
        lambda: "error" not in world.mesh.fetch(client, url, timeout=3)[0], "PERMISSIVE is back", 15)
    served, names = 6 * ROUNDS, " and ".join(sorted(addresses))
    return f"{served} of {served} probes served as {names}, {tried} others refused"


def unready(kubelet, pod):
    """Why the node's agent says that a pod is not ready; None when it is."""

    def page():
        try:
            url = f"http://127.0.0.1:15021/healthz/ready?workload={pod.namespace}/{pod.name}"
            urllib.request.urlopen(url, timeout=10).close()
        except urllib.error.HTTPError as error:
            return error.read().decode().strip()

    return netns.inside(kubelet.place, page)


def held(world, kubelet):
    """Waits until capture was found to hold three times a pod, over both families, and never not to."""
    pods = [pod for pod in world.mesh.pods() if pod.node == kubelet.node and pod.captured_by]
    wanted = kubelet.metric(HOLDS) + 3 * len(pods)
    world.mesh.wait(lambda: kubelet.metric(HOLDS) >= wanted, f"{wanted} looks that found capture", 20)
    hold(kubelet.metric(VIOLATIONS) == 0, f"{kubelet.metric(VIOLATIONS)} violations were counted")


@claim("34b", "When a tool detaches a program of ours, pods' readiness says so, and a restart mends it")
def detached(world):
    pod = world.mesh.pod("production", "order-service-")
    kubelet = Kubelet(world, pod.node)
    held(world, kubelet)
    hold(unready(kubelet, pod) is None, "the pod is not ready")
    before = len(world.mesh.log(f"agent {pod.node}"))
    pin = f"/sys/fs/bpf/apus-{world.mesh.name}/{pod.node}/link-connect4"
    subprocess.run(["bpftool", "link", "detach", "pinned", pin], check=True, capture_output=True)
    started = time.monotonic()
    try:
        reason = world.mesh.wait(lambda: unready(kubelet, pod), "the pod is told to be unready", 20)
        took = time.monotonic() - started
        hold("IPv4 connections that it opens pass the agent by" in reason, f"the reason is {reason}")
        hold(took < TOLD_WITHIN, f"told only after {took:.1f} s")
        line = world.logged(pod.node, before, re.compile(f"capture does not hold.*{pod.name}"))
        hold("restart this node's agent" in line, f"no remedy in {line}")
    finally:
        world.mesh.agent(pod.node, "restart")
    held(world, kubelet)
    world.mesh.wait(lambda: unready(kubelet, pod) is None, "the pod is ready again", 20)
    ok_bodies(world.mesh.fetch(pod, "http://payment-service/", count=ROUNDS))
    return f"told after {took:.1f} s; ready and served after a restart"
