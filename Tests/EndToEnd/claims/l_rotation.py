"""Row 12: certificates and roots are replaced under load; an absent authority costs nothing at first."""

import re
import time

from ..authority import Authority
from ..claim import claim, hold
from ..intruder import OpenTunnel, dial
from ..rotating import Load, RotatingWorld, Serials, Steady

# Seconds. A certificate of 10 s, the shortest that the control plane grants, is renewed after 5.
LIFETIME, SCALED_LIFETIMES = 10, 2.5


def rotating(world, lifetime=LIFETIME):
    return RotatingWorld(world.binaries, f"{world.mesh.name}-rot", lifetime)


def nothing_lost(load):
    requests, lines, wrong = load.end()
    hold(not wrong, "; ".join(wrong))
    return requests, lines


@claim("12a", "Certificates are replaced under load: no request fails and no stream is cut", "after")
def under_load(outer):
    with rotating(outer) as world:
        serials, load = Serials(world), Load(world)
        started, replaced = time.monotonic(), set()
        while time.monotonic() - started < LIFETIME * SCALED_LIFETIMES:
            serials.look()
            replaced |= newcomers(world)
            time.sleep(0.3)
        drained = [one for one in world.tunnels("node-1") if one["draining"] and one["streams"]]
        requests, lines = nothing_lost(load)
        least = serials.least()
        hold(least >= 3, f"some certificate was replaced only {least} times")
        # The long streams are where they began; the fresh ones are under the certificates of the moment.
        hold(drained, "no long-lived stream outlived its certificate: nothing was proved of streams")
        hold(len(replaced) >= 3, f"new streams were seen under {len(replaced)} certificates of web only")
        world.mesh.wait(lambda: not draining(world), "the replaced tunnels end with their last stream", 10)
    return (
        f"{requests} requests and {lines} lines in {Load.STREAMS} long streams, 0 failed; each certificate"
        f" replaced {least} times or more, new streams under {len(replaced)} certificates of web"
    )


def newcomers(world):
    """The serial numbers under which web has tunnels that take new streams, as both of their ends tell."""
    mine = world.certificates()
    told = {
        one["peerSerialNumber"]
        for node in world.mesh.node_names()
        for one in world.tunnels(node)
        if one["openedBy"] == "peer" and not one["draining"]
        and one["peerIdentity"] == world.identity("web-sa")
    }
    issued = {one["serialNumber"] for (_, identity), one in mine.items() if identity.endswith("/web-sa")}
    return told & issued


def draining(world):
    return [one for node in world.mesh.node_names() for one in world.tunnels(node) if one["draining"]]


