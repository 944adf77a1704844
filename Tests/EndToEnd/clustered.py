"""A mesh whose control plane follows a Kubernetes API: that of `kube`, over HTTPS, in the fabric. `apus dev`
plays the kubelets and the CNI, so pods, agents and waypoints are real; this plays what stands between: it
tells the API of pods as they run, and starts as many waypoints as their Deployments say."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import urllib.request

from . import kustomize, netns
from .claim import CannotRun, Refuted
from .kube import Certificates, Cluster, User
from .mesh import UP_TIMEOUT, Mesh
from .world import OUTSIDE_V4, ROOT, SHOP

PORT = 6443
SYSTEM = "apus-system"
AGENT = f"system:serviceaccount:{SYSTEM}:apus-agent"
GROUPS = ("security.istio.io", "networking.istio.io", "telemetry.istio.io", "gateway.networking.k8s.io")
RUN = "/run/apus"


def documents(text):
    try:
        import yaml
    except ImportError as error:
        raise CannotRun("no PyYAML: run Scripts/setup") from error
    return list(yaml.safe_load_all(text))


class Clustered:
    """The shop in such a mesh, with its rules and policies or without."""

    def __init__(self, world, groups=GROUPS, leave_out=(), flags=(), name="k"):
        self.world = world
        self.folder = tempfile.mkdtemp(prefix="clustered-", dir=world.folder)
        self.directory = f"{self.folder}/shop"
        self.mesh = Mesh(world.binaries, f"{world.mesh.name}{name}", self.directory)
        self.cluster = Cluster(bookmark_seconds=1, yaml=documents)
        self.flags = flags
        self.url = None
        self._groups, self._leave_out = groups, leave_out
        self._ended = threading.Event()
        self._threads, self._told, self._edits, self.problems = [], {}, {}, []

    # What is in the cluster at first

    def _prepare(self):
        """The same objects for the API and for `apus dev`, in which every service has its address."""
        os.makedirs(self.directory)
        shutil.copy(f"{SHOP}/server.py", self.directory)
        found = []
        for name in sorted(os.listdir(SHOP)):
            if name.endswith(".yaml") and name not in self._leave_out:
                with open(f"{SHOP}/{name}", encoding="utf-8") as file:
                    found += [one for one in documents(file.read()) if one]
        services = [one for one in found if one["kind"] == "Service"]
        for number, service in enumerate(services, 1):
            service["spec"] |= {"clusterIP": f"10.96.0.{number}", "ipFamilyPolicy": "SingleStack"}
        for group in self._groups:
            self.cluster.install_crds(group)
        self.cluster.put(of("Namespace", SYSTEM))
        for number, one in enumerate(found):
            with open(f"{self.directory}/{number:02}.json", "w", encoding="utf-8") as file:
                json.dump(one, file)
        # A control plane reads pods; what makes them is none of its business.
        kept = [one for one in found if one["kind"] not in ("Pod", "Deployment", "StatefulSet")]
        for one in sorted(kept, key=lambda one: one["kind"] != "Namespace"):
            self.cluster.put(one)
        names = {one["metadata"]["name"] for one in self.cluster.list("Namespace")}
        for one in kept:
            space = one["metadata"].get("namespace", "")
            if space and space not in names:
                raise Refuted(f"no namespace {space}")

    def serve(self):
        """Lets the API listen, at an address that stays."""
        certificates = self._certificates
        pair = certificates.server(OUTSIDE_V4)
        fabric = self.mesh.place("fabric")
        self.url = netns.inside(
            fabric, lambda: self.cluster.serve(pair.certificate, pair.key, OUTSIDE_V4, PORT)
        )

    def kubeconfig(self, token):
        """A kubeconfig file of whoever has that token."""
        path = f"{self.folder}/kubeconfig-{token}"
        named = {"name": "one"}
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "one",
            "contexts": [named | {"context": {"cluster": "one", "user": "one"}}],
            "clusters": [
                named
                | {
                    "cluster": {
                        "server": f"https://{OUTSIDE_V4}:{PORT}",
                        "certificate-authority": self._certificates.root.certificate,
                    }
                }
            ],
            "users": [named | {"user": {"token": token}}],
        }  # fmt: skip
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        return path

    # Life

    def __enter__(self):
        self.mesh.down()
        self._certificates = Certificates(self.folder)
        self._prepare()
        account = f"system:serviceaccount:{SYSTEM}:apus-control"
        # With the rights that are shipped, and no others.
        shipped = kustomize.render(f"{ROOT}/Deploy/kubernetes/base")
        self.cluster.authorize(*[one for one in shipped if one["apiVersion"].startswith("rbac.")])
        self.user = User(account, ("system:serviceaccounts", f"system:serviceaccounts:{SYSTEM}"))
        self.cluster.identities.add("control", self.user)
        words = ["up", self.directory, "--nodes", str(self.mesh.nodes), "--detach", "--waypoint-idle", "6"]
        words += ["--cluster", self.kubeconfig("control"), *self.flags]
        starting = subprocess.Popen(
            self.mesh.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            self.mesh.wait(
                lambda: os.path.exists(self.mesh.place("fabric")) or starting.poll() is not None,
                "the fabric", 60,
            )  # fmt: skip
            self.serve()
            self._start(self._tell_tokens)
            self._start(self._tell_pods)
            self._start(self._launch)
            said, _ = starting.communicate(timeout=UP_TIMEOUT)
            if starting.returncode != 0:
                raise Refuted(f"`apus dev up` exits {starting.returncode}: {said[-800:]}")
            self.mesh.wait(self._all_told, "the API knows every pod as ready", 60)
        except BaseException:
            starting.kill()
            starting.wait()
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self.mesh.down()
        self.cluster.close()

    def _start(self, step):
        def run():
            while not self._ended.is_set():
                try:
                    step()
                except (OSError, ValueError, KeyError, Refuted) as problem:
                    self.problems.append(f"{step.__name__}: {problem}")
                self._ended.wait(0.1)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._threads.append(thread)

    # What the test plays

    def _processes(self, program):
        """{number: words} of the processes of a program that belong to this mesh."""
        found = {}
        for number in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{number}/cmdline", encoding="utf-8") as file:
                    words = file.read().split("\0")
                with open(f"/proc/{number}/cgroup", encoding="ascii") as file:
                    ours = f"apus-{self.mesh.name}" in file.read() or self.mesh.name in " ".join(words)
            except OSError:
                continue
            if words[0].endswith(f"/{program}") and ours:
                found[number] = words
        return found

    def _tell_tokens(self):
        """Tokens of agents and waypoints, as a cluster would have made them: read from their processes."""
        for number, words in self._processes("apus-agent").items():
            node = words[words.index("--node") + 1]
            extra = {"authentication.kubernetes.io/node-name": [node]}
            self._tell_token(number, AGENT, extra)
        for number, words in self._processes("apus-waypoint").items():
            space, account = words[words.index("--waypoint") + 1].split("/")
            self._tell_token(number, f"system:serviceaccount:{space}:{account}-waypoint", {})

    def _tell_token(self, number, user, extra):
        try:
            with open(f"/proc/{number}/fd/3", encoding="utf-8") as file:
                token = file.read().strip()
        except OSError:
            return
        if token and self._told.get(number) != token:
            self._told[number] = token
            self.cluster.identities.add(token, User(user, (), "", extra, ("apus-ca",)))

    def pod_documents(self):
        folder = f"{RUN}/{self.mesh.name}/cluster"
        found = {}
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            try:
                with open(f"{folder}/{name}", encoding="utf-8") as file:
                    pod = json.load(file)
            except (FileNotFoundError, ValueError):
                continue
            if pod.get("kind") == "Pod":
                found[pod["metadata"]["namespace"], pod["metadata"]["name"]] = pod
        return found

    def _tell_pods(self):
        pods = self.pod_documents()
        for key, pod in pods.items():
            kept = json.dumps(pod, sort_keys=True)
            if self._told.get(key) != kept:
                self._put_pod(pod)
                self._told[key] = kept
        for one in self.cluster.list("Pod"):
            key = one["metadata"]["namespace"], one["metadata"]["name"]
            if key not in pods and key in self._told:
                del self._told[key]
                self.cluster.delete("Pod", *key)

    def hold_pod(self, pod, edit):
        """Edits a pod in the API, now and whenever it is told again."""
        key = pod.namespace, pod.name
        self._edits[key] = edit
        self.tell_again(pod)

    def tell_again(self, pod):
        self._told.pop((pod.namespace, pod.name), None)

    def _put_pod(self, pod):
        pod = json.loads(json.dumps(pod))
        edit = self._edits.get((pod["metadata"]["namespace"], pod["metadata"]["name"]))
        if edit:
            edit(pod)
        pod["metadata"].pop("ownerReferences", None)
        if pod["metadata"].pop("deletionTimestamp", None):
            pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
        self.cluster.put(pod)

    def _all_told(self):
        ready = {(pod.namespace, pod.name) for pod in self.mesh.pods() if pod.ready}
        told = {
            (one["metadata"]["namespace"], one["metadata"]["name"])
            for one in self.cluster.list("Pod")
            if any(
                c["type"] == "Ready" and c["status"] == "True" for c in one["status"].get("conditions", [])
            )
        }
        return ready and ready <= told

    def _launch(self):
        """Keeps the launcher of `apus dev` informed of what the Deployments of waypoints say."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as launcher:
            launcher.connect(f"{RUN}/{self.mesh.name}/launcher.sock")
            told = None
            while not self._ended.is_set():
                wanted = {
                    f"{one['metadata']['namespace']}/{one['metadata']['name'].removesuffix('-waypoint')}": (
                        one["spec"]["replicas"]
                    )
                    for one in self.waypoints()
                    if one["spec"]["replicas"] > 0
                }
                if wanted != told:
                    launcher.send(json.dumps({"waypoints": wanted}).encode())
                    told = wanted
                self._ended.wait(0.05)

    def waypoints(self):
        """The Deployments of waypoints."""
        return [
            one
            for one in self.cluster.list("Deployment")
            if one["metadata"].get("labels", {}).get("apus.io/waypoint") == "true"
        ]

    def pod(self, prefix, namespace="production"):
        return self.mesh.pod(namespace, prefix)

    def control(self):
        """The number of the control plane's process."""
        found = [number for number, words in self._processes("apus-control").items() if "serve" in words]
        if not found:
            raise Refuted("there is no control plane")
        return int(found[0])

    def leader(self):
        """The name of the replica that writes."""
        lease = self.cluster.get("Lease", SYSTEM, "apus-control")
        return lease["spec"]["holderIdentity"] if lease else ""

    @contextlib.contextmanager
    def replica(self, name, port):
        """Another control plane on the same cluster, serving at `port` and its metrics at the next."""
        command = [
            os.path.join(self.world.binaries, "apus-control"), "serve", "--kubernetes",
            "--kubeconfig", self.kubeconfig("control"), "--listen", f"{OUTSIDE_V4}:{port}",
            "--metrics", f"{OUTSIDE_V4}:{port + 1}", "--waypoint-image", "apus-waypoint",
            "--webhook", f"{OUTSIDE_V4}:{port + 2}",
        ]  # fmt: skip
        environment = os.environ | {"POD_NAME": name}
        with open(f"{self.folder}/{name}.log", "w", encoding="utf-8") as log:
            process = netns.start(self.mesh.place("fabric"), command, stderr=log, env=environment)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)

    def review(self, thing, operation="CREATE", former=None, port=15017):
        """What the webhook answers to an object, asked as the API asks."""
        group, _, version = thing["apiVersion"].rpartition("/")
        kind = {"group": group, "version": version, "kind": thing["kind"]}
        space = thing["metadata"].get("namespace", "")
        request = {"uid": "one", "kind": kind, "operation": operation, "namespace": space, "object": thing}
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
        if former:
            request["oldObject"] = former
        roots = self.cluster.get("ConfigMap", SYSTEM, "apus-ca-root-cert")["data"]["root-cert.pem"]
        trust = ssl.create_default_context(cadata=roots)
        trust.set_alpn_protocols(["h2", "http/1.1"])

        def ask():
            raw = socket.create_connection((OUTSIDE_V4, port), timeout=20)
            # By the name that the API would use, which the certificate must show.
            return trust.wrap_socket(raw, server_hostname="apus-control.apus-system.svc")

        connection = http.client.HTTPConnection("apus-control.apus-system.svc", timeout=20)
        connection.sock = netns.inside(self.mesh.place("fabric"), ask)
        try:
            connection.request(
                "POST", "/validate?timeout=10s", json.dumps(body), {"content-type": "application/json"}
            )
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise Refuted(f"the webhook answers {answer.status}: {text[:200]}")
        finally:
            connection.close()
        response = json.loads(text)["response"]
        if response["uid"] != "one":
            raise Refuted(f"the webhook answers for another request: {response}")
        return response

    def figure(self, name, port=15014):
        def ask():
            with urllib.request.urlopen(f"http://{OUTSIDE_V4}:{port}/metrics", timeout=10) as answer:
                return answer.read().decode()

        for line in netns.inside(self.mesh.place("fabric"), ask).splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        return 0.0


def of(kind, name, namespace=None, api="v1", **fields):
    """An object with that name."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata} | fields


def policy(kind, name, namespace, spec):
    """An object of security.istio.io."""
    return of(kind, name, namespace, "security.istio.io/v1", spec=spec)
