"""What a path and a method ask for."""

import dataclasses
import re

from .listing import TRUE
from .roles import Ask

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


def ask(method, path, query):
    """What a request wants, whether or not it is served."""
    words = [word for word in path.split("/") if word]
    lower = method.lower()
    if words[:1] == ["api"] and len(words) > 2:
        group, version, rest = "", words[1], words[2:]
    elif words[:1] == ["apis"] and len(words) > 3:
        group, version, rest = words[1], words[2], words[3:]
    else:
        return Ask(lower, path)
    namespace, subresource = "", ""
    if rest[0] == "namespaces" and len(rest) > 1:
        # namespaces/NAME/status is about a namespace, and namespaces/NAME/pods about pods.
        if len(rest) == 2 or rest[2:] in (["status"], ["finalize"]):
            namespace = rest[1]
        else:
            namespace, rest = rest[1], rest[2:]
    name = rest[1] if len(rest) > 1 else ""
    subresource = "/".join(rest[2:])
    return Ask(_verb(method, name, query), path, group, version, rest[0], subresource, namespace, name)


def judged(ask, query):
    """What is held against the roles: a list or watch of one name, by a selector, is about that name."""
    found = re.fullmatch(r"metadata\.name==?([^,]+)", query.get("fieldSelector", ""))
    return dataclasses.replace(ask, name=found.group(1)) if found and not ask.name else ask


def _verb(method, name, query):
    if method == "GET":
        return "get" if name else "watch" if query.get("watch") in TRUE else "list"
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    return _VERBS.get(method, method.lower())


def pattern(ask):
    """The path with what differs between requests for the same thing taken out."""
    if not ask.resource:
        return ask.path
    head = f"/apis/{ask.group}/{ask.version}" if ask.group else f"/api/{ask.version}"
    space = "/namespaces/{namespace}" if ask.namespace and ask.resource != "namespaces" else ""
    name = "/{name}" if ask.name else ""
    return f"{head}{space}/{ask.resource}{name}" + (f"/{ask.subresource}" if ask.subresource else "")
