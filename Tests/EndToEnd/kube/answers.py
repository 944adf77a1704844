"""What an API server says when it does not do what it was asked: a Status object, or a line of text."""

import json


def status(code, reason, message, details=None):
    """A Status of meta/v1."""
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    body |= {"reason": reason} | ({"details": details} if details else {}) | {"code": code}
    return body


class Refusal(Exception):
    """A request that is not answered with what it asked for."""

    def __init__(self, code, reason, message, details=None, headers=None, text=None):
        super().__init__(message)
        self.code, self.headers, self.text = code, dict(headers or {}), text
        self.status = status(code, reason, message, details)

    @property
    def body(self):
        return self.text.encode() if self.text is not None else json.dumps(self.status).encode() + b"\n"

    @property
    def content_type(self):
        return "text/plain; charset=utf-8" if self.text is not None else "application/json"


def _details(kind, name, **more):
    named = {"name": name} if name else {}
    return named | ({"group": kind.group} if kind.group else {}) | {"kind": kind.plural} | more


def page_not_found():
    """Nothing is at this path at all: no such group or version."""
    return Refusal(404, "NotFound", "404 page not found", text="404 page not found\n")


def no_such_resource():
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def not_found(kind, name):
    return Refusal(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def exists(kind, name):
    return Refusal(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', _details(kind, name))


def conflict(kind, name, why):
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return Refusal(409, "Conflict", message, _details(kind, name))


def modified(kind, name):
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(kind, name, why)


def owned(kind, name, causes):
    """A server-side apply of fields that somebody else owns; causes are pairs of whose and which field."""
    if len(causes) == 1:
        said = "1 conflict: conflict with {}: {}".format(*causes[0])
    else:
        whose = dict.fromkeys(owner for owner, _ in causes)
        parts = [
            [f"conflicts with {one}:", *(f"- {it}" for owner, it in causes if owner == one)] for one in whose
        ]
        said = f"{len(causes)} conflicts: " + "\n".join(line for part in parts for line in part)
    listed = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {owner}", "field": field}
        for owner, field in causes
    ]
    return Refusal(409, "Conflict", f"Apply failed with {said}", _details(kind, name, causes=listed))


def bad(message):
    return Refusal(400, "BadRequest", message)


def invalid(kind, name, field, why, reason="FieldValueInvalid"):
    listed = [{"reason": reason, "message": why, "field": field}]
    message = f'{kind.kind} "{name}" is invalid: {field}: {why}'
    return Refusal(422, "Invalid", message, _details(kind, name, causes=listed))


def invalid_options(field, why):
    listed = [{"reason": "FieldValueForbidden", "message": why, "field": field}]
    details = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": listed}
    return Refusal(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {field}: {why}', details)


def expired(message):
    return Refusal(410, "Expired", message)


def too_new(asked, current):
    """A version that does not exist yet; a real server waits three seconds first."""
    listed = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Too large resource version: {asked}, current: {current}"
    return Refusal(504, "Timeout", message, {"causes": listed, "retryAfterSeconds": 1}, {"Retry-After": "1"})


def unauthorized():
    return Refusal(401, "Unauthorized", "Unauthorized")


def forbidden(ask, user):
    """403 in the words of RBAC."""
    if not ask.resource:
        message = f'forbidden: User "{user.name}" cannot {ask.verb} path "{ask.path}"'
        return Refusal(403, "Forbidden", message, {})
    resource = "/".join(filter(None, [ask.resource, ask.subresource]))
    dotted = f"{ask.resource}.{ask.group}" if ask.group else ask.resource
    named = f'{dotted} "{ask.name}"' if ask.name else dotted
    where = f'in the namespace "{ask.namespace}"' if ask.namespace else "at the cluster scope"
    message = (
        f'{named} is forbidden: User "{user.name}" cannot {ask.verb} resource "{resource}" in API group '
        f'"{ask.group}" {where}'
    )
    details = {"name": ask.name} if ask.name else {}
    return Refusal(403, "Forbidden", message, details | {"group": ask.group, "kind": ask.resource})


def no_method():
    message = "the server does not allow this method on the requested resource"
    return Refusal(405, "MethodNotAllowed", message, {})


def unsupported(content_type):
    message = f"the body of the request was in an unknown format - {content_type!r} is not accepted here"
    return Refusal(415, "UnsupportedMediaType", message, {})


def too_large(limit):
    return Refusal(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")
