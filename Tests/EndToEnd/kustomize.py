"""Renders the kustomizations of Deploy/kubernetes, by exactly the features that they use; anything else is an
error. So that tests need no kubectl; where there is one, a checker holds both renderings to be equal."""

import copy
import os

KEYS = {"apiVersion", "kind", "resources", "namespace", "images", "patches"}
CLUSTER_KINDS = {
    "Namespace", "ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration", "GatewayClass",
}  # fmt: skip
# Lists that a strategic merge merges by a key (the Kubernetes API's patchMergeKey).
MERGED = {
    "containers": "name", "initContainers": "name", "volumes": "name", "env": "name",
    "volumeMounts": "mountPath", "topologySpreadConstraints": "topologyKey",
}  # fmt: skip


class Unknown(ValueError):
    """A feature that is not rendered here."""


def documents(text):
    import yaml

    return [one for one in yaml.safe_load_all(text) if one]


def render(folder):
    """The objects of a kustomization."""
    with open(f"{folder}/kustomization.yaml", encoding="utf-8") as file:
        [said] = documents(file.read())
    if set(said) - KEYS:
        raise Unknown(f"{folder}: {sorted(set(said) - KEYS)}")
    found = []
    for name in said.get("resources", []):
        path = os.path.normpath(f"{folder}/{name}")
        found += render(path) if os.path.isdir(path) else read(path)
    for patch in said.get("patches", []):
        if set(patch) != {"path"}:
            raise Unknown(f"{folder}: a patch with {sorted(patch)}")
        for one in read(f"{folder}/{patch['path']}"):
            apply(found, one)
    for one in found:
        place(one, said.get("namespace"))
        rename(one, said.get("images", []))
    return found


def read(path):
    with open(path, encoding="utf-8") as file:
        return documents(file.read())


def apply(found, patch):
    targets = [one for one in found if key(one) == key(patch)]
    if len(targets) != 1:
        raise Unknown(f"a patch of {key(patch)} has {len(targets)} targets")
    merge(targets[0], patch)


def key(one):
    return one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]


def merge(target, patch):
    for name, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            # Of a volume the source is replaced whole.
            merge(target[name], value)
        elif isinstance(value, list) and name in MERGED and isinstance(target.get(name), list):
            by, first = MERGED[name], []
            for one in value:
                same = [other for other in target[name] if other[by] == one[by]]
                if same:
                    merge(same[0], one)
                first.append(same[0] if same else copy.deepcopy(one))
            # As kustomize does: what a patch names comes first.
            names = [one[by] for one in first]
            target[name] = first + [one for one in target[name] if one[by] not in names]
        else:
            target[name] = copy.deepcopy(value)


def place(one, namespace):
    if not namespace:
        return
    if one["kind"] not in CLUSTER_KINDS:
        one["metadata"]["namespace"] = namespace
    elif one["kind"] == "Namespace":
        one["metadata"]["name"] = namespace


def rename(thing, images):
    if isinstance(thing, dict):
        for name, value in thing.items():
            if name in ("containers", "initContainers"):
                for container in value:
                    for image in images:
                        current, _, tag = container.get("image", "").partition(":")
                        if current == image["name"]:
                            container["image"] = f"{image.get('newName', current)}:{image.get('newTag', tag)}"
            else:
                rename(value, images)
    elif isinstance(thing, list):
        for value in thing:
            rename(value, images)
