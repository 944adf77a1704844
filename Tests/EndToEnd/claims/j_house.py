"""Row 10: the household of `apus dev`: mistakes are reported, and everything is cleaned up."""

import os
import subprocess

from ..claim import claim, hold
from ..mesh import Mesh
from ..mesh import ok_bodies
from .h_churn import cgroup_root, names

BROKEN = """\
apiVersion: v1
kind: Service
metadata:
  name: order-service
  namespace: production
spec:
  ports:
  - port: not-a-number
"""


@claim("10a", "An invalid manifest is reported with its file and line, and the last good state stays")
def invalid_manifest(world):
    web = world.web()
    before = len(world.mesh.log("control"))
    world.write("broken.yaml", BROKEN)
    try:
        line = world.mesh.wait(
            lambda: first_with("broken.yaml", world.mesh.log("control")[before:]),
            "the control plane says what is wrong with broken.yaml",
            15,
            0.2,
        )
        ok_bodies(world.mesh.fetch(web, "http://order-service/", count=10))
    finally:
        world.remove("broken.yaml")
    where = line[line.index("broken.yaml") :]
    hold(any(char.isdigit() for char in where), f"no line number: {line}")
    return f"reported: {where[:110]}; 10 of 10 requests served meanwhile"


def first_with(word, text):
    return next((line for line in text.splitlines() if word in line), None)


@claim("10b", "A second mesh beside a running one works, or says clearly why not")
def second_up(world):
    again = world.mesh.run("up", world.directory, "--detach", timeout=60)
    hold(again.returncode != 0, "a second `up` of the same name claims to have worked")
    said = (again.stderr or again.stdout).strip().splitlines()
    hold(len(said) == 1 and world.mesh.name in said[0], f"it said: {said[:4]}")
    ok_bodies(world.mesh.fetch(world.web(), "http://order-service/", count=5))
    second = Mesh(world.binaries, world.mesh.name + "2", world.directory)
    try:
        second.up()
        web = second.pod("production", "web-")
        ok_bodies(second.fetch(web, "http://order-service/", count=5))
        ok_bodies(world.mesh.fetch(world.web(), "http://order-service/", count=5))
    finally:
        second.down()
    hold(not traces(second.name), f"the second mesh left {traces(second.name)}")
    return f"same name: {said[0][:80]}; another name: both serve"


@claim("10c", "Without root, one clear sentence and exit code 4")
def unprivileged(world):
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", world.mesh.apus]
    answer = subprocess.run(
        [*command, "dev", "up", world.directory], capture_output=True, text=True, timeout=30
    )
    said = (answer.stderr + answer.stdout).strip()
    hold(answer.returncode == 4, f"exit {answer.returncode}: {said[:200]}")
    hold(len(said.splitlines()) == 1, f"not one sentence: {said[:300]}")
    return said


def traces(name):
    """What can still be found of a mesh on this machine."""
    mesh = f"apus-{name}"
    found = {
        "namespaces": names("/run/netns", mesh + "-"),
        "cgroups": names(cgroup_root(), mesh),
        "pins": names("/sys/fs/bpf", mesh),
        "state": names("/run/apus", name),
        "links": [line for line in links() if name in line],
        "processes": processes_of(name),
    }
    exact = {key: [one for one in some if not other_mesh(one, name)] for key, some in found.items()}
    return {key: some for key, some in exact.items() if some}


def other_mesh(text, name):
    """True for a trace of a mesh whose name merely begins like this one's."""
    return f"{name}2" in text and not name.endswith("2")


def links():
    answer = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, timeout=10)
    return answer.stdout.splitlines()


def processes_of(name):
    """Processes of the mesh's own programs that name it."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                words = file.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        names_it = f"/run/apus/{name}/" in " ".join(words) or name in words
        if "apus" in os.path.basename(words[0]) and names_it:
            found.append(number)
    return found


@claim("10d", "`apus dev down` removes every trace, also when the mesh was killed with kill -9", "after")
def down_leaves_nothing(world):
    hold(not traces(world.mesh.name), f"after `down`: {traces(world.mesh.name)}")
    world.mesh.up()
    hold(traces(world.mesh.name), "the control failed: a running mesh shows no traces")
    victims = processes_of(world.mesh.name)
    for number in victims:
        subprocess.run(["kill", "-9", number], check=False)
    answer = world.mesh.down()
    hold(answer.returncode == 0, f"`down` exits {answer.returncode}: {answer.stderr.strip()[:200]}")
    hold(not traces(world.mesh.name), f"after kill -9 and `down`: {traces(world.mesh.name)}")
    return f"0 namespaces, cgroups, pins, links, processes, also after kill -9 of {len(victims)} processes"
