"""Row 33: the control plane follows a Kubernetes API, with the seed's objects as written."""

import base64
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time

from ..claim import claim, hold
from ..clustered import RUN, SYSTEM, Clustered, of, policy
from ..world import RULES
from .w_waypoint import Waypoints, question, same

ORDERS, PAYMENTS = "http://order-service/", "http://payment-service/v1/payments"
BODY = '{"amount": 1}'


def ask(clustered, pod, *questions):
    return Waypoints.ask(clustered, pod, *questions)


def condition(thing, kind):
    found = (thing.get("status") or {}).get("conditions", [])
    return next((one for one in found if one["type"] == kind), None)


@claim("33a", "A mesh lives on a Kubernetes API: real agents and waypoints, the seed's rules and policies")
def whole(world):
    with world.beside(Clustered) as clustered:
        cluster, mesh = clustered.cluster, clustered.mesh
        web, order = clustered.pod("web-"), clustered.pod("order-service-")
        first = ask(clustered, web, question(ORDERS))[0]
        hold(first.get("status") == 200, f"the first request: {first}, {clustered.problems[-3:]}")
        hold(json.loads(first["body"])["peer"] == web.v4, "not the client's address")
        same(ask(clustered, order, question(PAYMENTS, "POST", body=BODY)), 201)
        same(ask(clustered, web, question(PAYMENTS, "POST", body=BODY)), 403)
        running = {one["metadata"]["name"]: one["spec"]["replicas"] for one in clustered.waypoints()}
        hold(running.get("payment-service-sa-waypoint") == 1, f"Deployments: {running}")
        for kind, api in (("Service", None), ("ServiceAccount", None), ("PodDisruptionBudget", None)):
            thing = cluster.get(kind, "production", "payment-service-sa-waypoint")
            hold(thing and thing["metadata"].get("ownerReferences"), f"{kind} of the waypoint: {thing}")
        policies = cluster.list("AuthorizationPolicy")
        bound = [condition(one, "WaypointBound") for one in policies]
        hold(any(one and one["status"] == "True" for one in bound), f"no WaypointBound in {policies}")
        hold(all(condition(one, "Accepted")["status"] == "True" for one in policies), f"{policies}")
        mesh.wait(
            lambda: all(one["spec"]["replicas"] == 0 for one in clustered.waypoints()), "scaled to zero", 40
        )
        same(ask(clustered, order, question(PAYMENTS, "POST", body=BODY)), 201)
        asking = {one["user"] for one in cluster.counters.listed()}
        hold(asking == {f"system:serviceaccount:{SYSTEM}:apus-control"}, f"others asked the API: {asking}")
        hold(not cluster.roles.refused, f"the shipped roles refuse {cluster.roles.refused[:3]}")
        return (
            f"first request {first['seconds']:.2f} s; {len(running)} waypoints prepared, from and to zero; "
            f"{len(policies)} policies with conditions; agents asked the API nothing"
        )


@claim("33b", "The API drops, delays, forgets, refuses and is away: no request is lost, nothing is missed")
def faults(world):
    with world.beside(Clustered) as clustered:
        cluster, mesh = clustered.cluster, clustered.mesh
        web = clustered.pod("web-")
        same(ask(clustered, web, question(ORDERS)), 200)
        told = []

        def change(what, spoil):
            """A DENY that comes while the API is spoiled is in force all the same, and goes again."""
            name = f"fault-{len(told)}"
            spoil()
            shut = {"selector": {"matchLabels": {"app": "order-service"}}, "action": "DENY", "rules": [{}]}
            cluster.put(policy("AuthorizationPolicy", name, "production", shut))
            cluster.faults.heal()
            mesh.wait(lambda: served() != 200, f"{what}: the DENY is in force", 60)
            cluster.delete("AuthorizationPolicy", "production", name)
            mesh.wait(lambda: served() == 200, f"{what}: the DENY is gone", 60)
            told.append(what)

        def served():
            return ask(clustered, web, question(ORDERS))[0].get("status")

        change("a quiet API", lambda: None)
        change("dropped watches", cluster.faults.drop)
        change("forgotten history", lambda: (cluster.faults.forget(), cluster.faults.drop()))
        change("410", lambda: (cluster.faults.answer(410, times=4), cluster.faults.drop()))
        change("429", lambda: (cluster.faults.answer(429, times=4, retry_after=1), cluster.faults.drop()))
        change("500 and 503", lambda: (
            cluster.faults.answer(500, times=8), cluster.faults.answer(503, times=8), cluster.faults.drop(),
        ))  # fmt: skip
        change("half an event", lambda: cluster.faults.truncate(verb="watch", times=2))
        change("a malformed event", lambda: cluster.faults.malform(verb="watch", times=2))
        return f"{len(told)} kinds of trouble: {', '.join(told)}; each change told, each request served"


