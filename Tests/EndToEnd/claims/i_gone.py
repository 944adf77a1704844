"""Row 9: an endpoint that has just gone costs no request."""

import collections
import os
import signal
import time

from ..claim import claim, hold
from ..mesh import ok_bodies
from .f_crash import Loop

ORDERS = 120


def tellers(world):
    pods = world.mesh.wait_ready("production", "teller-", 3)
    return pods, [world.mesh.processes(pod) for pod in pods]


def counts(world, web, pods):
    """{order: times} over all pods."""
    total = collections.Counter()
    for pod in pods:
        for body in ok_bodies(world.mesh.fetch(web, f"http://{pod.v4}:8080/", timeout=5)):
            total.update(body["counts"])
    return total


def exactly_once(outcomes, total):
    failed = [one for one in outcomes if one.get("status") != 200]
    what = failed[0].get("error") or failed[0].get("status") if failed else ""
    hold(not failed, f"{len(failed)} of {len(outcomes)} requests failed, the first with {what}")
    wrong = {one["id"]: total[one["id"]] for one in outcomes if total[one["id"]] != 1}
    times = dict(collections.Counter(wrong.values()))
    hold(not wrong, f"{len(wrong)} orders were not counted exactly once: {times}")


@claim("9a", "With one endpoint not listening though listed as ready, every request is served by another")
def one_is_deaf(world):
    web = world.web()
    pods, processes = tellers(world)
    deaf = processes[0]
    for process in deaf:
        os.kill(process, signal.SIGUSR1)
    try:
        world.mesh.wait(lambda: refuses(world, web, pods[0]), f"{pods[0].name} has stopped listening")
        hold(world.mesh.pod("production", pods[0].name).ready, "the deaf pod is no longer listed as ready")
        outcomes = world.mesh.fetch(web, "http://teller/", count=ORDERS, method="POST", ids=True)
    finally:
        for process in deaf:
            os.kill(process, signal.SIGUSR2)
    world.mesh.wait(lambda: not refuses(world, web, pods[0]), f"{pods[0].name} listens again")
    exactly_once(outcomes, counts(world, web, pods))
    used = len({body["pod"] for body in ok_bodies(outcomes)})
    return f"{ORDERS} of {ORDERS} orders served by {used} of 3 pods, each counted exactly once"


def refuses(world, web, pod):
    return "error" in world.mesh.fetch(web, f"http://{pod.v4}:8080/", timeout=3)[0]


@claim("9b", "While pods are taken away and come back, no request is lost")
def rollout(world):
    web = world.web()
    tellers(world)
    loop = Loop(world, web, {"url": "http://teller/", "method": "POST", "ids": True, "pause": 0.002})
    try:
        for _ in range(3):
            world.edit("teller.yaml", "replicas: 3", "replicas: 1")
            world.mesh.wait_ready("production", "teller-", 1)
            time.sleep(0.3)
            world.edit("teller.yaml", "replicas: 1", "replicas: 3")
            tellers(world)
    finally:
        outcomes = loop.end()
    failed = [one for one in outcomes if one.get("status") != 200]
    what = failed[0].get("error") or failed[0].get("status") if failed else ""
    hold(not failed, f"{len(failed)} of {len(outcomes)} requests failed, the first with {what}")
    return f"{len(outcomes)} requests during 6 pods gone and 6 come, 0 failed"
