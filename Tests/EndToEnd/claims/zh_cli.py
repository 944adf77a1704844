"""Row 32: the command line tells what is, in a form that fits where it is read."""

import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from ..claim import CannotRun, hold, claim
from ..terminal import COLOUR, CONTROL, Terminal
from ..world import ROOT, SHOP
from .w_waypoint import Waypoints, question

PAYMENTS = "http://payment-service/v1/payments"


def words(mesh, *arguments):
    return [mesh.apus, *arguments, "--mesh", mesh.name]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def ask(mesh, *arguments, code=0):
    """The outcome of a command, which must end with that exit code."""
    answer = run(*words(mesh, *arguments))
    said = f"`apus {' '.join(arguments)}` exits {answer.returncode}: {answer.stderr[-400:]}"
    hold(answer.returncode == code, said)
    return answer


def document(mesh, *arguments, code=0):
    return json.loads(ask(mesh, *arguments, "-o", "json", code=code).stdout)


def row(text, *parts):
    """The first line of a table that has all of these."""
    return next((line for line in text.splitlines() if all(part in line for part in parts)), None)


class Load(threading.Thread):
    """Requests that are allowed and requests that are denied, until it is told to end."""

    def __init__(self, waypoints):
        super().__init__()
        self.waypoints, self.web = waypoints, waypoints.pod("web-")
        self.isOver, self.failure = threading.Event(), None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.isOver.set()
        self.join()

    def run(self):
        try:
            while not self.isOver.is_set():
                self.waypoints.ask(self.web, *[question("http://order-service/"), question(PAYMENTS)] * 10)
        except BaseException as failure:  # told by check()
            self.failure = failure

    def check(self):
        if self.failure:
            raise self.failure


@claim("32a", "`apus status` tells what is: nodes, workloads, certificates, waypoints and why each exists")
def told(world):
    with Waypoints(world) as waypoints:
        mesh = waypoints.mesh

        def settled():
            # What agents say of themselves comes every other second.
            found = document(mesh, "status")
            well = all((node["agent"], node["sync"]) == ("up", "synced") for node in found["nodes"])
            return found if well and not found["unreachable"] and not found["problems"] else None

        idle = mesh.wait(settled, "all nodes are up and synced, and nothing is wrong", 20, 0.3)
        hold([node["node"] for node in idle["nodes"]] == mesh.node_names(), f"nodes: {idle['nodes']}")
        captured = [pod for pod in mesh.pods() if pod.captured_by]
        hold(sum(node["podsReady"] for node in idle["nodes"]) == len(captured), "pods are counted wrong")
        valid = idle["certificates"]
        hold(valid["valid"] == valid["all"] > 0 and valid["firstEnd"], f"certificates: {valid}")
        payment = next(one for one in idle["waypoints"] if one["serviceAccount"] == "payment-service-sa")
        why = " ".join(payment["reasons"])
        hold("AuthorizationPolicy production/" in why and "asks for" in why, f"why: {payment}")
        hold((payment["state"], payment["ready"]) == ("idle", 0), f"nobody asked yet: {payment}")
        waypoints.ask(waypoints.pod("order-service-"), question(PAYMENTS, "POST", body="{}"))

        def running():
            return any(one["ready"] for one in document(mesh, "waypoint", "list")["waypoints"])

        mesh.wait(running, "a waypoint that runs is told", 20, 0.3)
        text = ask(mesh, "status").stdout
        for part in mesh.node_names() + ["payment-service-sa-waypoint", "AuthorizationPolicy production/"]:
            hold(part in text, f"{part} is not in: {text}")
        paper = run(mesh.apus, "waypoint", "list", "-f", SHOP, "-o", "json")
        same = {(one["name"], *one["reasons"]) for one in json.loads(paper.stdout)["waypoints"]}
        live = {(one["name"], *one["reasons"]) for one in idle["waypoints"]}
        hold(same == live, f"manifests say {same}, the mesh {live}")
        count = f"{len(captured)} pods, {valid['valid']} certificates, {len(live)} waypoints"
        return f"{count}, each with its reason"


LISTS = ("status", "workloads", "services", "policies", "certificates", "connections")


