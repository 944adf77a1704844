"""Row 8: pods come and go, and leave nothing."""

import json
import os
import subprocess

from .. import netns
from ..claim import claim, hold
from ..mesh import ok_bodies

BATCH, BATCHES = 10, 20
# Dumping these kinds asks for descriptors as keys; what they hold ends with its socket.
STORAGES = {"sk_storage", "inode_storage", "task_storage", "cgrp_storage"}


def cgroup_root():
    """Where the version 2 hierarchy is mounted."""
    with open("/proc/mounts", encoding="utf-8") as file:
        for line in file:
            if line.split()[2] == "cgroup2":
                return line.split()[1]
    return "/sys/fs/cgroup"


def names(folder, prefix=""):
    try:
        return [name for name in os.listdir(folder) if name.startswith(prefix)]
    except FileNotFoundError:
        return []


def count_below(folder):
    return sum(len(folders) + len(files) for _, folders, files in os.walk(folder))


def folders_below(folder):
    return sum(len(folders) for _, folders, _ in os.walk(folder))


def entries(pins):
    """{map: number of entries} of the pinned maps below a folder."""
    found = {}
    for folder, _, files in os.walk(pins):
        for name in files:
            path = os.path.join(folder, name)
            kind = bpftool("map", "show", "pinned", path)
            if not kind or kind.get("type") in STORAGES or "max_entries" not in kind:
                continue
            dump = bpftool("map", "dump", "pinned", path)
            if dump is not None:
                found[os.path.relpath(path, pins)] = len(dump)
    return found


def bpftool(*words):
    answer = subprocess.run(["bpftool", "-j", *words], capture_output=True, text=True, timeout=30)
    try:
        return json.loads(answer.stdout)
    except ValueError:
        return None


def inventory(world):
    """Everything that a pod could leave behind, counted."""
    mesh = f"apus-{world.mesh.name}"
    pins = f"/sys/fs/bpf/{mesh}"
    cgroup = os.path.join(cgroup_root(), mesh)
    counts = {
        "namespaces": len(names("/run/netns", mesh + "-")),
        "cgroups": folders_below(cgroup),
        "pins": count_below(pins),
        "files": count_below(f"/run/apus/{world.mesh.name}"),
    }
    processes = 0
    for folder, _, files in os.walk(cgroup):
        if "cgroup.procs" in files:
            try:
                with open(os.path.join(folder, "cgroup.procs"), encoding="ascii") as file:
                    processes += len(file.read().split())
            except OSError:
                pass  # the group has just been removed
    counts["processes"] = processes
    for node in world.mesh.node_names():
        process = world.mesh.agent_process(node)
        counts[f"{node} agent descriptors"] = len(names(f"/proc/{process}/fd"))
        counts[f"{node} agent threads"] = len(names(f"/proc/{process}/task"))
        links = netns.run(world.mesh.place(node), ["ip", "-o", "link"]).stdout
        counts[f"{node} links"] = len(links.splitlines())
    for name, size in entries(pins).items():
        counts[f"map {name}"] = size
    return counts


def differences(before, after):
    """What there is more of than before."""
    return {
        key: f"{before.get(key, 0)} -> {after[key]}" for key in after if after[key] > before.get(key, 0)
    }


@claim("8", "200 pods come and go: no descriptor, map entry, namespace, cgroup, link or process is left")
def churn(world):
    mesh, web = world.mesh, world.web()
    # One round first, so that what is made once (a tunnel, a buffer) is not taken for a leak.
    cycle(world, web)
    before = inventory(world)
    for _ in range(BATCHES):
        cycle(world, web)
    left = {}

    def settled():
        left.clear()
        left.update(differences(before, inventory(world)))
        return not left

    try:
        mesh.wait(settled, "everything is as before", timeout=30, every=0.5)
    except Exception:
        hold(False, f"left behind: {left}")
    maps = sum(1 for key in before if key.startswith("map "))
    descriptors = [value for key, value in before.items() if key.endswith("descriptors")]
    return (
        f"{BATCH * BATCHES} pods; {len(before)} counts as before, among them {maps} maps, "
        f"{before['namespaces']} namespaces, agents' descriptors {'/'.join(map(str, descriptors))}"
    )


def cycle(world, web):
    """A batch of pods comes, is talked to through the mesh, and goes."""
    world.edit("churn.yaml", "replicas: 0", f"replicas: {BATCH}")
    pods = world.mesh.wait_ready("production", "churn-", BATCH)
    ok_bodies(world.mesh.fetch(web, "http://churn/", count=2 * len(pods)))
    world.edit("churn.yaml", f"replicas: {BATCH}", "replicas: 0")
    world.mesh.wait_ready("production", "churn-", 0)
