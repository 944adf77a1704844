"""Row 21: several replicas of one waypoint."""

import collections
import os
import re
import time

from ..claim import claim, hold
from .w_waypoint import IDLE_SECONDS, Repeating, Waypoints, question, same

ACCOUNT = """apiVersion: v1
kind: ServiceAccount
metadata:
  name: order-service-sa
  namespace: production
  annotations: {%s}
"""
URL = "http://order-service/"
NAME = "order-service-sa-waypoint-"


class Scaled(Waypoints):
    """Those whose account says how many there are to be."""

    def annotate(self, **annotations):
        named = {name.replace("_", "-"): value for name, value in annotations.items()}
        text = ", ".join(f'apus.io/{name}: "{value}"' for name, value in named.items())
        path = os.path.join(self.directory, "order-service.yaml")
        with open(path, encoding="utf-8") as file:
            documents = file.read().split("\n---\n")
        others = [one for one in documents if "kind: ServiceAccount" not in one]
        hold(len(others) == len(documents) - 1, "the shop has one account here")
        part = path + ".part"
        with open(part, "w", encoding="utf-8") as file:
            file.write("\n---\n".join([ACCOUNT % text] + others))
        os.rename(part, path)

    def ready(self, count):
        return self.mesh.wait_ready("production", NAME, count, 30)

    def served(self):
        """Requests taken by each replica so far, from its access log."""
        counts = collections.Counter()
        for pod in self.running():
            if pod.name.startswith(NAME):
                counts[pod.name] = len(re.findall(r"\baccess\b", self.mesh.log(pod.name)))
        return counts


def even(counts, total, replicas):
    fair = total / replicas
    wrong = {name: count for name, count in counts.items() if abs(count - fair) > fair / 5}
    hold(len(counts) == replicas and not wrong, f"spread {dict(counts)} of {total} over {replicas}")


class Load(Repeating):
    """Requests on connections of their own, until it is told to end."""

    def __init__(self, waypoints, pod):
        super().__init__(lambda: waypoints.ask(pod, *[question(URL)] * 20))

    def finish(self, lost=0):
        """How many were served; all but `lost` of them must have been."""
        self.end()
        broken = [one for one in self.outcomes if "error" in one]
        hold(len(broken) <= lost, f"{len(broken)} of {len(self.outcomes)} failed: {broken[:2]}")
        same([one for one in self.outcomes if "error" not in one], 200)
        return len(self.outcomes) - len(broken)


@claim("21a", "One replica, three, one: connections are spread evenly, and no request fails")
def scale(world):
    with Scaled(world) as waypoints:
        web = waypoints.pod("web-")
        same(waypoints.ask(web, question(URL)), 200)
        waypoints.ready(1)
        load = Load(waypoints, web)
        waypoints.annotate(waypoint_replicas=3)
        waypoints.ready(3)
        time.sleep(1)
        before = waypoints.served()
        outcomes = waypoints.ask(web, *[question(URL)] * 60)
        served = load.finish()
        same(outcomes, 200)
        time.sleep(0.5)
        waypoints.ask(web, *[question(URL)] * 60)
        spread = waypoints.served() - before
        even(spread, sum(spread.values()), 3)
        load = Load(waypoints, web)
        waypoints.annotate(waypoint_replicas=1)
        waypoints.ready(1)
        served += load.finish()
        denied = waypoints.ask(web, question("http://payment-service/v1/payments", "POST", body="{}"))
        same(denied, 403)
        spread = sorted(spread.values())
        return f"{served} of {served} requests served while 1 became 3 and 1; spread {spread}"


@claim("21b", "With three replicas, kill -9 of one: what is in flight there fails once, and it is replaced")
def crash(world):
    with Scaled(world) as waypoints:
        web = waypoints.pod("web-")
        waypoints.annotate(waypoint="always", waypoint_replicas=3)
        # Nobody has asked for it: `always` starts it.
        waypoints.ready(3)
        load = Load(waypoints, web)
        time.sleep(1)
        waypoints.kill(1)
        waypoints.ready(3)
        time.sleep(1)
        # One request is in flight at a time.
        served = load.finish(lost=1)
        again = waypoints.ask(web, *[question(URL)] * 20)
        same(again, 200)
        time.sleep(IDLE_SECONDS + 3)
        hold(len(waypoints.running()) >= 3, "a waypoint that is always wanted has stopped")
        return (
            f"{served} of {len(load.outcomes)} served over the crash, {len(again)} of {len(again)} after it; "
            f"3 replicas before anybody asked, and after {IDLE_SECONDS} idle seconds"
        )
