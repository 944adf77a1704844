"""Row 3: both ends verify each other's identity; whoever cannot show the right one is refused, and why."""

import re
import secrets

from ..claim import claim, hold
from ..intruder import RogueServer, dial


def target(world):
    """A pod of payment-service to dial from outside."""
    return world.mesh.pod("production", "payment-service-", "node-2")


def intrude(world, pair, words):
    """Dials the agent with a pair that must be refused; the alert we got and the reason that it logged."""
    pod = target(world)
    before = len(world.mesh.log(f"agent {pod.node}"))
    root = world.authority.root.certificate
    outcome = dial(world.mesh.place("fabric"), pod.v4, root, pair)
    hold(not outcome.accepted, "the agent took it")
    hold(not outcome.reason.startswith("no connection"), outcome.reason)
    line = world.logged(pod.node, before, re.compile(words, re.IGNORECASE))
    return f"{outcome.reason}; logged: {shortened(line, words)}"


def shortened(line, words):
    """The part of a log line around what was looked for."""
    found = re.search(words, line, re.IGNORECASE)
    return line[max(0, found.start() - 60) : found.end() + 60].strip()


@claim("3a", "A peer with an identity of the mesh is served, and the agent shows the pod's own identity")
def right_identity(world):
    pod, root = target(world), world.authority.root.certificate
    pair = world.authority.issue(world.identity("order-service-sa"))
    request = b"GET / HTTP/1.1\r\nhost: payment-service\r\n\r\n"
    where = world.mesh.place("fabric")
    outcome = dial(where, pod.v4, root, pair, target=f"{pod.v4}:8080", request=request)
    hold(outcome.accepted, f"refused: {outcome.reason}")
    hold(outcome.reply.startswith(b"HTTP/1.1 200"), f"answered {outcome.reply[:40]!r}")
    mine = world.identity("payment-service-sa")
    hold(outcome.identities == (mine,), f"the agent showed {outcome.identities}")
    return f"another implementation's CONNECT answered 200 by {mine}"


@claim("3b", "A certificate of another authority is refused, with the reason in the log")
def another_authority(world):
    return intrude(world, world.stranger.issue(world.identity("order-service-sa")), r"authority|issuer")


@claim("3c", "An expired certificate is refused, with the reason in the log")
def expired(world):
    return intrude(world, world.authority.issue_expired(world.identity("order-service-sa")), r"expired")


@claim("3d", "A peer without a certificate is refused, with the reason in the log")
def no_certificate(world):
    return intrude(world, None, r"(no|without a?|did not .*) ?certificate")


@claim("3e", "An identity of a foreign trust domain, or two identities at once, are refused")
def foreign_identities(world):
    foreign = world.identity("order-service-sa", trust_domain="elsewhere.example")
    first = intrude(world, world.authority.issue(foreign), r"trust domain")
    both = (world.identity("order-service-sa"), world.identity("web-sa"))
    second = intrude(world, world.authority.issue(*both), r"several|more than one|exactly one")
    return f"{first}; {second}"


@claim("3f", "A server of the right authority but with an unexpected identity hears nothing from the agent")
def unexpected_identity(world):
    web = world.web()
    other = "node-2" if web.node == "node-1" else "node-1"
    pod = world.mesh.pod("production", "payment-service-", other)
    marker, root = secrets.token_hex(16), world.authority.root.certificate
    place = world.mesh.place(pod)
    world.mesh.agent(other, "kill")
    try:
        # The control of the experiment: the same server is believed with the identity expected there.
        right = world.authority.issue(world.identity("payment-service-sa"))
        with RogueServer(place, right, root) as rogue:
            world.mesh.fetch(web, f"http://{pod.v4}:8080/", timeout=3)
            hold(rogue.handshakes, f"the control failed: even the right one is refused {rogue.refusals}")
        before = len(world.mesh.log(f"agent {web.node}"))
        # An account of no pod: its name can stand in the log only because it was refused.
        wrong = world.authority.issue(world.identity("intruder-sa"))
        with RogueServer(place, wrong, root) as rogue:
            outcome = world.mesh.fetch(
                web, f"http://{pod.v4}:8080/", method="POST", body=marker, timeout=3
            )[0]
        hold("error" in outcome, f"the request was answered with {outcome.get('status')}")
        hold(rogue.heard == b"", f"the rogue read {len(rogue.heard)} bytes: {rogue.heard[:60]!r}")
        words = r"error=.*intruder-sa"
        line = world.logged(web.node, before, re.compile(words, re.IGNORECASE))
    finally:
        world.mesh.agent(other, "start")
        world.mesh.wait(
            lambda: "error" not in world.mesh.fetch(web, f"http://{pod.v4}:8080/", timeout=2)[0],
            f"{other} serves again",
        )
    logged = shortened(line, words)
    return f"0 bytes heard, the application got {outcome['error']}; logged: {logged}"