@claim("32b", "Tables fit 80 columns of a terminal, are whole elsewhere, and coloured only where one may")
def fits(world):
    mesh = world.mesh
    cut = coloured = 0
    for name in LISTS:
        with Terminal(words(mesh, name)) as terminal:
            text, code = terminal.end()
        hold(code == 0, f"{name} exits {code}: {text[-300:]}")
        lines = [CONTROL.sub("", line) for line in text.replace("\r\n", "\n").split("\n")]
        wide = [line for line in lines if len(line) > 80]
        hold(not wide and len(lines) > 1, f"{name}: lines of more than 80 columns: {wide[:1]}")
        cut += text.count("…")
        coloured += len(COLOUR.findall(text))
        with Terminal(words(mesh, name), NO_COLOR="1") as terminal:
            plain, _ = terminal.end()
        hold("\x1b" not in plain, f"{name}: colour in spite of NO_COLOR")
        piped = ask(mesh, name).stdout
        hold("\x1b" not in piped and "…" not in piped, f"{name}: cut or coloured where there is no terminal")
    hold(cut > 0 and coloured > 0, f"{cut} names shortened, {coloured} colours: nothing was tried")
    workload = world.web()
    hold(row(ask(mesh, "workloads").stdout, workload.name, workload.v6), "a whole table is not whole")
    return f"{len(LISTS)} tables at 80 columns: {cut} names shortened, {coloured} colours, none with NO_COLOR"


@claim("32c", "-o json and -o yaml say what the table says, and selections keep what they name")
def agrees(world):
    mesh = world.mesh
    rows = 0
    for name, keys in (
        ("workloads", ("namespace", "name", "node", "protocol")), ("services", ("namespace", "name")),
        ("policies", ("namespace", "name", "action")), ("certificates", ("name", "type", "serialNumber")),
    ):
        found = document(mesh, name)
        hold(not found["unreachable"] and found[name], f"{name}: {found}")
        table = ask(mesh, name).stdout.splitlines()[1:]
        hold(len(table) == len(found[name]), f"{name}: {len(table)} lines, {len(found[name])} in JSON")
        for line, one in zip(table, found[name]):
            missing = [key for key in keys if one[key] not in line]
            hold(not missing, f"{name}: {missing} of {one} not in {line!r}")
        rows += len(table)
        yaml = ask(mesh, name, "-o", "yaml").stdout
        hold(all(one[keys[1]] in yaml for one in found[name]), f"{name}: YAML lacks some")
    pods = {(pod.namespace, pod.name): pod for pod in mesh.pods()}
    told = {(one["namespace"], one["name"]): one for one in document(mesh, "workloads")["workloads"]}
    hold(told.keys() == pods.keys(), f"workloads differ: {set(told) ^ set(pods)}")
    for key, pod in pods.items():
        one = told[key]
        hold(one["node"] == pod.node and set(one["addresses"]) == set(pod.addresses), f"{one}")
        hold((one["protocol"] == "HBONE") == bool(pod.captured_by), f"{one}")
    one = document(mesh, "workloads", "-n", "production", "-l", "node=node-1,protocol!=TCP")["workloads"]
    wanted = {pod.name for pod in pods.values() if (pod.namespace, pod.node) == ("production", "node-1")}
    hold({each["name"] for each in one} == wanted and wanted, f"selected {[each['name'] for each in one]}")
    wrong = ask(mesh, "workloads", "-l", "nmae=web", code=2)
    hold("there is namespace, name" in wrong.stderr, f"a wrong key: {wrong.stderr}")
    return f"{rows} rows of four lists agree with their JSON, {len(pods)} pods with `apus dev ps`"


@claim("32d", "`apus top` shows an edge with its rate and a denied one, and lives on a terminal")
def watched(world):
    with Waypoints(world) as waypoints, Load(waypoints) as load:
        mesh = waypoints.mesh

        def edges():
            load.check()
            found = document(mesh, "top", "--once")["edges"]
            of_web = [e for e in found if "/web-sa" in (e["sourceIdentity"] or "")]
            # Agents may tell of the connections before the waypoint tells of the requests in them.
            requests = [e for e in of_web if e["unit"] == "requests" and e["rate"] > 0]
            order = [e for e in requests if "/order-service" in e["destination"]]
            denied = [e for e in of_web if "/payment" in e["destination"] and e["deniedPerSecond"] > 0]
            return (order[0], denied[0]) if order and denied else None

        order, denied = mesh.wait(edges, "an edge with a rate and a denied one", 60, 0.5)
        hold(order["isMutualTLS"] and order["p99"] is not None and order["bytesPerSecond"] > 0, f"{order}")
        hold(denied["lastDenial"], f"a denial without its reason: {denied}")
        table = ask(mesh, "top", "--sort", "denials").stdout
        hold(row(table, "production/web-sa", denied["destination"]), f"no denied edge in: {table}")
        with Terminal(words(mesh, "top", "--interval", "1"), columns=100, rows=20) as terminal:
            shown = lambda lines: row("\n".join(lines), "production/web-sa", "yes")
            lines = terminal.screen(shown, "the edge")
            widest = max(map(len, lines))
            hold(len(lines) == 20 and widest <= 100, f"{len(lines)} lines, the widest of {widest}")
            terminal.press("d")
            terminal.screen(lambda lines: "by denials" in lines[0], "another order")
            terminal.press("/payment\r")
            narrowed = lambda lines: "of" in lines[0] and not row("\n".join(lines), "order-service")
            terminal.screen(narrowed, "the filter")
            terminal.resize(60, 12)
            small = lambda lines: len(lines) == 12 and max(map(len, lines)) <= 60
            terminal.screen(small, "the new size")
            terminal.press("q")
            written, code = terminal.end()
        hold(code == 0 and written.rstrip().endswith("\x1b[?25h\x1b[?1049l"), f"it leaves {written[-60:]!r}")
        hold("\x1b[?1049h" in written, "not on the second screen")
        load.check()
        return (
            f"web to order-service {order['rate']:.1f}/s, p99 {order['p99']:.1f} ms; "
            f"to {denied['destination']} {denied['deniedPerSecond']:.1f} denied/s; sorted, filtered, resized")