@claim("33c", "What is written badly holds up nothing: its earlier version stays, and its status says why")
def broken(world):
    with Clustered(world, leave_out=RULES, name="m") as clustered:
        cluster, mesh = clustered.cluster, clustered.mesh
        web, legacy = clustered.pod("web-"), clustered.mesh.pod("legacy", "legacy-client")
        served = f"http://{clustered.pod('order-service-v1').v4}:8080/"
        same(ask(clustered, legacy, question(served)), 200)
        strict = {"selector": {"matchLabels": {"app": "order-service"}}, "mtls": {"mode": "STRICT"}}

        def closed():
            return "error" in ask(clustered, legacy, question(served))[0]

        cluster.put(policy("PeerAuthentication", "web", "production", strict))
        mesh.wait(closed, "STRICT is in force")
        cluster.put(policy("PeerAuthentication", "web", "production", strict | {"mtls": {"mode": "LOOSE"}}))

        def refused():
            found = condition(cluster.get("PeerAuthentication", "production", "web"), "Accepted")
            return found if found and found["status"] == "False" else None

        said = mesh.wait(refused, "the status says that it is not accepted")
        hold("LOOSE" in said["message"], f"the status says {said}")
        hold(closed(), "a broken edit opened what was closed")
        # Others are not held up.
        allow = {"selector": {"matchLabels": {"app": "order-service"}}, "action": "DENY", "rules": [{}]}
        cluster.put(policy("AuthorizationPolicy", "shut", "production", allow))
        mesh.wait(
            lambda: ask(clustered, web, question(ORDERS))[0].get("status") != 200, "the DENY is in force"
        )
        cluster.delete("AuthorizationPolicy", "production", "shut")
        cluster.delete("PeerAuthentication", "production", "web")
        mesh.wait(lambda: not closed(), "open again")
        mesh.wait(lambda: ask(clustered, web, question(ORDERS))[0].get("status") == 200, "served again")
        return f"kept STRICT; status: {said['message'][:80]}"


@claim("33d", "kill -9 of the control plane: its successor goes on with the same root, and nothing fails")
def successor(world):
    with world.beside(Clustered) as clustered:
        cluster, mesh = clustered.cluster, clustered.mesh
        web = clustered.pod("web-")
        secret = cluster.get("Secret", SYSTEM, "apus-ca-secret")
        same(ask(clustered, web, question(ORDERS)), 200)
        old = clustered.control()
        os.kill(old, signal.SIGKILL)
        moment = time.monotonic()
        same(ask(clustered, web, *[question(ORDERS)] * 20), 200)
        mesh.wait(lambda: clustered.control() != old, "another control plane", 30)
        mesh.wait(lambda: clustered.figure("apus_control_generation") > 0, "it publishes", 30)
        hold(cluster.get("Secret", SYSTEM, "apus-ca-secret") == secret, "the root was made anew")
        cluster.put(policy("AuthorizationPolicy", "shut", "production", {"action": "DENY", "rules": [{}]}))
        mesh.wait(
            lambda: ask(clustered, web, question(ORDERS))[0].get("status") != 200, "the DENY is in force"
        )
        seconds = time.monotonic() - moment
        cluster.delete("AuthorizationPolicy", "production", "shut")
        mesh.wait(lambda: ask(clustered, web, question(ORDERS))[0].get("status") == 200, "served again")
        bundle = cluster.get("ConfigMap", "production", "apus-ca-root-cert")
        hold("BEGIN CERTIFICATE" in bundle["data"]["root-cert.pem"], "no roots in the namespace")
        lease = cluster.get("Lease", SYSTEM, "apus-control")
        hold(lease["spec"]["holderIdentity"], f"nobody leads: {lease}")
        return f"20 of 20 served meanwhile; a new policy in force {seconds:.1f} s after the kill; same root"


