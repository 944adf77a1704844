"""Row 17: the authority: its root and its keys, its end and its return, and other meshes' authorities."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from .. import keyhunt
from ..authority import Authority
from ..claim import CannotRun, claim, hold
from ..intruder import OpenTunnel, dial
from ..mesh import Mesh, ok_bodies
from .c_identity import target
from .f_crash import Loop, ended

LATE = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: late-sa, namespace: production}
---
apiVersion: v1
kind: Pod
metadata: {name: late, namespace: production, labels: {app: late}}
spec:
  serviceAccountName: late-sa
  containers:
  - name: late
    image: docker.io/library/python:3.11-slim
    command: ["python3", "server.py", "8080"]
    ports: [{containerPort: 8080}]
"""
POLICY = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: abroad, namespace: production}
spec:
  selector: {matchLabels: {app: payment-service}}
  action: ALLOW
  rules:
  - from:
    - source:
        principals: [PRINCIPALS]
"""
ORDERS = '"cluster.local/ns/production/sa/order-service-sa"'
PARTNER, FORMER = "partner.example", "former.example"


@contextlib.contextmanager
def own_mesh(world, *flags):
    """A mesh without an operator's authority: its control plane makes the root."""
    mesh = Mesh(world.binaries, f"{world.mesh.name}2", world.directory)
    mesh.down()
    mesh.up(*flags)
    try:
        yield mesh
    finally:
        mesh.down()


