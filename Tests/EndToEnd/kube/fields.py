"""The fields of an object one by one, each under its path, as managedFields names them.

A path is a tuple of steps: "f:NAME" into a map, "k:{...}" to the item of a list that has these keys, "v:..."
for a member of a list that is a set. Other lists are one field each, whatever is in them."""

import json

_NAMED = (
    "containers",
    "initContainers",
    "ephemeralContainers",
    "env",
    "volumes",
    "imagePullSecrets",
    "webhooks",
)
_LISTS = {name: ("name",) for name in _NAMED} | {
    "conditions": ("type",),
    "volumeMounts": ("mountPath",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
_SETS = ("finalizers",)
_SYSTEM = (
    "name", "namespace", "generateName", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink",
)  # fmt: skip
ITEM = "."  # the value of a list's item itself


class Empty:
    """The value of a map or a list that would be owned by its parts if it had any: all are the same."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, Empty)


def list_keys(kind, names):
    """The keys of the items of a list at these names, or none for a list that is one field."""
    last, parents = names[-1], names[:-1]
    if last == "ownerReferences":
        return _LISTS[last]
    if kind.custom:
        if last == "conditions" and not kind.group.endswith(".istio.io"):
            return _LISTS[last]  # Istio's own definitions say of theirs nothing, so they are one field
        return ("name",) if (kind.kind, names) == ("Gateway", ("spec", "listeners")) else ()
    if last == "ports":
        if parents and parents[-1] in ("containers", "initContainers"):
            return "containerPort", "protocol"
        return ("port", "protocol") if kind.kind == "Service" else ()
    return _LISTS.get(last, ())


def key_of(item, keys):
    """The step to an item, or None where it lacks a key."""
    found = {key: item.get(key, "TCP" if key == "protocol" else None) for key in keys}
    return None if None in found.values() else "k:" + json.dumps(found, separators=(",", ":"), sort_keys=True)


def keyed(kind, names, items):
    """The steps to the items, in order, or None when the list is one field."""
    keys = list_keys(kind, names)
    if not keys or not items or not all(isinstance(item, dict) for item in items):
        return None
    steps = [key_of(item, keys) for item in items]
    return None if None in steps or len(set(steps)) < len(steps) else steps


def leaves(kind, thing, subresource=""):
    """Path and value of each field that somebody can own, by way of a subresource."""
    found = {}
    for name, value in thing.items():
        if name in ("apiVersion", "kind"):
            continue
        if name == "metadata":
            value = {key: one for key, one in value.items() if key not in _SYSTEM}
        is_other = subresource and name != subresource
        if is_other or (not subresource and kind.status and name == "status"):
            continue
        if value or name != "metadata":
            _collect(kind, found, (f"f:{name}",), (name,), value)
    return found


def _collect(kind, found, path, names, value):
    if value is None:
        return
    parted = names[-1] in _SETS or list_keys(kind, names)
    if value == {} or (value == [] and parted):
        found[path] = Empty(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _collect(kind, found, (*path, f"f:{name}"), (*names, name), inner)
    elif isinstance(value, list) and (steps := keyed(kind, names, value)):
        for step, item in zip(steps, value):
            found[*path, step] = ITEM
            for name, inner in item.items():
                _collect(kind, found, (*path, step, f"f:{name}"), (*names, name), inner)
    elif isinstance(value, list) and value and names[-1] in _SETS:
        for member in value:
            found[*path, "v:" + json.dumps(member)] = member
    else:
        found[path] = value


# Changing a thing by paths


def place(thing, path, value):
    """Puts a value at a path, and what is missing on the way to it."""
    holder = thing
    for step, following in zip(path, (*path[1:], None)):
        if step.startswith("f:"):
            name = step[2:]
            if following is None:
                if isinstance(value, Empty):
                    holder.setdefault(name, type(value.value)())
                else:
                    holder[name] = value
                return
            wanted = dict if following.startswith("f:") else list
            if not isinstance(holder.get(name), wanted):
                holder[name] = wanted()
            holder = holder[name]
        elif step.startswith("v:"):
            if value not in holder:
                holder.append(value)
            return
        else:
            at = _find(holder, step)
            if at is None:
                holder.append(json.loads(step[2:]))
                at = len(holder) - 1
            holder = holder[at]


def is_key(path):
    """Whether this is what an item is known by, which goes with the item or not at all."""
    return len(path) > 1 and path[-2].startswith("k:") and path[-1][2:] in json.loads(path[-2][2:])


def remove(thing, path):
    """Takes a field away, and the maps and lists around it that are empty then."""
    way, holder = [], thing
    for step in path[:-1]:
        name = step[2:] if step.startswith("f:") else _find(holder, step)
        if name is None or (isinstance(name, str) and name not in holder):
            return
        way.append((holder, name))
        holder = holder[name]
    if not _take(holder, path[-1]):
        return
    for outer, name in reversed(way):
        if outer[name] or isinstance(outer, list):
            break
        del outer[name]


def _take(holder, step):
    if step.startswith("f:"):
        return holder.pop(step[2:], holder) is not holder
    if step.startswith("v:"):
        member = json.loads(step[2:])
        found = member in holder
        holder[:] = [one for one in holder if one != member]
        return found
    at = _find(holder, step)
    if at is not None:
        del holder[at]
    return at is not None


def _find(items, step):
    keys = tuple(json.loads(step[2:]))
    for at, item in enumerate(items):
        if isinstance(item, dict) and key_of(item, keys) == step:
            return at
    return None


# As fieldsV1


def to_tree(paths):
    tree = {}
    for path in sorted(paths):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        if path[-1].startswith("k:"):
            node[ITEM] = {}
    return tree


def from_tree(tree, path=()):
    """The paths of a tree: a set."""
    found = set()
    for step, inner in tree.items():
        if step == ITEM:
            found.add(path)
        elif inner:
            found |= from_tree(inner, (*path, step))
        else:
            found.add((*path, step))
    return found


def shown(path):
    """A path as messages have it: .status.conditions[type="Ready"].reason"""
    words = []
    for step in path:
        if step.startswith("f:"):
            words.append(f".{step[2:]}")
        elif step.startswith("v:"):
            words.append(f"[={step[2:]}]")
        else:
            pairs = (f"{key}={json.dumps(value)}" for key, value in json.loads(step[2:]).items())
            words.append(f"[{','.join(pairs)}]")
    return "".join(words)
