"""Lists: of one version, in pages if asked."""

import base64
import json

from . import answers
from .selectors import Selection

TRUE = ("true", "1", "True")


def number(query, name, otherwise=None):
    text = query.get(name, "")
    if not text:
        return otherwise
    if not text.isascii() or not text.isdigit():
        raise answers.bad(f"invalid {name}: {text!r}")
    return int(text)


def page(store, kind, version, namespace, query):
    """The body of a list, or of its next page."""
    selection = Selection.of(namespace, query)
    limit = number(query, "limit", 0)
    with store.lock:
        at, after, inexact = _start(store, query)
        if query.get("resourceVersion") == "0" and not query.get("continue"):
            limit = 0  # a server answers this from its cache, all at once
        try:
            keys, read = store.as_of(kind, at, selection.namespace, after)
        except answers.Refusal as refusal:
            raise _too_old(query, after, refusal) from None
        chosen, last, left = [], None, 0
        for number_before, key in enumerate(keys):
            if limit and len(chosen) == limit:
                left = len(keys) - number_before
                break
            stored = read(key)
            if selection.matches(stored.thing):
                chosen.append(stored)
                last = key
    metadata = {"resourceVersion": str(at)}
    if left:
        metadata["continue"] = _token(-1 if inexact else at, last)
        if selection.everything:
            metadata["remainingItemCount"] = left
    return _body(kind, version, metadata, chosen)


def _start(store, query):
    """The version that is listed, the key to begin behind, and whether this goes on inexactly."""
    match, asked = query.get("resourceVersionMatch", ""), query.get("resourceVersion", "")
    if match and not asked:
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise answers.invalid_options("resourceVersionMatch", f"Forbidden: {why}")
    if match not in ("", "Exact", "NotOlderThan"):
        raise answers.invalid_options("resourceVersionMatch", f'Unsupported value: "{match}"')
    if token := query.get("continue"):
        if match or asked not in ("", "0"):
            raise answers.bad("specifying resource version is not allowed when using continue")
        at, after = _read_token(token)
        return (store.version, after, True) if at < 0 else (at, after, False)
    at = number(query, "resourceVersion", 0)
    if at > store.version:
        raise answers.too_new(at, store.version)
    if match == "Exact" and at == 0:
        raise answers.invalid_options(
            "resourceVersionMatch", 'Forbidden: "Exact" is forbidden for version "0"'
        )
    # Without a match, a version with a limit is exact: so it was before there was a match.
    exact = match == "Exact" or (not match and at and number(query, "limit", 0))
    return (at if exact else store.version), None, False


def _token(at, key):
    start = json.dumps({"v": "meta.k8s.io/v1", "rv": at, "start": "/".join(key)})
    return base64.urlsafe_b64encode(start.encode()).decode()


def _read_token(token):
    try:
        start = json.loads(base64.urlsafe_b64decode(token))
        namespace, _, name = start["start"].rpartition("/")
        return int(start["rv"]), (namespace, name)
    except (ValueError, KeyError, TypeError):
        raise answers.bad("continue key is not valid: encoded by something else") from None


def _too_old(query, after, refusal):
    if after is None:
        message = f"The resourceVersion for the provided list is too old. ({refusal})"
        return answers.expired(message)
    fresh = answers.expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new "
        "list without the continue parameter, or use the continue token in this response to retrieve the "
        "remainder of the results. Continuing with the provided token results in an inconsistent list."
    )
    fresh.status["metadata"] = {"continue": _token(-1, after)}
    return fresh


def _body(kind, version, metadata, chosen):
    head = {"kind": kind.list_kind, "apiVersion": kind.api_version(version), "metadata": metadata}
    # Items of built-in kinds come without their kind and apiVersion, as from a real server.
    items = (stored.whole(kind, version) if kind.custom else stored.body for stored in chosen)
    return json.dumps(head)[:-1].encode() + b', "items": [' + b",".join(items) + b"]}\n"