@claim("33e", "Definitions come and go at run time, and policies with them")
def definitions(world):
    with Clustered(world, groups=(), leave_out=RULES, name="m") as clustered:
        cluster, mesh = clustered.cluster, clustered.mesh
        web = clustered.pod("web-")
        same(ask(clustered, web, question(ORDERS)), 200)
        cluster.install_crds("security.istio.io")
        cluster.put(policy("AuthorizationPolicy", "shut", "production", {"action": "DENY", "rules": [{}]}))
        moment = time.monotonic()
        mesh.wait(
            lambda: ask(clustered, web, question(ORDERS))[0].get("status") != 200, "the DENY is in force", 40
        )
        appeared = time.monotonic() - moment
        cluster.remove_crds("security.istio.io")
        mesh.wait(
            lambda: ask(clustered, web, question(ORDERS))[0].get("status") == 200, "the DENY is gone", 40
        )
        return f"in force {appeared:.1f} s after its kind was installed, and gone with it"


@claim("33f", "Objects are judged at admission: what `apus check` refuses is refused, with its remedy")
def admission(world):
    with world.beside(Clustered) as clustered:
        cluster, mesh = clustered.cluster, clustered.mesh
        good = policy("PeerAuthentication", "p", "production", {"mtls": {"mode": "STRICT"}})
        bad = policy("PeerAuthentication", "p", "production", {"mtls": {"mode": "LOOSE"}})
        hold(clustered.review(good)["allowed"] is True, "a good policy is refused")
        refusal = clustered.review(bad)
        hold(refusal["allowed"] is False, f"a bad policy is let through: {refusal}")
        said = refusal["status"]["message"]
        hold("APUS007" in said and "PERMISSIVE" in said, f"no place or remedy: {said}")
        # A broken one that is there already may lose its finalizer, and be mended, and be deleted.
        older = bad | {"metadata": bad["metadata"] | {"finalizers": ["x/y"]}}
        hold(clustered.review(bad, "UPDATE", older)["allowed"] is True, "nothing changes, and it is refused")
        hold(clustered.review(good, "UPDATE", bad)["allowed"] is True, "it cannot be mended")
        hold(clustered.review(bad, "DELETE")["allowed"] is True, "it cannot be deleted")
        # What is only wrong beside others: a selector in the root namespace.
        root = {"selector": {"matchLabels": {"app": "x"}}, "mtls": {"mode": "STRICT"}}
        beside = clustered.review(policy("PeerAuthentication", "p", "istio-system", root))
        hold(beside["allowed"] is False and "APUS203" in beside["status"]["message"], f"{beside}")
        nowhere = policy(
            "AuthorizationPolicy", "a", "production", {"selector": {"matchLabels": {"app": "gone"}}}
        )
        warned = clustered.review(nowhere)
        hold(warned["allowed"] is True and "APUS103" in str(warned.get("warnings")), f"no warning: {warned}")
        other = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "production"}}
        hold(clustered.review(other)["allowed"] is True, "another kind is refused")
        hook = {
            "name": "v.apus.io", "failurePolicy": "Ignore", "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "rules": [],
            "clientConfig": {"service": {"name": "apus-control", "namespace": SYSTEM, "path": "/validate"}},
        }  # fmt: skip
        cluster.put(
            {
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": "apus-validation"}, "webhooks": [hook],
            }
        )  # fmt: skip
        cluster.put(of("Namespace", "bell"))  # any change brings the leader to look

        def kept():
            one = cluster.get("ValidatingWebhookConfiguration", None, "apus-validation")["webhooks"][0]
            return one["failurePolicy"] == "Fail" and one["clientConfig"].get("caBundle")

        bundle = mesh.wait(kept, "the configuration fails closed", 30)
        roots = cluster.get("ConfigMap", SYSTEM, "apus-ca-root-cert")["data"]["root-cert.pem"]
        hold(base64.b64decode(bundle).decode() == roots, "another caBundle than the roots")
        return f"refused by name and remedy, warned, let through; fails closed by itself: {said[:70]}"


