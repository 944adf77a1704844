"""Direct, Apus and Envoy beside each other, for what two agents do: the load on one node, the server on
another, each in its own pod. Apus captures; the two Envoys are dialed (their path without capture)."""

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile

from EndToEnd import netns
from EndToEnd.authority import Authority

from . import envoy_tunnel, peers
from .place import Place

SERVER = "plain"
OUTSIDE = """---
apiVersion: v1
kind: Pod
metadata: {name: outside, namespace: bench, labels: {istio.io/dataplane-mode: none}}
spec:
  nodeName: node-1
  containers: [{name: outside, image: none, command: [sleep, "1000000"]}]
"""
# As many connections a second as are measured would use up a pod's ports otherwise.
_SETTINGS = {"net.ipv4.ip_local_port_range": "1024 65000", "net.ipv4.tcp_tw_reuse": "1"}


class Way:
    """One way from the load to the server. `web` and `bulk`: what is dialed; `between`: the proxies."""

    def __init__(self, start, web, bulk, between=()):
        self.start, self.web, self.bulk, self.between = start, web, bulk, between

    @property
    def url(self):
        return f"http://{self.web[0]}:{self.web[1]}/"


class Trio:
    """The three ways. `more`: {name: (flags, {file: manifests})} of further meshes that run beside."""

    def __init__(self, binaries, cache, more=None):
        self.binaries, self.cache, self.more = binaries, cache, more or {}
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        peers.install()
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _open(self):
        enter = self._stack.enter_context
        self.folder = tempfile.mkdtemp(prefix="apus-bench-")
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)  # pods run as other users
        self.authority = Authority(os.path.join(self.folder, "authority"), "apus bench root")
        self.root = self.authority.root.certificate
        identity = "spiffe://cluster.local/ns/bench/sa/"
        self.pairs = [self.authority.issue(identity + name) for name in ("load", SERVER)]
        trust = ["--ca-cert", self.root, "--ca-key", self.authority.root.key]
        self.bare = enter(Place(self.binaries, "bench0", self.folder, [SERVER], is_bare=True))
        self.places = {}
        meshes = {"apus": ((), {}), **self.more}
        for number, (name, (flags, files)) in enumerate(meshes.items(), 1):
            self.places[name] = enter(
                Place(
                    self.binaries, f"bench{number}", self.folder, [SERVER], OUTSIDE,
                    [*trust, *flags], is_tcp=True, files=files,
                )
            )  # fmt: skip
        pod = self.bare.pod(SERVER)
        envoy = peers.envoy(self.cache)
        places = [self.bare.mesh.place(one) for one in (self.bare.load, pod)]
        self.envoys = enter(envoy_tunnel.Pair(envoy, self.folder, self.pairs, self.root, places, pod.v4))
        for place in (self.bare, *self.places.values()):
            self._prepare(place)
        self.ways = {"direct": self._way(self.bare, (pod.v4, 8080), (pod.v4, 5201))}
        for name, place in self.places.items():
            address = place.address(SERVER)
            self.ways[name] = self._way(place, (address, 80), (address, 5201), place.agents())
            # Agents of a large mesh take some seconds to know it.
            place.mesh.wait(lambda url=self.ways[name].url, at=place: at.ask(url) == "200", name, 60)
        local = "127.0.0.1"
        self.ways["envoy"] = self._way(self.bare, (local, 15980), (local, 15901), self.envoys.processes())

    def _way(self, place, web, bulk, between=()):
        start = functools.partial(netns.start, place.mesh.place(place.load))
        if place is not self.bare:  # captured is what lives in the pod's control group
            start = functools.partial(place.mesh.exec_start, place.load)
            return Way(lambda command, **options: start(*command, **options), web, bulk, between)
        return Way(start, web, bulk, between)

    def _prepare(self, place):
        for pod in (place.load, place.pod(SERVER)):
            for name, value in _SETTINGS.items():
                netns.run(place.mesh.place(pod), ["sysctl", "-q", "-w", f"{name}={value}"], check=True)
        child = place.mesh.exec_start(
            place.pod(SERVER), "iperf3", "-s", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._stack.callback(child.wait)
        self._stack.callback(child.terminate)
