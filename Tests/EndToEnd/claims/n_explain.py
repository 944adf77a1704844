"""Row 18: `apus explain`, from the files and from a live agent, says what really happens."""

import functools
import json
import os
import re
import subprocess
from subprocess import PIPE

from .. import netns
from ..claim import claim, hold
from ..mesh import ok_bodies
from ..world import SHOP, bracket
from .k_policy import ONLY_ORDERS, POLICY, lift, logged_at_both_ends, logs, refused

SEED = os.path.join(SHOP, "security-policies.yaml")
ADMIN = "http://127.0.0.1:15000"
WEB, ORDER, PAYMENT = "production/web", "production/order-service-v1", "production/payment-service"
ALLOWED, DENIED, UNANSWERED = 0, 3, 1


def explain(world, source, destination, *where, node=None):
    """(exit code, the explanation) of the one workload behind the destination; asked on a node, if named."""
    command = [world.mesh.apus, "explain", source, destination, *where, "--json"]
    place = world.mesh.place(node) if node else "/proc/self/ns/net"
    answer = netns.run(place, command)
    hold(answer.returncode in (ALLOWED, DENIED), f"`apus explain` exits {answer.returncode}: {answer.stderr}")
    found = json.loads(answer.stdout)["explanations"]
    hold(len(found) == 1, f"{len(found)} explanations where one workload is behind {destination}")
    return answer.returncode, found[0]


def is_denied(*question, **options):
    return explain(*question, **options)[0] == DENIED


def sentence(explanation):
    """As `apus explain` prints it for people."""
    reason = explanation["reason"]
    return explanation["sentence"] + (f" ({reason})" if reason else "")


REQUESTS = (
    ("POST", "/v1/payments"), ("POST", "/v1/payments/7"), ("POST", "/v1/payments/"), ("GET", "/v1/payments"),
    ("PUT", "/v1/payments"), ("POST", "/v1/paymentsx"), ("POST", "/v1/orders"), ("POST", "/v1/%70ayments"),
    ("POST", "/v1/./payments"), ("POST", "/v1/payments/../orders"), ("DELETE", "/"),
)


def compare(world, pod, name, files, method, path):
    """The status of a real request, which is what explain says it is."""
    code, said = explain(world, name, PAYMENT, "--method", method, "--path", path, *files)
    url = f"http://payment-service{path}"
    words = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--path-as-is", "-X", method, "-d", "{}")
    status = int(world.mesh.exec(pod, *words, url).stdout or "0")
    hold(status != 0, f"{method} {path} of {name}: no answer")
    hold((status == 403) == (code == DENIED), f"{method} {path} of {name}: {status}, said: {sentence(said)}")
    if code == DENIED:
        hold("security-policies.yaml" in said["nearestMiss"]["place"], f"no place: {said}")
    return status


@claim("18a", "The seed's security-policies.yaml as written: plaintext is refused, mutual TLS goes on")
def seed(world):
    legacy = world.mesh.pod("legacy", "legacy-client")
    order = world.mesh.pod("production", "order-service-")
    before = len(world.mesh.log(f"agent {order.node}"))
    with open(SEED, encoding="utf-8") as file:
        world.write("security-policies.yaml", file.read())
    try:
        url = f"http://{order.v4}:8080/"
        world.mesh.wait(lambda: refused(world, legacy, url), "the seed's STRICT takes effect", 15)
        for address in (order.v4, order.v6):
            outcomes = world.mesh.fetch(legacy, f"http://{bracket(address)}:8080/", count=10, timeout=3)
            served = [one for one in outcomes if "error" not in one]
            hold(not served, f"{len(served)} of 10 plaintext requests were served")
        world.logged(order.node, before, re.compile("mtls-required"))
        ok_bodies(world.mesh.fetch(world.web(), "http://order-service/", count=20))
        files = ("-f", world.directory)
        where = ("production/order-service-v1", "--port", "8080")
        code, strict = explain(world, "legacy/legacy-client", *where, *files)
        hold(code == DENIED and strict["reason"] == "mtls-required", f"explain says {sentence(strict)}")
        decided = strict["decidedBy"]
        hold("security-policies.yaml:1" in (decided["place"] or ""), f"decided by {decided}")
        # Its AuthorizationPolicy asks for requests, so a waypoint judges them: explain knows each verdict.
        agreed = [compare(world, pod, name, files, *one) for pod, name in ((order, ORDER), (world.web(), WEB))
                  for one in REQUESTS]
    finally:
        world.remove("security-policies.yaml")
        world.mesh.wait(lambda: not refused(world, world.web()), "open again without the seed", 15)
    return (
        f"20 of 20 in plaintext refused, 20 of 20 over mutual TLS served; explain: {sentence(strict)}; "
        f"{len(agreed)} requests answered as explain says, {agreed.count(403)} of them 403"
    )