@claim("33g", "Of two control planes one leads; when it is killed the other one does, and both serve")
def replicas(world):
    with world.beside(Clustered) as clustered:
        cluster, mesh = clustered.cluster, clustered.mesh
        leader = mesh.wait(clustered.leader, "somebody leads")
        with clustered.replica("second", 16012):
            mesh.wait(lambda: _published(clustered, 16013), "the second one has read the cluster", 30)
            hold(clustered.leader() == leader, "the second one took the lease from a living leader")
            same_resources = clustered.figure("apus_control_resources", 16013)
            hold(
                same_resources == clustered.figure("apus_control_resources"), "they publish different meshes"
            )
            hold(
                clustered.review(policy("PeerAuthentication", "p", "production", {}), port=16014)["allowed"],
                "the second one does not judge",
            )
            with _stopped(clustered.control()):
                moment = time.monotonic()
                mesh.wait(lambda: clustered.leader() == "second", "the second one leads", 60)
                seconds = time.monotonic() - moment
                cluster.put(of("Namespace", "late"))
                mesh.wait(
                    lambda: cluster.get("ConfigMap", "late", "apus-ca-root-cert"), "the new leader writes", 30
                )
            # The former leader, awake again, follows.
            mesh.wait(lambda: clustered.figure("apus_control_generation") > 0, "it is awake", 30)
            hold(clustered.leader() == "second", "two lead")
        mesh.wait(lambda: clustered.leader() == leader, "a leader that ends lets go", 30)
        return (
            f"the other one led {seconds:.0f} s after the first fell silent, and again at once after its end"
        )


def _published(clustered, port):
    try:
        return clustered.figure("apus_control_generation", port) > 0
    except OSError:
        return False


