"""P11, the part without subscribers: a control plane that follows a Kubernetes API with 50,000 pods: from its
start until the mesh is published, what it holds then, and what one changed pod costs it. The API server is
the tests' own, in this process, and shares the machine: wall times are upper bounds, processor times are
not."""

import json
import os
import statistics
import subprocess
import tempfile
import time
import urllib.request

from EndToEnd.kube import Certificates, Cluster, User

from . import processes, rounds

PODS, SERVICES, NAMESPACES, NODES = 50_000, 2_000, 50, 500
LISTEN, METRICS = "127.0.0.1:15912", "127.0.0.1:15914"


def _pod(number):
    service = number % SERVICES
    address = f"10.{(number >> 16) + 1}.{(number >> 8) & 255}.{number & 255}"
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": f"service-{service}-{number:06x}", "namespace": f"space-{service % NAMESPACES}",
            "labels": {"app": f"service-{service}"},
        },
        "spec": {
            "nodeName": f"node-{number % NODES}", "serviceAccountName": f"account-{service}",
            "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 8080}]}],
        },
        "status": {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }  # fmt: skip


def _fill(cluster):
    def named(kind, name, space=None, **more):
        metadata = {"name": name} | ({"namespace": space} if space else {})
        cluster.put({"apiVersion": "v1", "kind": kind, "metadata": metadata} | more)

    for number in range(NAMESPACES):
        label = {"istio.io/dataplane-mode": "ambient"}
        metadata = {"name": f"space-{number}", "labels": label}
        cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    named("Namespace", "apus-system")
    for number in range(SERVICES):
        space = f"space-{number % NAMESPACES}"
        named("ServiceAccount", f"account-{number}", space)
        spec = {"selector": {"app": f"service-{number}"}, "ports": [{"port": 80}]}
        named("Service", f"service-{number}", space, spec=spec)
    for number in range(PODS):
        cluster.put(_pod(number))


def _generation():
    try:
        with urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    except OSError:
        return 0
    return next(
        (float(line.split()[1]) for line in text.splitlines() if line.startswith("apus_control_generation ")),
        0,
    )


def _wait(generation, limit):
    end = time.monotonic() + limit
    while _generation() < generation:
        if time.monotonic() > end:
            raise SystemExit(f"bench: generation {generation} was not published within {limit} s")
        time.sleep(0.1)


def measure(binaries, _cache, count, _seconds):
    with tempfile.TemporaryDirectory(prefix="apus-bench-") as folder, Cluster(bookmark_seconds=5) as cluster:
        certificates = Certificates(folder)
        pair = certificates.server("127.0.0.1")
        url = cluster.serve(pair.certificate, pair.key)
        cluster.identities.add("control", User("control", ("system:masters",)))
        named = {"name": "one"}
        server = {"server": url, "certificate-authority": certificates.root.certificate}
        config = {
            "current-context": "one",
            "contexts": [named | {"context": {"cluster": "one", "user": "one"}}],
            "clusters": [named | {"cluster": server}],
            "users": [named | {"user": {"token": "control"}}],
        }
        with open(f"{folder}/kubeconfig", "w", encoding="utf-8") as file:
            json.dump(config, file)
        rounds.say(f"control: filling the API with {PODS} pods")
        _fill(cluster)
        command = [
            os.path.join(binaries, "apus-control"), "serve", "--kubernetes", "--kubeconfig",
            f"{folder}/kubeconfig", "--listen", LISTEN, "--metrics", METRICS, "--log-level", "warning",
        ]  # fmt: skip
        began = time.monotonic()
        child = subprocess.Popen(command)
        try:
            _wait(1, 300)
            start = time.monotonic() - began
            report = {
                "seconds_to_publish": start,
                "processor_seconds_to_publish": processes.processor_seconds([child.pid]),
                "resident_megabytes": processes.resident_megabytes(child.pid),
            }
            costs = []
            for one in range(count + 1):
                before = processes.processor_seconds([child.pid])
                cluster.put(_pod(PODS + one))
                _wait(2 + one, 120)
                costs.append(processes.processor_seconds([child.pid]) - before)
            # The first one warms up.
            report["processor_seconds_of_a_changed_pod"] = costs[1:]
        finally:
            child.terminate()
            child.wait(60)
    rounds.say(f"control: {report}")
    return report, [
        rounds.mark("P11", "seconds from start to published, 50,000 pods", start, 60),
        rounds.mark("P11", "resident MB then", report["resident_megabytes"], None),
        rounds.mark("P11", "processor seconds of one changed pod", statistics.median(costs[1:]), None),
    ]
