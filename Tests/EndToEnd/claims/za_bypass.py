"""Row 24: nothing goes around a waypoint, whatever state it is in; and what its crash costs.

Payments may be asked by order-service-sa alone, through their waypoint alone. Every attempt has a path of its
own, which order-service-sa might ask for; the payment servers list the paths that reached them.
"""

import collections
import os
import re
import signal
import socket
import threading
import urllib.request

from .. import netns
from ..claim import claim, hold
from ..intruder import dial
from ..moods import Moods
from ..world import bracket
from .w_waypoint import question, same

ACCOUNT, WAYPOINT = "payment-service-sa", "payment-service-sa-waypoint"
IDLE_SECONDS = 4
CRASHES, CONNECTIONS = 3, 6
POST = {"method": "POST", "body": "{}"}
SERVED, DENIED = 200, 403


class Guarded(Moods):
    """The seed's policy before two payment servers, in a mesh whose authority the intruders have too."""

    def __init__(self, world):
        super().__init__(world)
        self.temper("payment-service.yaml", replicas=2)
        root = world.authority.root
        self.flags = (
            "--ca-cert", root.certificate, "--ca-key", root.key, "--waypoint-idle", str(IDLE_SECONDS))
        self.pairs, self.last = {}, 0

    def __enter__(self):
        super().__enter__()
        self.web, self.caller = self.pod("web-"), self.pod("order-service-v1")
        self.legacy = self.pod("legacy-client", "legacy")
        return self

    def carried(self):
        """How many connections and requests agents have carried over to a waypoint's successor."""

        def page():
            with urllib.request.urlopen("http://127.0.0.1:15020/metrics", timeout=10) as answer:
                return answer.read().decode()

        pages = [netns.inside(self.mesh.place(node), page) for node in self.mesh.node_names()]
        lines = [line for one in pages for line in one.splitlines()]
        return sum(
            int(line.rpartition(" ")[2]) for line in lines if line.startswith("apus_waypoint_losses_total"))

    def path(self):
        """A path that policy allows, and that no other attempt has."""
        self.last += 1
        return f"/v1/payments/{self.last}"

    def request(self, path):
        """What is written on a connection: a request that claims to come from the allowed caller."""
        who = self.world.identity("order-service-sa")
        return (
            f"POST {path} HTTP/1.1\r\nhost: payment-service\r\nx-apus-source: {who}\r\n"
            f"x-forwarded-client-cert: URI={who}\r\nx-forwarded-for: {self.caller.v4}\r\n"
            f"forwarded: for={self.caller.v4}\r\ncontent-length: 2\r\n\r\n{{}}"
        ).encode()

    def hbone(self, place, at, account, target):
        """Dials port 15008 as an account, with the fields by which a waypoint tells who its client is."""
        if account not in self.pairs:
            self.pairs[account] = self.world.authority.issue(self.world.identity(account))
        caller = f'"[{self.caller.v6}]:40000"' if ":" in at else f"{self.caller.v4}:40000"
        forged = (("forwarded", f"for={caller}"), ("x-apus-source", self.world.identity("order-service-sa")))
        return dial(
            self.mesh.place(place), at, self.world.authority.root.certificate, self.pairs[account],
            target=target, request=self.request(self.path()), fields=forged)

    def plain(self, place, address):
        """A request without the mesh from a place; what came back."""

        def ask():
            with socket.create_connection((address, 8080), timeout=5) as connection:
                connection.sendall(self.request(self.path()))
                return connection.recv(4096)

        try:
            return netns.inside(self.mesh.place(place), ask)
        except OSError as error:
            return str(error).encode()

    def past(self, accounts=("web-sa", "order-service-sa", "order-service-sa-waypoint")):
        """Every way that leads past the waypoint; how often each kind was tried. None may be answered."""
        tried = collections.Counter()
        payments = self.servers("payment-service")
        for pod in payments:
            others = ["fabric", *(node for node in self.mesh.node_names() if node != pod.node)]
            for address in (pod.v4, pod.v6):
                for place in others:
                    reply = self.plain(place, address)
                    hold(not reply.startswith(b"HTTP/"), f"plaintext from {place} is answered {reply[:40]!r}")
                    tried["plaintext"] += 1
                    for account in accounts:
                        outcome = self.hbone(place, address, account, f"{bracket(address)}:8080")
                        hold(not outcome.accepted, f"{account} gets a tunnel from {place} to {pod.name}")
                        tried["HBONE"] += 1
            for loopback in ("127.0.0.1:8080", "[::1]:8080"):
                outcome = self.hbone("fabric", pod.v4, "order-service-sa", loopback)
                hold(not outcome.accepted, f"a tunnel to {loopback} of {pod.name}")
                tried["HBONE"] += 1
        urls = self.urls("payment-service.production", payments)
        outside = self.asked(self.legacy, urls, connections=len(urls), **POST)
        hold(all("error" in one for one in outside), f"plaintext of legacy came through: {outside}")
        tried["plaintext"] += len(outside)
        return tried

    def urls(self, service, payments):
        """The service and its pods by their addresses, each with a path of its own."""
        pods = [f"{bracket(address)}:8080" for pod in payments for address in (pod.v4, pod.v6)]
        return [f"http://{host}{self.path()}" for host in [service] * 2 + pods]

    def denied_crowd(self, timeout=30):
        """The denied account, to the service and to each pod's own addresses, all at once."""
        urls = self.urls("payment-service", self.servers("payment-service"))
        return self.crowd(
            self.web, urls, connections=len(urls), timeout=timeout, **POST)

    def denied(self):
        """The same, until all are answered by the waypoint; how many."""
        return refused(self.denied_crowd().finish())

    def serve(self):
        """What must always work: the account that policy allows."""
        path = self.path()
        same(self.ask(self.caller, question(f"http://payment-service{path}", "POST", body="{}")), SERVED)
        return self.arrived(path)

    def arrived(self, expected):
        """Holds that of all attempts until now this one alone reached an application; starts anew."""
        seen = collections.Counter()
        for pod in self.servers("payment-service"):
            seen.update(self.order(pod, forget=True)["seen"])
        hold(set(seen) == {f"POST {expected}"}, f"at the applications arrived {dict(seen)}, not {expected}")

    def asleep(self):
        self.mesh.wait(lambda: not self.behind(ACCOUNT), "the idle waypoint is gone", IDLE_SECONDS + 20)