@claim("18b", "A policy for order-service-sa alone: apus explain says from the files what then happens")
def from_files(world):
    order = world.mesh.pod("production", "order-service-")
    before = logs(world)
    world.write(POLICY, ONLY_ORDERS)
    try:
        said = {}
        for source, wanted in ((WEB, DENIED), (ORDER, ALLOWED)):
            code, one = explain(world, source, PAYMENT, "-f", world.directory)
            hold(code == wanted, f"explain exits {code} for {source}: {sentence(one)}")
            said[source] = one
        world.mesh.wait(lambda: refused(world, world.web()), "the policy takes effect", 15)
        outcomes = world.mesh.fetch(world.web(), "http://payment-service/", count=10, timeout=3)
        served = [one for one in outcomes if "error" not in one]
        hold(not served, f"{len(served)} of 10 requests of web were served")
        ok_bodies(world.mesh.fetch(order, "http://payment-service/", count=10))
        web = said[WEB]
        reason = web["reason"]
        world.mesh.wait(lambda: logged_at_both_ends(world, before, reason), "both ends' records", 10, 0.2)
        miss = web["nearestMiss"]
        hold(f"{POLICY}:12" in miss["place"], f"the nearest miss is said to be at {miss['place']}")
        hold("order-service-sa" in miss["differing"][0], f"what differs: {miss['differing']}")
    finally:
        lift(world)
    return f"web: {sentence(web)}; order-service: {sentence(said[ORDER])}; exit codes 3 and 0"


@claim("18c", "The live agents of both nodes give the same sentences, and that is what happens")
def from_agents(world):
    order = world.mesh.pod("production", "order-service-")
    question = (WEB, PAYMENT)
    live = ("--agent", ADMIN)
    nodes = world.mesh.node_names()
    for node in nodes:
        code, one = explain(world, *question, *live, node=node)
        hold(code == ALLOWED, f"{node} says {sentence(one)} without a policy")
    hold(not refused(world, world.web()), "web is refused without a policy")
    world.write(POLICY, ONLY_ORDERS)
    try:
        world.mesh.wait(lambda: refused(world, world.web()), "the policy takes effect", 15)
        _, paper = explain(world, *question, "-f", world.directory)
        for node in nodes:
            denied = functools.partial(is_denied, world, *question, *live, node=node)
            world.mesh.wait(denied, f"{node} has the policy", 15)
            _, one = explain(world, *question, *live, node=node)
            hold(sentence(one) == sentence(paper), f"{node} says {sentence(one)}, files {sentence(paper)}")
            hold(any("no files" in note for note in one["notes"]), "it does not say that it knows no files")
            code, other = explain(world, f"production/{order.name}", PAYMENT, *live, node=node)
            hold(code == ALLOWED, f"{node} says of {order.name}: {sentence(other)}")
        ok_bodies(world.mesh.fetch(order, "http://payment-service/", count=10))
    finally:
        lift(world)
    return f"both agents and the files: {sentence(paper)}; {order.name}: {sentence(other)}"


def ask(world, node, source, url, *flags):
    command = [world.mesh.apus, "explain", source, PAYMENT, "--agent", url, *flags]
    return netns.run(world.mesh.place(node), command)


@claim("18d", "Who is no agent, and who is not of the mesh, are told by name, with exit code 1")
def unanswered(world):
    node = world.mesh.node_names()[0]
    cases = (
        ("http://127.0.0.1:9", WEB, "no answer from an agent"),
        ("http://127.0.0.1:15020", WEB, "is no agent"),
        (ADMIN, "production/nobody", "There is no pod or workload production/nobody"),
    )
    for url, source, wanted in cases:
        answer = ask(world, node, source, url)
        hold(answer.returncode == UNANSWERED, f"{url}: exit code {answer.returncode}")
        hold(wanted in answer.stderr, f"{url}: {answer.stderr.strip()}")
        hold(not answer.stdout, f"{url}: an answer all the same: {answer.stdout}")
    answer = ask(world, node, WEB, ADMIN, "-f", world.directory)
    hold(answer.returncode == 2, f"-f and --agent together: exit code {answer.returncode}")
    return f"{len(cases)} of {len(cases)} told by name with exit code 1; -f with --agent is wrong usage, 2"


@claim("18e", "An agent that the control plane has told nothing yet says so, and later answers")
def not_ready(world):
    node, starting = world.mesh.node_names()[0], None
    world.mesh.must("control", "stop")
    try:
        world.mesh.agent(node, "kill")
        command = world.mesh.command("agent", node, "start")
        starting = subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True)
        said = world.mesh.wait(lambda: unready(ask(world, node, WEB, ADMIN)), "an agent not ready", 30)
    finally:
        world.mesh.must("control", "start")
        error = starting.communicate(timeout=90)[1] if starting else ""
    hold(starting.returncode == 0, f"the agent does not start: {error}")
    world.mesh.wait(lambda: ask(world, node, WEB, ADMIN).returncode == ALLOWED, "its answer", 30, 0.2)
    ok_bodies(world.mesh.fetch(world.web(), "http://payment-service/", count=10))
    return f"{said}; then allowed, and 10 of 10 requests served"


def unready(answer):
    """What an agent that is not ready says; None of any other."""
    is_so = answer.returncode == UNANSWERED and "is not ready" in answer.stderr
    return answer.stderr.strip() if is_so else None