def processes(mesh, program):
    """The processes of one of the mesh's programs, by number."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                words = file.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        mine = any(f"/run/apus/{mesh.name}/" in word or word == mesh.name for word in words)
        if os.path.basename(words[0]) == program and mine:
            found.append(int(number))
    return found


@claim("17a", "A control plane killed with -9 comes back with the root that it made: 0 failures", "after")
def killed_control(world):
    with own_mesh(world) as mesh:
        web = mesh.pod("production", "web-")
        ok_bodies(mesh.fetch(web, "http://order-service/", count=5))
        (former,) = processes(mesh, "apus-control")
        with open(f"/run/apus/{mesh.name}/shown/root.pem", encoding="ascii") as file:
            root = file.read()
        before = {node: len(mesh.log(f"agent {node}")) for node in mesh.node_names()}
        loop = Loop(type("", (), {"mesh": mesh})(), web, {"url": "http://order-service/"})
        try:
            os.kill(former, signal.SIGKILL)
            mesh.wait(lambda: ended(former), "the killed control plane is gone", 5)
            (after,) = mesh.wait(
                lambda: [one for one in processes(mesh, "apus-control") if one != former],
                "a new control plane",
                15,
            )
            for node, start in before.items():
                mesh.wait(
                    lambda: "following the control plane" in mesh.log(f"agent {node}")[start:],
                    f"{node}'s agent follows the new control plane",
                    30,
                )
            # An identity that only the new one has certified, among those that the former one has.
            world.write("late.yaml", LATE)
            (late,) = mesh.wait_ready("production", "late", 1)
            ok_bodies(mesh.fetch(late, "http://order-service/", count=10))
            ok_bodies(mesh.fetch(web, f"http://{late.v4}:8080/", count=10))
        finally:
            outcomes = loop.end()
            with contextlib.suppress(OSError):
                world.remove("late.yaml")
        with open(f"/run/apus/{mesh.name}/shown/root.pem", encoding="ascii") as file:
            hold(file.read() == root, "the new control plane has another root")
        failed = [one for one in outcomes if one.get("status") != 200]
        hold(not failed, f"{len(failed)} of {len(outcomes)} requests failed, the first with {failed[:1]}")
        hold(after != former, "it was never killed")
        return f"0 of {len(outcomes)} connections failed; a pod certified afterwards is trusted"


def limits(process):
    """(soft, hard) size of a core file, in bytes."""
    with open(f"/proc/{process}/limits", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("Max core file size"))
    return tuple(line.split()[4:6])


def planted(folder):
    """The control of the experiment: a key that a program named like ours writes, in each form, is found."""
    program = os.path.join(folder, "apus-agent")
    shutil.copy(os.path.realpath(sys.executable), program)
    key = os.path.join(folder, "planted.key")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    forms = {"sec1.pem": key}
    converted = {"sec1.der": ["ec"], "p8.der": ["pkcs8", "-topk8", "-nocrypt"]}
    for name, flags in converted.items():
        forms[name] = os.path.join(folder, name)
        openssl(*flags, "-outform", "DER", "-in", key, "-out", forms[name])
    forms["rsa.der"] = os.path.join(folder, "rsa.der")
    openssl("genpkey", "-algorithm", "RSA", "-outform", "DER", "-out", forms["rsa.der"])
    forms["bare"] = os.path.join(folder, "bare")
    with open(key, encoding="ascii") as file, open(forms["bare"], "w", encoding="ascii") as bare:
        bare.writelines(line for line in file if not line.startswith("-----"))
    with keyhunt.Watch({"apus-agent"}) as watch:
        copy = "import shutil,sys\nfor n in sys.argv[2:]: shutil.copyfile(*n.split('='))\nsys.stdin.read()"
        pairs = [f"{source}={folder}/out-{name}" for name, source in forms.items()]
        writer = subprocess.Popen(
            [program, "-c", copy, "", *pairs],
            stdin=subprocess.PIPE,
            env=os.environ | {"PYTHONHOME": sys.base_prefix},
        )
        deadline = time.monotonic() + 10
        while len(watch.written) < len(forms) and time.monotonic() < deadline:
            time.sleep(0.02)
        writer.communicate()
    found = {os.path.basename(path) for path in watch.leaks}
    hold(found == {f"out-{name}" for name in forms}, f"the control failed: of {sorted(forms)} found {found}")
    with open(key, "rb"):
        held = [path for path, data in keyhunt.open_files(os.getpid()) if keyhunt.holds_key(data)]
    hold(key in held, "the control failed: an open file with a key is not found")
    with open("/etc/ssl/certs/ca-certificates.crt", "rb") as roots:
        hold(not keyhunt.holds_key(roots.read()), "the control failed: certificates look like keys")
    return len(forms) + 1


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@claim("17b", "No private key is on a disk, in a file held open or in a log; no core is dumped", "after")
def keys_stay(world):
    with tempfile.TemporaryDirectory(prefix="apus-keys-") as folder:
        try:
            controls = planted(folder)
        except OSError as error:
            raise CannotRun(f"{error}") from error
    programs = {"apus", "apus-agent", "apus-control"}
    with keyhunt.Watch(programs) as watch, own_mesh(world, "--log-level", "trace") as mesh:
        web = mesh.pod("production", "web-")
        ok_bodies(mesh.fetch(web, "http://order-service/", count=50))
        for node in mesh.node_names():
            mesh.agent(node, "restart")
        ok_bodies(mesh.fetch(web, "http://order-service/", count=10))
        agents, controls_ = processes(mesh, "apus-agent"), processes(mesh, "apus-control")
        hold(len(agents) == mesh.nodes and len(controls_) == 1, f"found {agents} and {controls_}")
        looked = 0
        for process in agents + controls_:
            for path, data in keyhunt.open_files(process):
                looked += 1
                hold(not keyhunt.holds_key(data), f"process {process} holds {path} with a key")
            hold(limits(process) == ("0", "0"), f"process {process} may dump a core: {limits(process)}")
        for path, data in keyhunt.files_under(f"/run/apus/{mesh.name}"):
            looked += 1
            hold(not keyhunt.holds_key(data), f"{path} holds a key")
        # The one key that is kept for another process: the root's, in memory that only the supervisor holds.
        kept = {
            path
            for process in processes(mesh, "apus")
            for path, data in keyhunt.open_files(process)
            if keyhunt.holds_key(data)
        }
        hold(kept == {"/memfd:root (deleted)"}, f"the supervisor holds keys in {sorted(kept)}")
        logs = [mesh.log("control")] + [mesh.log(f"agent {node}") for node in mesh.node_names()]
        hold(any("certificate issued" in log for log in logs), "the control failed: nothing was certified")
        hold(not any(keyhunt.holds_key(log.encode()) for log in logs), "a log holds a key")
    hold(not watch.leaks, f"keys were written to {watch.leaks}")
    hold(watch.written, "the control failed: no file was seen being written")
    return (
        f"0 keys in {looked} files held or kept, {len(watch.written)} written; {controls} planted were found"
    )


@claim("17c", "The control plane can neither be looked into nor dumped by its own user", "after")
def undumpable(world):
    with tempfile.TemporaryDirectory(prefix="apus-dump-") as folder:
        os.chmod(folder, 0o777)
        with open(f"{folder}/tokens.json", "w", encoding="ascii") as file:
            file.write('{"node-1": "a-token-of-16-or-more-characters"}')
        os.mkdir(f"{folder}/manifests")
        os.chmod(f"{folder}/manifests", 0o755)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        words = ["serve", "--manifests", f"{folder}/manifests", "--listen", "127.0.0.1:0"]
        words += ["--root-out", f"{folder}/root.pem", "--node-tokens", f"{folder}/tokens.json"]
        control = [os.path.join(world.binaries, "apus-control"), *words]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        both = [subprocess.Popen(nobody + one, **quiet) for one in (control, ["sleep", "60"])]
        try:
            deadline = time.monotonic() + 20
            while not os.path.exists(f"{folder}/root.pem"):
                hold(both[0].poll() is None, f"the control plane ended with {both[0].returncode}")
                hold(time.monotonic() < deadline, "the control plane does not serve within 20 s")
                time.sleep(0.05)
            owners = [os.stat(f"/proc/{one.pid}/fd").st_uid for one in both]
            core = limits(both[0].pid)
        finally:
            for one in both:
                one.kill()
                one.wait()
    hold(owners[1] == 65534, "the control failed: an ordinary process is not its user's")
    hold(owners[0] == 0, "its user can read the control plane's memory")
    hold(core == ("0", "0"), f"it may dump a core: {core}")
    return "not dumpable (its /proc entries are root's, an ordinary process's are not), core size 0"


def reload(world):
    for process in processes(world.mesh, "apus-control"):
        os.kill(process, signal.SIGHUP)


def trust(world, text):
    """Puts roots, or nothing, into the bundle of the partner's domain, and has it read."""
    logs = {node: len(world.mesh.log(f"agent {node}")) for node in world.mesh.node_names()}
    with open(world.partner_bundle, encoding="ascii") as file:
        former = file.read()
    with open(world.partner_bundle + ".part", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(world.partner_bundle + ".part", world.partner_bundle)
    reload(world)
    word = "a trust domain is trusted" if text else "not trusted any more"
    if former == text:
        return
    for node, start in logs.items():
        world.logged(node, start, re.compile(word))


def attempt(world, pair):
    """A request to payment-service from outside, under a pair."""
    pod = target(world)
    request = b"GET / HTTP/1.1\r\nhost: payment-service\r\n\r\n"
    return dial(
        world.mesh.place("fabric"), pod.v4, world.authority.root.certificate, pair, target=f"{pod.v4}:8080",
        request=request,
    )  # fmt: skip


def refused(world, pair, words):
    """Holds that the handshake is refused, and that the agent says so in these words."""
    before = len(world.mesh.log(f"agent {target(world).node}"))
    outcome = attempt(world, pair)
    hold(not outcome.accepted and not outcome.reply, f"it was accepted: {outcome.reply[:40]!r}")
    hold(not outcome.reason.startswith("no connection"), outcome.reason)
    world.logged(target(world).node, before, re.compile(words))


@claim("17d", "Peers of a federated mesh come in by their own root and a policy that names them alone")
def federation(world):
    partner = Authority(os.path.join(world.folder, f"partner-{time.monotonic_ns()}"), "a partner's root")
    buyer = partner.issue(world.identity("buyer", "abroad", PARTNER))
    thief = partner.issue(world.identity("thief", "abroad", PARTNER))
    false_ours = partner.issue(world.identity("order-service-sa"))
    false_former = partner.issue(world.identity("order-service-sa", trust_domain=FORMER))
    false_theirs = world.authority.issue(world.identity("buyer", "abroad", PARTNER))
    elsewhere = partner.issue(world.identity("buyer", "abroad", "elsewhere.example"))
    unknown = "not signed by an authority that this mesh trusts"
    world.write("abroad.yaml", POLICY.replace("PRINCIPALS", f'{ORDERS}, "{PARTNER}/ns/abroad/sa/buyer"'))
    try:
        refused(world, buyer, unknown)
        with open(partner.root.certificate, encoding="ascii") as file:
            trust(world, file.read())
        outcome = attempt(world, buyer)
        hold(outcome.reply.startswith(b"HTTP/1.1 200"), f"answered {outcome.reply[:40]!r}")
        refusal = attempt(world, thief)
        hold(not refusal.reply, "the policy lets another account of the partner in")
        refused(world, false_ours, unknown)
        refused(world, false_former, unknown)
        refused(world, false_theirs, f"no root of {PARTNER} vouches for it")
        refused(world, elsewhere, unknown)
        place, pod, root = world.mesh.place("fabric"), target(world), world.authority.root.certificate
        with OpenTunnel(place, pod.v4, root, buyer, f"{pod.v4}:8080") as live:
            hold(live.ask(), f"the buyer's tunnel does not answer: {live.end}")
            trust(world, "")
            world.mesh.wait(lambda: not live.ask(), "the buyer's live tunnel is ended", 10)
        refused(world, buyer, unknown)
    finally:
        trust(world, "")
        world.remove("abroad.yaml")
    return (
        "served when configured and named; refused before, after and under names not theirs; "
        "a live tunnel ended with the trust"
    )


@claim("17e", "A peer under another name of the mesh's own domain is served by the policies that name either")
def alias(world):
    orders = world.authority.issue(world.identity("order-service-sa", trust_domain=FORMER))
    others = world.authority.issue(world.identity("web-sa", trust_domain=FORMER))
    for principals in (ORDERS, ORDERS.replace("cluster.local", FORMER)):
        world.write("abroad.yaml", POLICY.replace("PRINCIPALS", principals))
        try:
            web = world.web()
            world.mesh.wait(
                lambda: "error" in world.mesh.fetch(web, "http://payment-service/", timeout=3)[0],
                "the policy takes effect",
                15,
            )
            outcome = attempt(world, orders)
            hold(outcome.reply.startswith(b"HTTP/1.1 200"), f"{principals}: {outcome}")
            hold(not attempt(world, others).reply, f"{principals}: another account is served")
            own = world.mesh.pod("production", "order-service-")
            ok_bodies(world.mesh.fetch(own, "http://payment-service/", count=5))
        finally:
            world.remove("abroad.yaml")
    return f"{FORMER} and cluster.local are the same to both spellings of a policy"


@claim("17f", "Flags about trust that cannot be meant are refused in one sentence", "after")
def wrong_flags(world):
    wrong = {
        "--trust-bundle partner.example": "takes DOMAIN=FILE",
        "--trust-bundle cluster.local=/x": "the mesh's own",
        "--trust-domain prod.example --trust-bundle cluster.local=/x": "in policies cluster.local stands for",
        "--trust-bundle a.example=/x --trust-bundle a.example=/y": "twice",
        "--trust-domain-alias b.example --trust-bundle b.example=/x": "the mesh's own",
        "--trust-domain-alias cluster.local": "or the trust domain itself",
        "--trust-domain-alias UPPER": "is not a trust domain",
        "--ca-memory 3 --ca-cert /x --ca-key /y": "no --ca-cert besides",
    }
    base = ["serve", "--manifests", "/", "--listen", "127.0.0.1:0", "--root-out", "/x", "--node-tokens", "/x"]
    for flags, words in wrong.items():
        command = [os.path.join(world.binaries, "apus-control"), *base, *flags.split()]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20)
        hold(answer.returncode == 2, f"{flags}: exit {answer.returncode}")
        hold(words in answer.stderr.replace("\n", " "), f"{flags}: {answer.stderr[:200]}")
    return f"{len(wrong)} of {len(wrong)} refused with exit code 2"