def refused(outcomes):
    same(outcomes, DENIED)
    unexplained = [one for one in outcomes if one["reason"] != "no-policy-allows"]
    hold(not unexplained, f"without the reason: {unexplained[:1]}")
    return len(outcomes)


def told(tried):
    return ", ".join(f"{count} {kind}" for kind, count in sorted(tried.items()))


@claim("24a", "Nothing goes around a waypoint: by pod addresses, in plaintext, over HBONE, with forged names")
def around(world):
    with world.beside(Guarded) as mesh:
        mesh.serve()
        tried = mesh.past()
        tried["by 403"] = mesh.denied()
        pod, at = mesh.servers("payment-service")[0], mesh.behind(ACCOUNT)[0]
        service = mesh.mesh.exec(mesh.web, "getent", "ahostsv4", "payment-service").stdout.split()[0]
        # At the waypoint's own port it is the certificate that says who asks.
        for target in (f"{service}:80", f"{pod.v4}:8080"):
            for place in ("fabric", *mesh.mesh.node_names()):
                outcome = mesh.hbone(place, at.v4, "web-sa", target)
                hold(b" 403 " in outcome.reply[:20], f"the waypoint answers web-sa {outcome}")
                tried["by 403"] += 1
        # Another waypoint does not lead there.
        same(mesh.ask(mesh.web, question("http://order-service/")), 200)
        other = mesh.behind("order-service-sa")[0]
        for account in ("web-sa", "order-service-sa"):
            outcome = mesh.hbone("fabric", other.v4, account, f"{service}:80")
            hold(not outcome.accepted, f"order-service's waypoint leads {account} to payments")
            tried["HBONE"] += 1
        mesh.serve()
        # The control: what was tried is well formed, for the waypoint's own certificate opens the door.
        outcome = mesh.hbone("fabric", pod.v4, WAYPOINT, f"{pod.v4}:8080")
        hold(outcome.accepted and b" 200 " in outcome.reply[:20], f"the control is refused: {outcome.reason}")
        mesh.arrived(f"/v1/payments/{mesh.last}")
        total = sum(tried.values())
        return f"{total} of {total} denied ({told(tried)}); the control got through"


