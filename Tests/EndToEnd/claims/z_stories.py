"""Row 23: the seed's stories, with its manifests as written, told by servers whose moods a claim sets."""

import collections
import json
import re

from .. import promtext
from ..claim import claim, hold
from ..moods import Moods, server
from .w_waypoint import Repeating, same

SEED = 1
ORDERS, PAYMENTS = "order-service-sa", "payment-service-sa"
ORDER_URL, PAY_URL = "http://order-service/", "http://payment-service/v1/payments"
POST = {"method": "POST", "body": "{}"}
# Of the retry budget, whatever the load: 3 a second, looked at over 10 seconds (docs/RESILIENCE.md).
FLOOR = 30
PENDING = 100

MIRRORED = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: catalog, namespace: production}
spec:
  hosts: [catalog]
  http:
  - route: [{destination: {host: catalog}}]
    mirror: {host: shadow}
"""


class Stories(Moods):
    """The first version of order-service has eight pods, so that one that fails is an eighth; payments have
    four."""

    flags = ("--waypoint-seed", str(SEED))

    def __init__(self, world):
        super().__init__(world)
        self.temper("order-service.yaml", replicas=8)
        self.temper("payment-service.yaml", replicas=4)
        self.write("catalog.yaml", "---\n".join([server("catalog"), server("shadow"), MIRRORED]))

    def settled(self, account, count):
        """Access lines of the last so many requests of a waypoint."""
        return self.mesh.wait(
            lambda: (lines := self.access(account)[1][-count:]) and len(lines) == count and lines,
            f"{count} records", 10, 0.2)


@claim("23b", "Story 2: of 2,000 requests 4 to 6 in a hundred go to v2, and with the canary header all do")
def split(world):
    with world.beside(Stories) as mesh:
        mesh.mood(mesh.servers("order-service"), "200")
        web = mesh.pod("web-")
        outcomes = mesh.asked(web, ORDER_URL, connections=4, count=500, bodies=True)
        same(outcomes, 200)
        versions = collections.Counter(json.loads(one["body"])["version"] for one in outcomes)
        hold(sum(versions.values()) == 2000, f"{dict(versions)} are not 2,000")
        hold(80 <= versions["v2"] <= 120, f"split {dict(versions)}")
        canary = mesh.asked(
            web, ORDER_URL, connections=4, count=50, bodies=True, headers={"x-canary-test": "true"})
        same(canary, 200)
        strayed = [one for one in canary if json.loads(one["body"])["version"] != "v2"]
        hold(not strayed and len(canary) == 200, f"the canary header leads elsewhere {len(strayed)} times")
        return f"{versions['v1']} to v1, {versions['v2']} to v2 (seeded); canary 200 of 200 to v2"


@claim("23c", "Story 3: a pod that fails with 503 or hangs is covered by retries; if all hang, 504 after 3 s")
def retries(world):
    with world.beside(Stories) as mesh:
        web, pods = mesh.pod("web-"), mesh.servers("order-service")
        mesh.mood(pods, "200")
        failing = next(pod for pod in pods if "-v1-" in pod.name)
        mesh.mood([failing], "503")
        covered = mesh.asked(web, ORDER_URL, connections=1, count=150)
        same(covered, 200)
        met = mesh.count([failing])
        hold(met, "the pod that fails was never asked")
        # Each request that meets it costs perTryTimeout.
        mesh.mood([failing], "hang")
        left = []
        while (hung := mesh.count([failing])) < 2:
            left += mesh.asked(web, ORDER_URL, connections=1, count=10)
            hold(len(left) <= 500, "the pod that hangs is never asked")
        same(left, 200)
        mesh.mood(pods, "hang")
        given_up = mesh.asked(web, ORDER_URL, connections=1)
        tries = mesh.count(pods)
        same(given_up, 504)
        line = mesh.settled(ORDERS, 1)[0]
        hold(" response_code=504 " in line and re.search(r"response_flags=\S*\bUT\b", line), line)
        mesh.mood(pods, "200")
        return (
            f"{len(covered)} of {len(covered)} served while one of 8 answered 503 to {met}; {len(left)} of "
            f"{len(left)} while it hung {hung} times; all hang: 504, flag UT, after {tries} tries"
        )


def figure(mesh, account, name):
    return int(promtext.total(mesh.metrics(account), name))


@claim("23d", "Story 4: all payment pods answer 500: at most half are ejected; one recovers and is used")
def correlated(world):
    with world.beside(Stories) as mesh:
        order, pods = mesh.pod("order-service-v1"), mesh.servers("payment-service")
        mesh.mood(pods, "200")
        same(mesh.asked(order, PAY_URL, connections=1, **POST), 200)
        mesh.mood(pods, "500")
        watch = Repeating(lambda: [figure(mesh, PAYMENTS, "apus_endpoints_ejected")])
        crowd = mesh.crowd(order, PAY_URL, connections=2, until=True, pause=0.01, **POST)
        try:
            mesh.mesh.wait(lambda: max(watch.outcomes, default=0) > 0, "a pod is ejected", 20)
            mesh.mesh.wait(lambda: mesh.count(pods) >= 200, "200 failures", 20, 0.2)
            mesh.mood(pods[:1], "200")
            mesh.mesh.wait(lambda: mesh.count(pods[:1]) >= 50, "the pod that recovered is used", 30, 0.2)
        finally:
            seen = watch.end()
            outcomes = crowd.finish()
        codes = collections.Counter(one.get("status") for one in outcomes)
        hold(set(codes) == {200, 500}, f"answers {dict(codes)}")
        hold(max(seen) == len(pods) // 2, f"{max(seen)} of {len(pods)} were ejected at once")
        served = mesh.count(pods[:1])
        hold(codes[200] == served, f"{served} served, and the caller got {codes[200]}")
        mesh.mood(pods, "200")
        return (
            f"{codes[500]} answers 500; of {len(pods)} pods at most {max(seen)} ejected in {len(seen)} looks"
            f"; the one that recovered served {served}"
        )


@claim("23e", "Story 5: a service that fails wholly gets at most 1.2 times its load from retries")
def storm(world):
    with world.beside(Stories) as mesh:
        web, pods = mesh.pod("web-"), mesh.servers("order-service")
        mesh.mood(pods, "503")
        outcomes = mesh.asked(web, ORDER_URL, connections=20, count=150)
        reached = mesh.count(pods)
        same(outcomes, 503)
        asked = len(outcomes)
        hold(reached > asked, "nothing was tried again: the budget was not tried")
        hold(reached <= 1.2 * asked + FLOOR, f"{asked} requests became {reached}")
        mesh.mood(pods, "200")
        return f"{asked} requests became {reached} at the pods: {reached / asked:.3f} times"


@claim("23f", "Story 6: a hundred requests wait for a connection, the next is answered 503 at once, flag UO")
def breaker(world):
    with world.beside(Stories) as mesh:
        order, pods = mesh.pod("order-service-v1"), mesh.servers("payment-service")
        mesh.mood(pods, "200")
        same(mesh.asked(order, PAY_URL, connections=1, **POST), 200)
        mesh.mood(pods, "deaf")
        crowd = mesh.crowd(order, PAY_URL, connections=PENDING, **POST)
        try:
            def waiting():
                return figure(mesh, PAYMENTS, "apus_waypoint_requests_pending")

            mesh.mesh.wait(lambda: waiting() == PENDING, f"{PENDING} requests wait", 20)
            over = mesh.asked(order, PAY_URL, connections=1, count=5, **POST)
            same(over, 503)
            hold(waiting() == PENDING, "some that waited were answered before")
            lines = mesh.settled(PAYMENTS, len(over))
            wrong = [line for line in lines if not re.search(r"response_flags=\S*\bUO\b", line)]
            hold(not wrong, f"without the flag UO: {wrong[:1]}")
            hold(all("http1MaxPendingRequests" in line for line in lines), f"does not name it: {lines[0]}")
        finally:
            for pod in pods:
                mesh.order(pod, mood="200")
            outcomes = crowd.finish()
        same(outcomes, 200)
        hold(len(outcomes) == PENDING, f"{len(outcomes)} of {PENDING} were answered")
        return f"{PENDING} waited, {len(over)} of {len(over)} more got 503 with UO, then all were served"


@claim("23g", "Story 7: the shadow gets a copy of each request, and what it does never reaches the caller")
def mirroring(world):
    with world.beside(Stories) as mesh:
        web, catalog, shadow = mesh.pod("web-"), mesh.servers("catalog"), mesh.servers("shadow")
        told = []
        for mood in ("200", "500", "reset", "hang", "deaf"):
            mesh.mood(catalog, "200")
            mesh.mood(shadow, mood)
            outcomes = mesh.asked(
                web, "http://catalog/items", connections=2, count=20, bodies=True, **POST)
            same(outcomes, 200)
            names = {json.loads(one["body"])["pod"] for one in outcomes}
            hold(names == {catalog[0].name}, f"{mood}: answered by {names}")
            served = mesh.count(catalog)
            hold(served == len(outcomes) == 40, f"{mood}: {served} served of {len(outcomes)}")
            copies = 0 if mood == "deaf" else 40
            mesh.mesh.wait(lambda: mesh.count(shadow) >= copies, f"{mood}: copies at the shadow", 15)
            hold(mesh.count(shadow) == copies, f"{mood}: {mesh.count(shadow)} copies")
            told.append(f"{mood} {copies}")
        mesh.mood(shadow, "200")
        return f"40 of 40 served in each of its moods; copies that reached it: {', '.join(told)}"
