"""Patches: merge (RFC 7396), JSON (RFC 6902), and what is left of strategic merge."""

import copy

from . import answers
from .fields import key_of, list_keys

MERGE, JSON, STRATEGIC, APPLY = (
    f"application/{name}"
    for name in ("merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml")
)


def patched(kind, content_type, thing, patch):
    """A thing after a patch. Refusal 400, 415 or 422."""
    if content_type == JSON:
        return _json(kind, thing, patch)
    if content_type == MERGE:
        return merged(thing, patch)
    if content_type == STRATEGIC and not kind.custom:
        return _strategic(kind, thing, patch)
    raise answers.unsupported(content_type)


def merged(target, patch):
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _strategic(kind, target, patch, names=()):
    """A merge in which lists with keys are merged by them; without the $patch directives."""
    if isinstance(patch, list):
        return _strategic_list(kind, target, patch, names)
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if name.startswith("$"):
            raise answers.bad(f"the directive {name} is not supported here")
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _strategic(kind, result.get(name), value, (*names, name))
    return result


def _strategic_list(kind, target, patch, names):
    keys = list_keys(kind, names)
    if not keys or not all(isinstance(item, dict) for item in patch):
        return patch
    result = list(target or [])
    for item in patch:
        step = key_of(item, keys)
        same = [at for at, one in enumerate(result) if step and key_of(one, keys) == step]
        if same:
            result[same[0]] = _strategic(kind, result[same[0]], item, names)
        else:
            result.append(item)
    return result


def _json(kind, thing, operations):
    if not isinstance(operations, list):
        raise answers.bad("a JSON patch is a list of operations")
    holder = {"": copy.deepcopy(thing)}
    for operation in operations:
        try:
            _operate(holder, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            why = f"the server rejected our request due to an error in our request: {operation} ({error})"
            raise answers.invalid(kind, thing["metadata"]["name"], "patch", why) from None
    return holder[""]


def _operate(holder, operation):
    """One operation on the document, which is held under the name "" so that it has a parent too."""
    verb, path = operation["op"], _words(operation["path"])
    if verb == "add":
        _add(holder, path, copy.deepcopy(operation["value"]))
    elif verb == "remove":
        _remove(holder, path)
    elif verb == "replace":
        parent, name = _place(holder, path)
        parent[name]  # must be there
        parent[name] = copy.deepcopy(operation["value"])
    elif verb == "move":
        _add(holder, path, _remove(holder, _words(operation["from"])))
    elif verb == "copy":
        parent, name = _place(holder, _words(operation["from"]))
        _add(holder, path, copy.deepcopy(parent[name]))
    elif verb == "test":
        parent, name = _place(holder, path)
        if parent[name] != operation["value"]:
            raise ValueError("it differs")
    else:
        raise ValueError(f"no operation {verb}")


def _words(pointer):
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is no pointer")
    return [word.replace("~1", "/").replace("~0", "~") for word in pointer.split("/")]


def _place(holder, path):
    """The parent and the name or index in it."""
    parent = holder
    for word in path[:-1]:
        parent = parent[_index(parent, word)]
    return parent, _index(parent, path[-1])


def _index(parent, word):
    if isinstance(parent, dict):
        return word
    if not (word.isascii() and word.isdigit()):
        raise ValueError(f"{word!r} is no index")
    return int(word)


def _add(holder, path, value):
    parent = holder
    for word in path[:-1]:
        parent = parent[_index(parent, word)]
    if isinstance(parent, dict):
        parent[path[-1]] = value
        return
    at = len(parent) if path[-1] == "-" else _index(parent, path[-1])
    if at > len(parent):
        raise IndexError(at)
    parent.insert(at, value)


def _remove(holder, path):
    parent, name = _place(holder, path)
    return parent.pop(name)
