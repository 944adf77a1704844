"""Row 11: AuthorizationPolicy at layer 4, from its manifest to live connections and to both ends' logs."""

import json
import re
import time
from subprocess import PIPE

from ..claim import claim, hold
from ..mesh import ok_bodies
from ..world import bracket

POLICY = "authorization-policy.yaml"
ONLY_ORDERS = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: payment-service-authz
  namespace: production
spec:
  selector:
    matchLabels:
      app: payment-service
  action: ALLOW
  rules:
  - from:
    - source:
        principals:
        - "cluster.local/ns/production/sa/order-service-sa"
"""
NO_WEB = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: no-web
  namespace: production
spec:
  selector:
    matchLabels:
      app: payment-service
  action: DENY
  rules:
  - from:
    - source:
        serviceAccounts: ["web-sa"]
"""
BROKEN = ONLY_ORDERS.replace("principals:", "principal:")


def refused(world, client, url="http://payment-service/"):
    return "error" in world.mesh.fetch(client, url, timeout=3)[0]


def lift(world):
    world.remove(POLICY)
    world.mesh.wait(lambda: not refused(world, world.web()), "the mesh without the policy is open again", 15)


def logged_at_both_ends(world, before, reason):
    """Whether the reason is in the log of the caller's agent and in that of some agent that refused."""
    lines = {node: world.mesh.log(f"agent {node}")[start:].splitlines() for node, start in before.items()}
    found = {node: [line for line in all if reason in line] for node, all in lines.items()}
    out = [line for line in found[world.web().node] if re.search(r'direction"?[=:] ?"?outbound', line)]
    into = [line for all in found.values() for line in all if re.search(r'direction"?[=:] ?"?inbound', line)]
    return out and into and (out[0], into[0])


def logs(world):
    return {node: len(world.mesh.log(f"agent {node}")) for node in world.mesh.node_names()}


@claim("11a", "A policy by principal lets order-service-sa alone call payment-service, and says so to web")
def by_principal(world):
    web = world.web()
    order = world.mesh.pod("production", "order-service-")
    url = "http://payment-service/"
    ok_bodies(world.mesh.fetch(web, url, count=10))
    before = logs(world)
    world.write(POLICY, ONLY_ORDERS)
    try:
        world.mesh.wait(lambda: refused(world, web), "the policy takes effect", 15)
        outcomes = world.mesh.fetch(web, url, count=20, timeout=3)
        served = [one for one in outcomes if "error" not in one]
        hold(not served, f"{len(served)} of 20 requests of web were served")
        slow = [one for one in outcomes if "Timeout" in one["error"]]
        hold(not slow, f"{len(slow)} of 20 hung instead of being refused")
        ok_bodies(world.mesh.fetch(order, url, count=20))
        for pod in world.mesh.pods("production", "payment-service-"):
            answer = world.mesh.fetch(web, f"http://{bracket(pod.v6)}:8080/", timeout=3)[0]
            hold("error" in answer, "web reaches a payment pod by its own address")
        world.mesh.wait(
            lambda: logged_at_both_ends(world, before, "no-policy-allows"), "both ends' records", 10, 0.2
        )
    finally:
        lift(world)
    return "20 of 20 of web refused, 20 of 20 of order-service served; no-policy-allows in both records"


@claim("11b", "A denial by a DENY policy names the policy, to the caller's agent too")
def names_the_policy(world):
    before = logs(world)
    world.write(POLICY, NO_WEB)
    try:
        world.mesh.wait(lambda: refused(world, world.web()), "the policy takes effect", 15)
        reason = "policy:production/no-web"
        world.mesh.wait(lambda: logged_at_both_ends(world, before, reason), "both ends' records", 10, 0.2)
        order = world.mesh.pod("production", "order-service-")
        ok_bodies(world.mesh.fetch(order, "http://payment-service/", count=10))
    finally:
        lift(world)
    return f"{reason} in the records of both agents"


@claim("11c", "A connection that lives is closed when a policy comes to deny it, and others live on")
def live(world):
    client, server = world.mesh.pod("production", "web-"), world.mesh.pod("production", "payment-service-")
    order = world.mesh.pod("production", "order-service-")
    script = (
        "import json,socket,sys,time\n"
        "s=socket.create_connection((sys.argv[1],8080),10)\n"
        "print(json.dumps({'open':True}),flush=True)\n"
        "s.settimeout(float(sys.argv[2]))\n"
        "try:\n got=s.recv(1); how='end' if not got else 'bytes'\n"
        "except TimeoutError: how='alive'\n"
        "except OSError as e: how=type(e).__name__\n"
        "print(json.dumps({'how':how,'at':time.time()}),flush=True)\n"
    )

    def hold_open(pod, seconds):
        process = world.mesh.exec_start(
            pod, "python3", "-c", script, server.v4, str(seconds), stdout=PIPE, stderr=PIPE, text=True
        )
        hold(json.loads(process.stdout.readline()).get("open"), "no connection to the server")
        return process

    denied, allowed = hold_open(client, 20), hold_open(order, 6)
    before = len(world.mesh.log(f"agent {server.node}"))
    written = time.time()
    world.write(POLICY, ONLY_ORDERS)
    try:
        end = json.loads(denied.communicate(timeout=30)[0].splitlines()[-1])
        hold(end["how"] not in ("alive", "bytes"), f"the connection of web was left {end['how']}")
        line = world.logged(server.node, before, re.compile("no-policy-allows"))
        other = json.loads(allowed.communicate(timeout=30)[0].splitlines()[-1])
        hold(other["how"] == "alive", f"the allowed connection of order-service ended with {other['how']}")
    finally:
        lift(world)
    hold(line, "no record")
    return f"web's ended ({end['how']}) {1000 * (end['at'] - written):.0f} ms after the edit; the other lived"


@claim("11d", "A policy that cannot be read closes what it may bind, says so, and stops nothing else")
def broken(world):
    web = world.web()
    world.write(POLICY, BROKEN)
    try:
        world.mesh.wait(lambda: refused(world, web), "the broken policy is closed", 15)
        ok_bodies(world.mesh.fetch(web, "http://order-service/", count=10))
        said = world.mesh.log("control")
        hold("APUS006" in said and "APUS208" in said, "the control plane does not say what is broken")
        # Corrected, then broken again: the earlier version stays.
        order = world.mesh.pod("production", "order-service-")
        world.write(POLICY, ONLY_ORDERS)
        world.mesh.wait(lambda: not refused(world, order), "the corrected policy takes effect", 15)
        world.write(POLICY, BROKEN)
        world.mesh.wait(lambda: "APUS212" in world.mesh.log("control"), "the earlier version stays", 15)
        ok_bodies(world.mesh.fetch(order, "http://payment-service/", count=10))
        hold(refused(world, web), "web is let in by a broken policy")
    finally:
        lift(world)
    return "closed with APUS006 and APUS208 at first, the earlier version kept (APUS212) later"