@claim("24b", "kill -9 of the only waypoint under load: safe requests go on, others in flight fail once")
def under_load(world):
    with world.beside(Guarded) as mesh:
        url, account = "http://order-service/", "order-service-sa"
        same(mesh.ask(mesh.web, question(url)), 200)
        load = {"connections": CONNECTIONS, "until": True, "pause": 0.005}
        crowds = {
            "GET": mesh.crowd(mesh.web, url, **load),
            "POST": mesh.crowd(mesh.web, url, **load, **POST),
        }
        try:
            for _ in range(CRASHES):
                before = {method: len(crowd.so_far()) for method, crowd in crowds.items()}

                def all_served(before=before):
                    return all(
                        len({one["connection"] for one in crowd.so_far()[before[method]:] if "status" in one})
                        == CONNECTIONS for method, crowd in crowds.items())

                # Each connection has been served since the last crash.
                mesh.mesh.wait(all_served, "all connections are served", 20)
                mesh.kill(account=account)
            before = len(crowds["GET"].so_far())
            mesh.mesh.wait(
                lambda: len(crowds["GET"].so_far()) >= before + 100, "100 requests after the last", 20)
        finally:
            outcomes = {method: crowd.finish() for method, crowd in crowds.items()}
        failed = {
            method: [one for one in told if "error" in one] for method, told in outcomes.items()}
        for told in outcomes.values():
            same([one for one in told if "error" not in one], 200)
        # The servers send head and body one after the other, so a waypoint can die in between, of any number
        # of answers. Such an answer has begun, and cannot be had again; nothing else is a reason.
        cut = [one for one in failed["GET"] if one.get("begun")]
        lost = [one for one in failed["GET"] if not one.get("begun")]
        hold(not lost, f"{len(lost)} GETs failed of whose answer nothing had come: {lost[:3]}")
        for number in range(CONNECTIONS):
            own = sum(one["connection"] == number for one in cut)
            hold(own <= CRASHES, f"connection {number} had {own} answers cut")
        hold(len(cut) <= CRASHES, f"{len(cut)} answers were cut in {CRASHES} crashes: {cut[:4]}")
        for number in range(CONNECTIONS):
            own = ["error" in one for one in outcomes["POST"] if one["connection"] == number]
            twice = any(a and b for a, b in zip(own, own[1:]))
            hold(not twice, f"connection {number} failed twice in a row")
            hold(sum(own) <= CRASHES, f"connection {number} failed {sum(own)} times")
        carried = mesh.carried()
        hold(carried > 0, "no connection outlived its waypoint, so this shows nothing")
        return (
            f"{CRASHES} crashes under 2 times {CONNECTIONS} connections: {len(outcomes['GET'])} GETs, "
            f"none failed unanswered, {len(cut)} answers cut; {len(failed['POST'])} of "
            f"{len(outcomes['POST'])} POSTs in flight failed, none twice; "
            f"{carried} connections and requests went on to a successor"
        )


class Frozen:
    """Stops the next waypoint of an account as soon as its process is there, before it can be ready."""

    def __init__(self, mesh, account):
        self.mesh, self.account = mesh, account
        self.before = set(mesh.processes(account))
        self.stopped, self.ended = None, False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.ended and not self.stopped:
            for process in set(self.mesh.processes(self.account)) - self.before:
                os.kill(process, signal.SIGSTOP)
                self.stopped = process

    def __enter__(self):
        return self

    def thaw(self):
        os.kill(self.stopped, signal.SIGCONT)

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        if self.stopped:
            try:
                self.thaw()
            except ProcessLookupError:
                pass


