"""Meshes whose applications are servers with moods (peers/moody.py), behind the shop's own rules."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile

from . import netns, promtext
from .claim import hold
from .claims.w_waypoint import Waypoints
from .world import HERE

SHOP_COMMAND = 'command: ["python3", "server.py", "8080"]'
DESK = 8081

SERVER = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: TITLE-sa, namespace: production}
---
apiVersion: v1
kind: Service
metadata: {name: TITLE, namespace: production}
spec:
  selector: {app: TITLE}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: TITLE, namespace: production}
spec:
  replicas: 1
  selector: {matchLabels: {app: TITLE}}
  template:
    metadata: {labels: {app: TITLE}}
    spec:
      serviceAccountName: TITLE-sa
      containers:
      - name: TITLE
        image: docker.io/library/python:3.11-slim
        command: COMMAND
        env: [{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
        ports: [{containerPort: 8080}]
"""


def command():
    return json.dumps([sys.executable, f"{HERE}/peers/moody.py", "8080"])


def server(name):
    """Manifests of one server with moods, its service and its account."""
    return SERVER.replace("TITLE", name).replace("COMMAND", command())


class Moods(Waypoints):
    """The shop with its rules and policies as written, whose servers have moods."""

    flags = ()

    def __init__(self, world):
        super().__init__(world)
        self.mesh.name = f"{world.mesh.name}m"

    def __enter__(self):
        self.mesh.down()
        self.mesh.up(*self.flags)
        return self

    def temper(self, name, replicas=None):
        """Puts moody servers into one of the shop's manifests; `replicas` of its first Deployment."""
        with open(os.path.join(self.directory, name), encoding="utf-8") as file:
            text = file.read()
        hold(SHOP_COMMAND in text, f"{name} starts other servers than the shop's")
        text = text.replace(SHOP_COMMAND, f"command: {command()}")
        if replicas:
            text = re.sub(r"replicas: \d+", f"replicas: {replicas}", text, count=1)
        self.write(name, text)

    def servers(self, name):
        """The pods of a service, without its waypoint's."""
        pods = self.mesh.pods("production", f"{name}-")
        return [pod for pod in pods if "-waypoint-" not in pod.name]

    def order(self, pod, **order):
        """What a moody server knows, after it has heard an order."""

        def tell():
            with socket.create_connection(("127.0.0.1", DESK), timeout=30) as desk:
                desk.sendall(json.dumps(order).encode() + b"\n")
                with desk.makefile("rb") as answer:
                    return json.loads(answer.readline())

        return netns.inside(self.mesh.place(pod), tell)

    def mood(self, pods, mood):
        """Puts servers into a mood, and their counts to nothing."""
        for pod in pods:
            self.order(pod, mood=mood, forget=True)

    def count(self, pods):
        """Requests that have reached these servers since their mood was set."""
        return sum(self.order(pod)["count"] for pod in pods)

    def crowd(self, pod, url, **ask):
        """Connections that ask from a pod, under way."""
        return Crowd(self.mesh, pod, {"url": url, **ask})

    def asked(self, pod, url, **ask):
        """The outcomes of connections that ask from a pod."""
        return self.crowd(pod, url, **ask).finish()

    def metrics(self, account):
        """The families of the metrics of a waypoint of one replica."""
        pages = self.pages(account)
        hold(len(pages) == 1, f"{len(pages)} replicas of {account}'s waypoint")
        return promtext.parse(pages[0])


class Crowd:
    """Connections that ask from a pod: peers/crowd.py."""

    def __init__(self, mesh, pod, ask):
        # Not a pipe: nobody reads until the end, and the crowd would wait for that.
        self.said, self.error = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        words = (sys.executable, f"{HERE}/peers/crowd.py", json.dumps(ask))
        self.process = mesh.exec_start(
            pod, *words, stdin=subprocess.PIPE, stdout=self.said, stderr=self.error, text=True)

    def so_far(self):
        """The outcomes until now."""
        # Not by a seek: its place is the crowd's, too.
        whole = os.pread(self.said.fileno(), os.fstat(self.said.fileno()).st_size, 0).decode()
        return [json.loads(line) for line in whole[: whole.rfind("\n") + 1].splitlines()]

    def finish(self, timeout=60):
        """The outcomes, once all have ended; who asks without end is told to end."""
        with self.said, self.error:
            try:
                self.process.communicate(timeout=timeout)
            finally:
                self.process.kill()
            self.said.seek(0)
            self.error.seek(0)
            hold(self.process.returncode == 0, f"asking failed: {self.error.read()[-300:]}")
            return [json.loads(line) for line in self.said]