@claim("12b", "With the authority away nothing fails while certificates last; then it is said why", "after")
def authority_away(outer):
    with rotating(outer, lifetime=14) as world:
        web, mesh = world.web(), world.mesh
        payment = mesh.pod("production", "payment-service-", "node-2")
        steady, load = Steady(world, mesh.pod("production", "peer-client-"), 2), Load(world)
        world.control("stop")
        away = time.monotonic()
        time.sleep(max(0, world.seconds_left() - 1))
        away = time.monotonic() - away
        hold(away > 4, f"the certificates were too old: the authority was away for {away:.1f} s only")
        status, text = world.readiness(web)
        hold(status == 200, f"{web.name} is not ready while its certificate is valid: {text.strip()}")
        requests, _ = nothing_lost(load)

        mesh.wait(lambda: world.seconds_left_of_last() < -1, "every certificate has ended", 30, 0.2)
        before = {node: len(mesh.log(f"agent {node}")) for node in mesh.node_names()}
        outcomes = mesh.fetch(web, f"http://{payment.v4}:8080/", count=5, timeout=3)
        served = [one for one in outcomes if "error" not in one]
        hold(not served, f"{len(served)} of 5 requests were served under a certificate that had ended")
        world.logged(web.node, before[web.node], re.compile("source-certificate-expired"))
        pair = world.authority.issue(world.identity("order-service-sa"))
        refusal = dial(mesh.place("fabric"), payment.v4, world.authority.root.certificate, pair)
        hold(not refusal.accepted and "expired" in refusal.reason, f"a peer was answered: {refusal.reason}")
        world.logged(payment.node, before[payment.node], re.compile("destination-certificate-expired"))
        status, text = world.readiness(web)
        hold(status == 500 and "certificate" in text, f"{web.name}'s readiness: {status} {text.strip()}")
        node, said = world.page(web.node, 15021, "/healthz/ready")
        hold(node == 200, f"the node is not ready for one pod's sake: {node} {said.strip()}")
        hold(f"production/{web.name}: not ready" in said, f"the node does not name the pod: {said.strip()}")

        world.control("start")
        back = time.monotonic()
        ask = (web, f"http://{payment.v4}:8080/")
        mesh.wait(lambda: "error" not in mesh.fetch(*ask, timeout=3)[0], "served again", 40, 0.2)
        mesh.wait(lambda: world.readiness(web)[0] == 200, f"{web.name} is ready again", 20, 0.2)
        back = time.monotonic() - back
        ends = {one.get("end") for one in steady.end()}
        hold(ends == {"eof"}, f"long streams ended with {ends}")
    return (
        f"{requests} requests, 0 failed in {away:.1f} s of {world.lifetime} s; then 5 of 5 refused with"
        f" source-certificate-expired, long streams lived; served again {back:.1f} s after its return"
    )


@claim("12c", "The root is replaced under load: 0 failures; then the former one counts nowhere", "after")
def new_root(outer):
    with rotating(outer) as world:
        former, latter = world.authority, Authority(f"{world.folder}/latter", "the next root")
        payment = world.mesh.pod("production", "payment-service-", "node-2")
        place, mine = world.mesh.place("fabric"), world.identity("order-service-sa")
        target = f"{payment.v4}:8080"
        load = Load(world)
        change(world, former, [former, latter], lambda one: len(one["rootCerts"]) == 2)
        change(world, latter, [latter, former], lambda one: "next root" in one["certChain"][0]["issuer"])
        # Long streams that began under the former root would rightly be cut with it: they end before.
        requests, lines = nothing_lost(load)
        load = Load(world)
        bundle = world.roots
        old, new = former.issue(mine), latter.issue(mine)
        with OpenTunnel(place, payment.v4, bundle, old, target) as doomed:
            with OpenTunnel(place, payment.v4, bundle, new, target) as fine:
                for tunnel in (doomed, fine):
                    hold(tunnel.ask(), f"a peer of a trusted root is not served: {tunnel.end}")
                before = len(world.mesh.log(f"agent {payment.node}"))
                change(world, latter, [latter], lambda one: len(one["rootCerts"]) == 1)
                hold(not doomed.ask(), "a peer of the former root is served on its open tunnel")
                hold(fine.ask(), f"a peer of the present root lost its tunnel: {fine.end}")
        line = world.logged(payment.node, before, re.compile("source-certificate-untrusted"))
        again = dial(place, payment.v4, latter.root.certificate, old)
        hold(not again.accepted, "a peer of the former root is let in anew")
        more, more_lines = nothing_lost(load)
    hold(line, "no record")
    return (
        f"{requests + more} requests and {lines + more_lines} lines of long streams, 0 failed; a peer of the"
        f" former root: served before, its open tunnel ended ({doomed.end}), then refused ({again.reason})"
    )


def change(world, signer, roots, is_done):
    """Replaces the authority's files, and waits until every certificate of the mesh shows it."""
    world.sign_with(signer, roots)
    world.control("reload")
    settled = lambda: all(is_done(one) for one in world.certificates().values())  # noqa: E731
    world.mesh.wait(settled, "every agent has the change of the authority", 40, 0.1)
