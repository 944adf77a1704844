"""Row 19: a change of policy is tried against who has called, before it is applied."""

import json
import os
import re
import shutil
import subprocess
import urllib.request

from .. import netns
from ..claim import claim, hold
from ..mesh import ok_bodies
from .e_plaintext import STRICT
from .k_policy import NO_WEB

WATCHED = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: watch-web
  namespace: production
spec:
  selector:
    matchLabels:
      app: payment-service
  action: AUDIT
  rules:
  - from:
    - source:
        serviceAccounts: ["web-sa"]
---
""" + NO_WEB.replace("  name: no-web\n", '  name: no-web\n  annotations: {istio.io/dry-run: "true"}\n')
PAYMENT = "http://payment-service/"
TARGET = "to production/payment-service port 8080: "


def page(world, node, url):
    def ask():
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()

    return netns.inside(world.mesh.place(node), ask)


def histories(world):
    """The flow history of every node's agent, as its admin page answers it."""
    return {node: page(world, node, "http://127.0.0.1:15000/debug/flows") for node in world.mesh.node_names()}


def allowed(texts, caller):
    """How many connections of the caller to payment-service the histories hold."""
    flows = [flow for text in texts.values() for flow in json.loads(text)["flows"]]
    return sum(
        flow["allowed"]
        for flow in flows
        if flow["destination"].get("workload") == "production/payment-service"
        and caller in (flow["source"].get("identity"), flow["source"].get("workload"))
    )


def called(world, pod, caller, url=PAYMENT):
    """Lets the pod call 10 times; the histories that have all of it."""
    before = allowed(histories(world), caller)
    ok_bodies(world.mesh.fetch(pod, url, count=10))

    def has_all():
        texts = histories(world)
        return texts if allowed(texts, caller) >= before + 10 else None

    return world.mesh.wait(has_all, f"10 connections of {caller} in the histories", 15, 0.2)


def check(world, texts, change="", ask=None):
    """What `apus check --against` finds of the world's manifests with one more in them; `ask`: the node whose
    agent it asks itself, instead of being given a file."""
    folder = os.path.join(world.folder, "changed")
    shutil.copytree(world.directory, folder, ignore=shutil.ignore_patterns("__pycache__", "*.part"))
    try:
        with open(os.path.join(folder, "change.yaml"), "w", encoding="utf-8") as file:
            file.write(change)
        command = [world.mesh.apus, "check", "-f", folder, "--json", "--fail-on", "never"]
        if ask:
            command = ["nsenter", f"--net={world.mesh.place(ask)}", "--", *command]
            command += ["--against", "http://127.0.0.1:15000"]
        for node, text in texts.items():
            if node == ask:
                continue
            path = os.path.join(folder, f"{node}.flows")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            command += ["--against", path]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
        hold(answer.returncode == 0, f"apus check exits {answer.returncode}: {answer.stderr[-500:]}")
        report = json.loads(answer.stdout)
        hold(report["against"]["recorded"] > 0, "nothing was recorded")
        return [one for one in report["findings"] if one["code"] in ("APUS901", "APUS902")]
    finally:
        shutil.rmtree(folder)


@claim("19a", "apus check --against names exactly the recorded caller that a changed policy would deny")
def against(world):
    order = world.mesh.pod("production", "order-service-")
    web, friend = world.identity("web-sa"), world.identity("order-service-sa")
    called(world, order, friend)
    texts = called(world, world.web(), web)
    unchanged = check(world, texts)
    hold(not unchanged, f"the manifests as they are would deny {unchanged}")
    denied = check(world, texts, NO_WEB)
    hold(denied, "nobody is named")
    others = [one for one in denied if not one["message"].startswith(f"{web} to production/payment-service ")]
    hold(not others, f"others are named: {others}")
    named = next((one for one in denied if TARGET in one["message"]), None)
    hold(named, f"not {TARGET}: {denied}")
    hold("policy:production/no-web" in named["message"], f"without its reason: {named}")
    hold(named["file"].endswith("change.yaml") and named["line"] > 0, f"without its place: {named}")
    for node in texts:
        again = {one["message"].split(": ")[0] for one in check(world, texts, NO_WEB, ask=node)}
        hold(
            again == {one["message"].split(": ")[0] for one in denied},
            f"asked itself, {node}'s agent makes it {again}",
        )
    ok_bodies(world.mesh.fetch(world.web(), PAYMENT, count=5))
    count = re.search(r": (\d+) connections? allowed", named["message"]).group(1)
    return f"web-sa with {count} connections, {named['object']}, line {named['line']}; nothing was applied"


@claim("19b", "A STRICT that would lock out a recorded plaintext caller says whom, and whom not")
def lock_out(world):
    client = world.mesh.pod("legacy", "legacy-client")
    server = world.mesh.pod("production", "payment-service-")
    called(world, world.web(), world.identity("web-sa"))
    texts = called(world, client, "legacy/legacy-client", f"http://{server.v4}:8080/")
    found = check(world, texts, STRICT)
    codes = {one["code"] for one in found}
    hold(codes == {"APUS902"}, f"codes {codes}: {found}")
    hold(all(one["message"].startswith("plaintext of ") for one in found), f"others are named: {found}")
    mine = f"plaintext of legacy/legacy-client {TARGET}"
    named = next((one for one in found if one["message"].startswith(mine)), None)
    hold(named, f"legacy-client is not named: {found}")
    hold(named["object"] == "PeerAuthentication production/default", f"by {named['object']}")
    return f"{named['message'].split(':')[0]} by {named['object']}"


@claim("19c", "An AUDIT policy and a dry run leave their names in the record, and deny nobody")
def audited(world):
    before = {node: len(world.mesh.log(f"agent {node}")) for node in world.mesh.node_names()}
    wanted = re.compile(r"audit\W+production/watch-web\W.*dry-run\W+policy:production/no-web\b")

    def marked():
        ok_bodies(world.mesh.fetch(world.web(), PAYMENT))
        for node, start in before.items():
            for line in world.mesh.log(f"agent {node}")[start:].splitlines():
                if wanted.search(line):
                    return node, line
        return None

    world.write("watched.yaml", WATCHED)
    try:
        node, line = world.mesh.wait(marked, "a record with both names", 20, 0.2)
        hold("inbound" in line, f"in the wrong record: {line}")
        metrics = page(world, node, "http://127.0.0.1:15020/metrics")
        hold('apus_policy_audits_total{policy="production/watch-web"}' in metrics, "the audit is not counted")
        dry = 'apus_policy_dry_runs_total{verdict="policy:production/no-web"}'
        hold(dry in metrics, "the dry run is not counted")
        order = world.mesh.pod("production", "order-service-")
        start = {node: len(world.mesh.log(f"agent {node}")) for node in before}
        ok_bodies(world.mesh.fetch(order, PAYMENT, count=5))
        for node in before:
            lines = world.mesh.log(f"agent {node}")[start[node] :].splitlines()
            marks = [one for one in lines if "order-service-sa" in one and "audit" in one]
            hold(not marks, f"order-service is marked: {marks[:1]}")
    finally:
        world.remove("watched.yaml")
    return line[line.index("audit") :].strip()
