"""What the claims share: one mesh on a copy of the shop, with some pods of difficult manners added."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from . import netns
from .authority import Authority
from .capture import Capture
from .mesh import Mesh

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SHOP = os.path.join(ROOT, "Deploy", "examples", "shop")
# Of the shop, its rules and policies: most claims are about the mesh without them.
RULES = ("traffic-rules.yaml", "security-policies.yaml", "resilience.yaml", "sidecar-scope.yaml")
MANIFESTS = os.path.join(HERE, "manifests")
TRUST_DOMAIN = "cluster.local"

# The machine outside the mesh: the fabric's own addresses (see `apus dev up --help`).
OUTSIDE_V4, OUTSIDE_V6 = "172.30.255.254", "fd00:172:30::ffff"
OUTSIDE_PORT, OUTSIDE_PEER_BASE = 8099, 7100


class World:
    def __init__(self, binaries, name):
        self.folder = tempfile.mkdtemp(prefix="apus-e2e-")
        self.directory = os.path.join(self.folder, "shop")
        shutil.copytree(SHOP, self.directory, ignore=shutil.ignore_patterns("__pycache__", *RULES))
        for manifest in sorted(os.listdir(MANIFESTS)):
            with open(os.path.join(MANIFESTS, manifest), encoding="utf-8") as file:
                self.write(manifest, file.read())
        self.authority = Authority(os.path.join(self.folder, "authority"), "apus demo root")
        self.stranger = Authority(os.path.join(self.folder, "stranger"), "another root")
        # Empty at first: nobody of partner.example is trusted.
        self.partner_bundle = os.path.join(self.folder, "partner.pem")
        self.mesh = Mesh(binaries, name, self.directory)
        self.binaries = binaries
        self.capture = None
        self._children = []
        self._beside = None

    # Manifests, edited live

    def write(self, name, text):
        """Puts a manifest in place at once, as an editor would."""
        text = text.replace("PEERS/", f"{HERE}/peers/").replace("PYTHON", sys.executable)
        path = os.path.join(self.directory, name)
        with open(path + ".part", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".part", path)

    def read(self, name):
        with open(os.path.join(self.directory, name), encoding="utf-8") as file:
            return file.read()

    def edit(self, name, before, after):
        text = self.read(name)
        assert before in text, f"{name} has no {before!r}"
        self.write(name, text.replace(before, after))

    def remove(self, name):
        os.unlink(os.path.join(self.directory, name))

    # Life

    def up(self, capture):
        self.mesh.down()  # what a killed run may have left
        authority = ["--ca-cert", self.authority.root.certificate, "--ca-key", self.authority.root.key]
        open(self.partner_bundle, "w", encoding="ascii").close()
        others = ["--trust-domain-alias", "former.example"]
        others += ["--trust-bundle", f"partner.example={self.partner_bundle}"]
        self.mesh.up(*authority, *others)
        if capture:
            places = ["fabric", *self.mesh.node_names()]
            self.capture = Capture([self.mesh.place(place) for place in places])
        self._start_outside()

    def _start_outside(self):
        """Two servers on the machine outside: the shop's, and the one of difficult manners."""
        fabric = self.mesh.place("fabric")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        shop = [sys.executable, os.path.join(SHOP, "server.py"), str(OUTSIDE_PORT)]
        peer = [sys.executable, os.path.join(HERE, "peers", "server.py"), str(OUTSIDE_PEER_BASE)]
        self._children += [netns.start(fabric, command, **quiet) for command in (shop, peer)]
        for port in (OUTSIDE_PORT, OUTSIDE_PEER_BASE):
            self.mesh.wait(lambda: _listens(fabric, port), f"the outside server on {port}", timeout=10)

    @contextlib.contextmanager
    def beside(self, kind):
        """A mesh of that kind beside this one. Claims that follow one another share it, as long as each finds
        it as it should be: one that fails takes it down."""
        if not isinstance(self._beside, kind):
            self.leave_beside()
            self._beside = kind(self)
            try:
                self._beside.__enter__()
            except BaseException:
                self.leave_beside()
                raise
        try:
            yield self._beside
        except BaseException:
            self.leave_beside()
            raise

    def leave_beside(self):
        beside, self._beside = self._beside, None
        if beside:
            beside.__exit__(None, None, None)

    def down(self):
        """Ends everything; never raises."""
        if self.capture:
            self.capture.stop()
        for child in self._children:
            child.kill()
            child.wait()
        self._children = []
        try:
            self.leave_beside()
            return self.mesh.down()
        except (OSError, subprocess.SubprocessError) as error:
            print(f"down: {error}", file=sys.stderr)
            return None

    def discard(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    # What claims often need

    def web(self):
        return self.mesh.pod("production", "web-")

    def addresses(self, pod, name):
        """(IPv4, IPv6) of a name, as a pod resolves it."""
        found = []
        for family in ("ahostsv4", "ahostsv6"):
            answer = self.mesh.exec(pod, "getent", family, name)
            found.append(answer.stdout.split()[0] if answer.stdout.split() else None)
        return tuple(found)

    def identity(self, account, namespace="production", trust_domain=TRUST_DOMAIN):
        return f"spiffe://{trust_domain}/ns/{namespace}/sa/{account}"

    def logged(self, node, before, pattern, timeout=10):
        """The first line of an agent's log after `before` characters that matches a compiled pattern."""

        def seen():
            lines = self.mesh.log(f"agent {node}")[before:].splitlines()
            return next((line for line in lines if pattern.search(line)), None)

        return self.mesh.wait(seen, f"a line /{pattern.pattern}/ in the log of {node}'s agent", timeout, 0.2)


def _listens(place, port):
    def connect():
        try:
            socket.create_connection((OUTSIDE_V4, port), timeout=1).close()
            return True
        except OSError:
            return False

    return netns.inside(place, connect)


def bracket(address):
    """An address as a URL wants it."""
    return f"[{address}]" if ":" in address else address


def resident(process):
    """A process's resident memory in bytes; 0 when it has ended."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def seconds_since(started):
    return time.monotonic() - started
