"""A mesh whose certificates live for seconds: its load, and what its agents say of certificates."""

import collections
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

from . import netns
from .claim import hold
from .claims.f_crash import Loop
from .mesh import lines_of_json
from .world import HERE, World

ADMIN, READINESS = 15000, 15021
# Pods that no claim about certificates needs.
NEEDLESS = ("churn.yaml", "teller.yaml", "legacy.yaml")


class RotatingWorld(World):
    """The shop with short-lived certificates, signed by an authority whose files can be replaced."""

    def __init__(self, binaries, name, lifetime):
        super().__init__(binaries, name)
        self.lifetime = lifetime
        for manifest in NEEDLESS:
            self.remove(manifest)
        self.signer = (os.path.join(self.folder, "ca.crt"), os.path.join(self.folder, "ca.key"))
        self.roots = os.path.join(self.folder, "roots.pem")
        self.sign_with(self.authority, trusting=[self.authority])

    def sign_with(self, authority, trusting):
        """Puts the authority's files in place; they count from the next reload."""
        for source, target in zip((authority.root.certificate, authority.root.key), self.signer):
            shutil.copy(source, target + ".part")
            os.rename(target + ".part", target)
        with open(self.roots + ".part", "w", encoding="utf-8") as file:
            for one in trusting:
                with open(one.root.certificate, encoding="utf-8") as root:
                    file.write(root.read())
        os.rename(self.roots + ".part", self.roots)

    def __enter__(self):
        certificate, key = self.signer
        try:
            self.mesh.down()
            self.mesh.up(
                "--ca-cert", certificate, "--ca-key", key, "--ca-roots", self.roots,
                "--leaf-lifetime", str(self.lifetime),
            )  # fmt: skip
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *ignored):
        self.down()
        self.discard()

    def control(self, operation):
        self.mesh.must("control", operation)

    # What the agents say

    def page(self, node, port, path):
        """(status, text) of a page of a node's agent."""

        def get():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
                    return reply.status, reply.read().decode()
            except urllib.error.HTTPError as reply:
                return reply.code, reply.read().decode()

        return netns.inside(self.mesh.place(node), get)

    def readiness(self, pod):
        """(status, text) of one pod's readiness."""
        return self.page(pod.node, READINESS, f"/healthz/ready?workload={pod.namespace}/{pod.name}")

    def certificates(self):
        """{(node, identity): certificate} as /config_dump tells."""
        found = {}
        for node in self.mesh.node_names():
            for one in json.loads(self.page(node, ADMIN, "/config_dump")[1])["certificates"]:
                found[node, one["identity"]] = one
        return found

    def tunnels(self, node):
        return json.loads(self.page(node, ADMIN, "/debug/tunnels")[1])["tunnels"]

    def seconds_left(self):
        """Until the first certificate of the mesh ends."""
        return min(one["expirationTime"] for one in self.certificates().values()) - time.time()

    def seconds_left_of_last(self):
        """Until the last certificate of the mesh ends."""
        return max(one["expirationTime"] for one in self.certificates().values()) - time.time()


class Load:
    """Clients of several pods that go on until told to end: fresh connections, a kept one, long streams."""

    STREAMS = 8

    def __init__(self, world):
        self.world = world
        self._logs = {node: len(self._log(node)) for node in world.mesh.node_names()}
        web = world.web()
        order = world.mesh.pod("production", "order-service-", "node-1")
        peer = world.mesh.pod("production", "peer-client-")
        payment = world.mesh.pod("production", "payment-service-", "node-2")
        asks = [
            (web, {"url": "http://order-service/"}),
            (web, {"url": "http://payment-service/", "keep": True}),
            (order, {"url": "http://payment-service/"}),
            (peer, {"url": f"http://{payment.v4}:8080/"}),
        ]
        self._loops = [Loop(world, pod, {"timeout": 5, "pause": 0.01} | ask) for pod, ask in asks]
        self._steady = Steady(world, peer, self.STREAMS)

    def end(self):
        """(requests, lines, the first things that went wrong) of all of them."""
        outcomes = [outcome for loop in self._loops for outcome in loop.end()]
        failed = [one for one in outcomes if one.get("status") != 200]
        streams = self._steady.end()
        broken = [one for one in streams if one.get("end") != "eof"]
        wrong = []
        if failed:
            wrong.append(f"{len(failed)} of {len(outcomes)} requests failed, the first with {failed[0]}")
        if broken:
            wrong.append(f"{len(broken)} of {len(streams)} streams broke, the first with {broken[0]}")
        if wrong:
            wrong.append(f"the agents say: {self._complaints()}")
        return len(outcomes), sum(one["lines"] for one in streams), wrong

    def _complaints(self):
        """The first lines in which an agent tells of a failed connection since the load began."""
        lines = [line for node, start in self._logs.items() for line in self._log(node)[start:].splitlines()]
        return " | ".join([line for line in lines if "connection failed" in line][:3]) or "nothing"

    def _log(self, node):
        return self.world.mesh.log(f"agent {node}")


class Steady:
    """Long-lived connections from a pod to the echo of another node; see peers/steady.py."""

    def __init__(self, world, pod, count):
        server = world.mesh.pod("production", "peer-server-")
        command = [sys.executable, f"{HERE}/peers/steady.py", server.v4, "7006", str(count), "0.05"]
        self._client = world.mesh.exec_start(
            pod, *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        hold(self._client.stdout.readline() == "open\n", "the long-lived connections cannot be opened")

    def end(self):
        """What became of each."""
        return lines_of_json(self._client.communicate("\n", timeout=30)[0])


class Serials:
    """Which certificates an agent has had, by identity."""

    def __init__(self, world):
        self.world = world
        self.seen = collections.defaultdict(list)

    def look(self):
        for key, one in self.world.certificates().items():
            if one["serialNumber"] and one["serialNumber"] not in self.seen[key]:
                self.seen[key].append(one["serialNumber"])

    def least(self):
        """How often at the least a certificate was replaced."""
        return min(len(serials) - 1 for serials in self.seen.values())