@claim("32e", "A log level that is set while an agent runs takes effect there alone, until it is taken back")
def loud(world):
    mesh = world.mesh
    web = world.web()
    other = next(name for name in mesh.node_names() if name != web.node)
    before = document(mesh, "log")["levels"]
    hold({one["component"] for one in before} >= set(mesh.node_names()), f"levels of {before}")
    def heard(node, since):
        """Access lines of an agent, once somebody has called."""
        mesh.exec(web, "curl", "-s", "http://order-service/")
        return [line for line in mesh.log(f"agent {node}")[since:].splitlines() if "\taccess\t" in line]

    ask(mesh, "log", web.node, "access=warning")
    try:
        marks = {node: len(mesh.log(f"agent {node}")) for node in mesh.node_names()}
        levels = {one["component"]: one["levels"] for one in document(mesh, "log")["levels"]}
        quiet = "access=warning" in levels[web.node] and "access" not in levels[other]
        hold(quiet, f"levels: {levels}")
        mesh.wait(lambda: len(heard(other, marks[other])) > 3, f"{other} tells of calls", 30, 0.1)
        told = heard(web.node, marks[web.node])
        hold(not told, f"{web.node} still tells: {told[:1]}")
        wrong = ask(mesh, "log", web.node, "loud", code=1)
        hold('"loud" is no log level' in wrong.stderr, f"a level that is none: {wrong.stderr}")
    finally:
        ask(mesh, "log", web.node, "reset")
    mesh.wait(lambda: heard(web.node, marks[web.node]), f"{web.node} tells of calls again", 20, 0.1)
    levels = {one["component"]: one["levels"] for one in document(mesh, "log")["levels"]}
    was = {one["component"]: one["levels"] for one in before}
    hold(levels == was, f"after the reset {levels}, before {was}")
    with Terminal(words(mesh, "log", web.node, "-f"), columns=400) as terminal:
        mesh.exec(web, "curl", "-s", "http://order-service/?followed")
        mesh.wait(lambda: terminal.read(0.1) and "access" in terminal.written, "the log is followed", 20, 0)
    return f"{web.node} told of no call at access=warning, {other} did; then it is at {was[web.node]} again"


@claim("32f", "An agent that is killed is told by name, the others are shown, and the exit code is 1")
def missing(world):
    mesh = world.mesh
    mesh.agent("node-2", "kill")
    try:
        for name in ("status", "workloads", "certificates", "connections", "log"):
            answer = ask(mesh, name, code=1)
            hold("node-2 does not tell" in answer.stderr, f"{name} says: {answer.stderr}")
            shown = "node-1" in answer.stdout and "node-1 does not tell" not in answer.stderr
            hold(shown or name == "connections", f"{name}: {answer.stdout}")
        found = document(mesh, "status", code=1)
        states = {node["node"]: node["agent"] for node in found["nodes"]}
        hold(states == {"node-1": "up", "node-2": "down"}, f"agents: {states}")
        silent = [one["name"] for one in found["unreachable"]]
        hold(silent == ["node-2"], f"unreachable: {silent}")
        certificates = document(mesh, "certificates", code=1)["certificates"]
        hold(certificates and {one["node"] for one in certificates} == {"node-1"}, "certificates of whom?")
    finally:
        mesh.agent("node-2", "start")
    ask(mesh, "status")
    address = "http://127.0.0.1:9/"
    alone = run(mesh.apus, "workloads", "--agent", address)
    hold(alone.returncode == 1 and "127.0.0.1:9 does not tell" in alone.stderr, f"by address: {alone.stderr}")
    return "node-2 is named by five commands, node-1 is shown by each; after its start all is well"