@claim("24c", "Before a waypoint is ready, after its crash and when none runs, what is denied stays denied")
def whatever_its_state(world):
    with world.beside(Guarded) as mesh:
        counts = {}
        mesh.serve()
        mesh.asleep()
        tried = mesh.past()
        hold(not mesh.behind(ACCOUNT), "an attempt past the waypoint started it")
        counts["when none ran"] = sum(tried.values())
        with Frozen(mesh, ACCOUNT) as frozen:
            crowd = mesh.denied_crowd()
            allowed = mesh.crowd(mesh.caller, f"http://payment-service{mesh.path()}", connections=1, **POST)
            own = f"/v1/payments/{mesh.last}"
            mesh.mesh.wait(lambda: frozen.stopped, "a waypoint is started", 10)
            tried = mesh.past()
            hold(not any(pod.ready for pod in mesh.behind(ACCOUNT)), "the frozen waypoint is ready")
            hold(not crowd.so_far() and not allowed.so_far(), "somebody was answered before it was ready")
            frozen.thaw()
            counts["before it was ready"] = refused(crowd.finish()) + sum(tried.values())
            same(allowed.finish(), SERVED)
        mesh.arrived(own)
        after = 0
        for _ in range(CRASHES):
            mesh.kill(account=ACCOUNT)
            crowd = mesh.denied_crowd()
            after += sum(mesh.past(accounts=("order-service-sa",)).values()) + refused(crowd.finish())
            mesh.serve()
        counts[f"after {CRASHES} crashes"] = after
        return f"denied, all of them: {', '.join(f'{count} {state}' for state, count in counts.items())}"



@claim("24d", "While the control plane is away, and its waypoint with it, what is denied stays denied")
def control_away(world):
    with world.beside(Guarded) as mesh:
        mesh.serve()
        mesh.mesh.must("control", "stop")
        try:
            with_waypoint = mesh.denied() + sum(mesh.past().values())
            mesh.serve()
            mesh.kill(account=ACCOUNT)
            crowd = mesh.denied_crowd()
            without = sum(mesh.past().values())
            outcomes = crowd.finish()
            hold(all("error" in one for one in outcomes), f"answered without a waypoint: {outcomes}")
            without += len(outcomes)
        finally:
            mesh.mesh.must("control", "start")
        mesh.serve()
        denied = mesh.denied()
        return (
            f"{with_waypoint} of {with_waypoint} denied by the waypoint, {without} of {without} after its "
            f"kill; both are back: the allowed account is served, {denied} of {denied} denied"
        )


@claim("24e", "The account is renamed under load: no request goes around the old waypoint or the new one")
def renamed(world):
    with world.beside(Guarded) as mesh:
        mesh.serve()
        old = {pod.name for pod in mesh.servers("payment-service")}
        crowd = mesh.crowd(
            mesh.web, mesh.urls("payment-service", []), connections=2, until=True, pause=0.01, **POST)
        try:
            with open(os.path.join(mesh.directory, "payment-service.yaml"), encoding="utf-8") as file:
                mesh.write("payment-service.yaml", re.sub(r"payment-service-sa\b", "paid-sa", file.read()))

            def replaced():
                now = mesh.servers("payment-service")
                return len(now) == 2 and all(pod.ready and pod.name not in old for pod in now)

            mesh.mesh.wait(replaced, "both payment servers have the new account", 30)
            tried = mesh.past(accounts=("order-service-sa", WAYPOINT))
            before = len(crowd.so_far())
            mesh.mesh.wait(lambda: len(crowd.so_far()) >= before + 20, "20 more attempts", 30)
        finally:
            outcomes = crowd.finish()
        let_in = [one for one in outcomes if one.get("status", DENIED) not in (DENIED, 503)]
        hold(not let_in, f"{len(let_in)} were answered: {let_in[:2]}")
        answers = collections.Counter(one.get("status", "refused") for one in outcomes)
        mesh.serve()
        hold(mesh.behind("paid-sa"), "the new account has no waypoint")
        denied = mesh.denied()
        by = ", ".join(f"{count} {how}" for how, count in answers.items())
        return (
            f"{len(outcomes)} of {len(outcomes)} denied while it was renamed ({by}), then {denied} by the "
            f"new waypoint; {told(tried)} refused, also as the old one"
        )