@contextlib.contextmanager
def _stopped(number):
    """A process that stands still: its connections stay."""
    os.kill(number, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(number, signal.SIGCONT)


class Adopting(Clustered):
    """A mesh whose agents are handed no pod: they find those that run."""

    def __init__(self, world):
        super().__init__(world, flags=("--adopt",))


@claim(
    "33h",
    "An agent adopts running pods, lets go of those that leave the mesh, and outlives its control plane",
)
def adoption(world):
    with world.beside(Adopting) as clustered:
        cluster, mesh = clustered.cluster, clustered.mesh
        web, order = clustered.pod("web-"), clustered.pod("order-service-")
        legacy = mesh.pod("legacy", "legacy-client")

        def served():
            outcomes = ask(clustered, web, question(ORDERS)) + ask(
                clustered, order, question(PAYMENTS, "POST", body=BODY)
            )
            return [one.get("status") for one in outcomes] == [200, 201]

        mesh.wait(served, "adopted pods are served", 60)
        denied = ask(clustered, web, question(PAYMENTS, "POST", body=BODY))
        same(denied, 403)
        payment = clustered.pod("payment-service-")
        direct = question(f"http://{payment.v4}:8080/v1/payments", "POST", body=BODY)
        hold("error" in ask(clustered, legacy, direct)[0], "plaintext reaches a pod under STRICT")
        # A pod that leaves the mesh by its label is let go, and comes back.
        cluster.put(policy("AuthorizationPolicy", "open", "production", {"action": "ALLOW", "rules": [{}]}))
        name = ("Pod", "production", order.name)

        def label(value):
            def edit(thing):
                labels = thing["metadata"].setdefault("labels", {})
                labels["istio.io/dataplane-mode"] = value

            clustered.hold_pod(order, edit)

        plain = question(f"http://{order.v4}:8080/")
        hold("error" in ask(clustered, legacy, plain)[0], f"plaintext reaches {name} under STRICT")
        label("none")
        mesh.wait(lambda: ask(clustered, legacy, plain)[0].get("status") == 200, "it has left the mesh", 30)
        label("ambient")
        mesh.wait(lambda: "error" in ask(clustered, legacy, plain)[0], "it is in the mesh again", 30)
        # A list that lacks a pod that runs opens nothing.
        before = clustered.figure("apus_control_generation")
        cluster.delete(*name)
        mesh.wait(lambda: clustered.figure("apus_control_generation") > before, "the pod is not listed", 30)
        for _ in range(3):
            hold("error" in ask(clustered, legacy, plain)[0], "a pod that the list lacks is open")
        clustered.tell_again(order)
        cluster.delete("AuthorizationPolicy", "production", "open")
        # While nobody tells of pods, every pod stays as it is, also with a new agent.
        mesh.wait(served, "its waypoints run", 30)
        with _stopped(clustered.control()):
            hold(served(), "not served while the control plane stands still")
        node = web.node
        before = mesh.agent_process(node)
        os.kill(before, signal.SIGKILL)
        mesh.wait(lambda: mesh.agent_process(node) not in (None, before), "another agent", 30)
        mesh.wait(served, "the new agent has adopted its pods", 60)
        return (
            "served, denied and refused as with a CNI plugin; left and came back by label; adopted again "
            "after kill -9"
        )


class Sandbox:
    """A pod's network namespace as a runtime has it when it calls CNI plugins: no process runs in it yet."""

    def __init__(self, clustered, address, node="node-1"):
        self.clustered, self.address, self.node = clustered, address, node
        self.name = f"apus-{clustered.mesh.name}-cni{address.rpartition('.')[2]}"
        self.path = f"/run/netns/{self.name}"

    def __enter__(self):
        self.__exit__()  # what a killed run may have left
        for words in (
            ["netns", "add", self.name], 
            ["-n", self.name, "link", "add", "eth0", "type", "veth", "peer", "name", "wire"],
            ["-n", self.name, "link", "set", "wire", "up"],
            ["-n", self.name, "addr", "add", f"{self.address}/32", "dev", "eth0"],
            ["-n", self.name, "link", "set", "eth0", "up"],
        ):  # fmt: skip
            subprocess.run(["ip", *words], check=True, capture_output=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)

    def call(self, command, namespace, name, uid, previous=True, socket=None, timeout=60):
        """(exit code, standard output) of the plugin, called as a container runtime does."""
        config = {
            "cniVersion": "1.0.0", "name": "net", "type": "apus-cni",
            "agentSocket": socket or f"{RUN}/{self.clustered.mesh.name}/{self.node}/cni.sock",
        }  # fmt: skip
        text = json.dumps(config)
        if previous:
            text = text[:-1] + f', "prevResult":{self.previous}}}'
        pod = f"IgnoreUnknown=1;K8S_POD_NAMESPACE={namespace};K8S_POD_NAME={name}"
        environment = {
            "CNI_COMMAND": command, "CNI_CONTAINERID": "c1", "CNI_NETNS": self.path, "CNI_IFNAME": "eth0",
            "CNI_PATH": "/opt/cni/bin", "PATH": os.environ["PATH"],
            "CNI_ARGS": f"{pod};K8S_POD_UID={uid}",
        }  # fmt: skip
        program = os.path.join(self.clustered.world.binaries, "apus-cni")
        answer = subprocess.run(
            [program], input=text, env=environment, capture_output=True, text=True, timeout=timeout
        )
        return answer.returncode, answer.stdout

    @property
    def previous(self):
        # Spaces that no encoder would write: they must come back.
        return f'{{"cniVersion":"1.0.0",  "ips":[ {{"address":"{self.address}/24"}} ]}}'

    def listens(self, port):
        text = subprocess.run(
            ["ip", "netns", "exec", self.name, "cat", "/proc/net/tcp"], capture_output=True, text=True
        ).stdout
        return any(line.split()[1].endswith(f":{port:04X}") for line in text.splitlines()[1:])


@claim(
    "33i",
    "The CNI plugin, called as a runtime calls it: no enrolled pod starts before its capture is in place",
)
def plugin(world):
    with world.beside(Adopting) as clustered, Sandbox(clustered, "10.244.1.201") as box:
        cluster, mesh = clustered.cluster, clustered.mesh
        spec = {
            "nodeName": "node-1",
            "serviceAccountName": "default",
            "containers": [{"name": "c", "image": "i"}],
        }
        for space, name in (("production", "late"), ("legacy", "out")):
            metadata = {"name": name, "namespace": space, "uid": f"uid-of-{name}-1"}
            cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        pod = ("production", "late", "uid-of-late-1")
        code, said = box.call("ADD", *pod)
        hold(code == 0 and said == box.previous + "\n", f"ADD ends with {code}: {said}")
        hold(box.listens(15001) and box.listens(15008), "the pod may start and is not captured")
        hold(box.call("CHECK", *pod)[0] == 0, "CHECK of a captured pod fails")
        hold(box.call("ADD", *pod)[0] == 0, "a second ADD fails")
        hold(box.call("DEL", *pod) == (0, ""), "DEL fails, or says something")
        mesh.wait(lambda: not box.listens(15008), "the pod is let go")
        out = box.call("ADD", "legacy", "out", "uid-of-out-1")
        hold(out[0] == 0 and not box.listens(15008), f"a pod outside the mesh: {out}")
        refused = {
            "unknown": box.call("ADD", "production", "nobody", "uid-of-nobody"),
            "not chained": box.call("ADD", *pod, previous=False),
            "no agent": box.call("ADD", *pod, socket=f"{RUN}/nowhere.sock"),
        }
        with _stopped(clustered.control()):
            refused["no control plane"] = box.call("ADD", *pod)
        for what, (code, said) in refused.items():
            error = json.loads(said)
            hold(code == 1 and error["code"] > 0 and len(error["details"]) > 20, f"{what}: {code} {said}")
        hold(not box.listens(15008), "a refused pod was captured")
        system = box.call("ADD", "kube-system", "dns", "uid-of-dns", socket=f"{RUN}/nowhere.sock")
        hold(system == (0, box.previous + "\n"), f"an excluded namespace: {system}")
        hold(box.call("DEL", *pod, socket=f"{RUN}/nowhere.sock")[0] == 0, "DEL fails without an agent")
        status = box.call("STATUS", *pod, socket=f"{RUN}/nowhere.sock")
        hold(status[0] == 1 and json.loads(status[1])["code"] == 50, f"STATUS without an agent: {status}")
        version = json.loads(box.call("VERSION", *pod)[1])
        for name in ("late", "out"):
            cluster.delete("Pod", "production" if name == "late" else "legacy", name)
        return (
            f"captured before its start, let go after DEL; refused with a sentence: {', '.join(refused)}; "
            f"versions {version['supportedVersions'][0]} to {version['supportedVersions'][-1]}"
        )


@claim(
    "33j", "The plugin is put last into a node's network configuration, put back, and taken out to the byte"
)
def installation(world):
    program = os.path.join(world.binaries, "apus-cni")
    calico = '{\n  "name": "net", "cniVersion": "0.3.1",\n  "plugins": [\n    {"type": "calico"}\n  ]\n}\n'
    single = '{"cniVersion": "0.4.0", "name": "one", "type": "bridge"}'
    cases = {"10-calico.conflist": calico, "10-bridge.conf": single, "05-x.json": calico}
    for name, text in cases.items():
        folder = tempfile.mkdtemp(prefix="cni-", dir=world.folder)
        conf, bins = f"{folder}/net.d", f"{folder}/bin"
        os.makedirs(conf)
        os.makedirs(bins)
        places = ["--conf-dir", conf, "--bin-dir", bins]

        def put(what):
            with open(f"{conf}/{name}", "w", encoding="utf-8") as file:
                file.write(what)

        def first():
            """The configuration that a runtime takes."""
            names = [one for one in sorted(os.listdir(conf)) if one.endswith((".conf", ".conflist", ".json"))]
            with open(f"{conf}/{names[0]}", encoding="utf-8") as file:
                return json.load(file)

        def is_last():
            plugins = first().get("plugins", [])
            return bool(plugins) and plugins[-1]["type"] == "apus-cni" and len(plugins) > 1

        put(text)
        subprocess.run([program, "install", *places], check=True, capture_output=True)
        hold(is_last() and os.access(f"{bins}/apus-cni", os.X_OK), f"{name}: not installed: {first()}")
        again = subprocess.run([program, "install", *places], check=True, capture_output=True)
        hold(is_last() and again.stderr == b"", f"{name}: not the same a second time")
        watching = subprocess.Popen([program, "install", *places, "--watch"], stderr=subprocess.DEVNULL)
        try:
            world.mesh.wait(lambda: _minds_sigterm(watching.pid), "--watch is there", 20)
            if name.endswith(".conflist"):
                put(text)  # as another plugin's daemon does when it starts
                world.mesh.wait(is_last, f"{name}: put back", 20)
        finally:
            watching.terminate()
            code = watching.wait(timeout=20)
        hold(code == 0, f"{name}: --watch ends with {code}")
        hold(is_last(), f"{name}: gone with its installer, and pods would start uncaptured")
        subprocess.run([program, "uninstall", *places], check=True, capture_output=True)
        left = os.listdir(conf)
        with open(f"{conf}/{name}", encoding="utf-8") as file:
            hold(file.read() == text and left == [name] and not os.listdir(bins), f"{name}: left {left}")
    empty = tempfile.mkdtemp(prefix="cni-", dir=world.folder)
    missing = subprocess.run(
        [program, "install", "--conf-dir", empty, "--bin-dir", empty], capture_output=True, text=True
    )
    hold(missing.returncode == 1 and "first" in missing.stderr, f"an empty folder: {missing}")
    return f"{len(cases)} kinds of configuration, each as before to the byte"


def _minds_sigterm(number):
    with open(f"/proc/{number}/status", encoding="ascii") as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1