@claim("32g", "apply and delete ask for a waypoint by a line in the manifests, and touch nothing else")
def asked(world):
    with Waypoints(world) as waypoints:
        mesh = waypoints.mesh
        path = os.path.join(waypoints.directory, "web.yaml")
        with open(path, encoding="utf-8") as file:
            before = file.read()
        ask(mesh, "waypoint", "apply", "production/web-sa", "--replicas", "2")
        with open(path, encoding="utf-8") as file:
            added = [line for line in file.read().splitlines() if line not in before.splitlines()]
        wanted = ["annotations:", 'apus.io/waypoint-replicas: "2"', "apus.io/waypoint: always"]
        hold(sorted(line.strip() for line in added) == wanted, f"added {added}")
        mesh.wait_ready("production", "web-sa-waypoint-", 2, 40)
        ask(mesh, "waypoint", "delete", "production/web-sa")
        with open(path, encoding="utf-8") as file:
            hold(file.read() == before, "the file is not what it was")
        said = ask(mesh, "waypoint", "apply", "production/nobody", code=1).stderr
        hold("ServiceAccount production/nobody" in said, f"an account that is none: {said}")
        return "two replicas ran for the line that was written; with it taken back the file is what it was"


@claim("32h", "Shells complete commands and the names of meshes, and manual pages are without fault")
def learned(world):
    apus = world.mesh.apus
    parsed = []
    folder = tempfile.mkdtemp(prefix="completion-", dir=world.folder)
    for shell, check in (("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")):
        made = run(apus, "--generate-completion-script", shell)
        hold(made.returncode == 0 and len(made.stdout) > 1000, f"{shell}: {made.stderr}")
        script = os.path.join(folder, shell)
        with open(script, "w", encoding="utf-8") as file:
            file.write(made.stdout)
        if shutil.which(shell):
            checked = run(shell, check, script)
            hold(checked.returncode == 0, f"{shell} does not read it: {checked.stderr[-300:]}")
            parsed.append(shell)
    complete = f"""
        PATH={os.path.dirname(apus)}:$PATH
        source {folder}/bash
        ask() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${{#COMP_LINE}}
          COMPREPLY=(); _apus "$1" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
          echo "${{COMPREPLY[@]}}"; }}
        ask apus stat; ask apus workloads --mesh ""; ask apus workloads -n prod; ask apus log node
    """
    answer = run("bash", "-c", complete)
    lines = answer.stdout.splitlines()
    wanted = ["status", world.mesh.name, "production", "node-1"]
    hold(len(lines) == 4, f"bash completes {lines}: {answer.stderr[-300:]}")
    for want, line in zip(wanted, lines):
        hold(want in line.split(), f"bash offers {line!r}, not {want}")
    if not shutil.which("mandoc"):
        raise CannotRun("no mandoc on PATH: run Scripts/setup")
    script = os.path.join(ROOT, "Scripts", "man")
    pages = run(script, "--binaries", os.path.dirname(apus), "--out", folder, "--check")
    hold(pages.returncode == 0, pages.stderr[-600:])
    count = len([name for name in os.listdir(folder) if name.endswith(".1")])
    hold(count > 20, f"only {count} pages")
    return (
        f"bash offers commands, meshes, namespaces and nodes; {count} pages;"
        f" scripts read by {', '.join(parsed)}")


class Silent:
    """An agent's address at which somebody takes connections and says nothing until he is told to hang up."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.held, self.over = [], threading.Event()
        self.thread = threading.Thread(target=self.take)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        return self

    def take(self):
        while not self.over.is_set():
            if select.select([self.listener], [], [], 0.05)[0]:
                self.held.append(self.listener.accept()[0])

    def hang_up(self):
        self.over.set()
        self.thread.join()
        for one in (*self.held, self.listener):
            one.close()

    def __exit__(self, *_):
        if not self.over.is_set():
            self.hang_up()


@claim("32i", "What takes longer than a second says on a terminal what it waits for, and then nothing")
def waited(world):
    command = (world.mesh.apus, "workloads", "--agent")
    with Silent() as agent, Terminal([*command, agent.url]) as terminal:
        deadline = time.monotonic() + 20
        while "asking" not in terminal.written:
            hold(time.monotonic() < deadline and terminal.read(1), f"nothing is said: {terminal.written!r}")
        agent.hang_up()
        text, code = terminal.end()
    hold(code == 1 and "does not tell" in text, f"at the end it exits {code}: {text[-300:]!r}")
    last = text.rindex("asking")
    hold("\r\x1b[2K" in text[last:], f"the line stays: {text[last:]!r}")
    # Where nobody looks nothing turns: told as soon as it has begun to wait.
    with Silent() as agent:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        child = subprocess.Popen([*command, agent.url], **pipes)
        time.sleep(1.5)  # longer than the patience of one on a terminal
        agent.hang_up()
        out, error = child.communicate(timeout=30)
    hold("asking" not in error and "\x1b" not in out + error, f"in a pipe: {error!r}")
    return "the line says what is asked, turns, and is gone; none in a pipe"
