"""The shape of what every object has, so that nothing behind it meets a surprise."""

from . import answers

_TEXTS = ("name", "namespace", "generateName", "uid", "resourceVersion")
_MAPS_OF_TEXT = ("labels", "annotations")
_OBJECTS = ("ownerReferences", "managedFields")


def check(thing):
    """Refusal 400 for what is not an object with metadata; the metadata is there then, if it was not."""
    if not isinstance(thing, dict) or thing.get("metadata") is None:
        if not isinstance(thing, dict):
            raise answers.bad("the object provided is unrecognized: it is no map")
        thing["metadata"] = {}
    metadata = thing["metadata"]
    if not isinstance(metadata, dict):
        _wrong("metadata")
    for field in ("apiVersion", "kind"):
        if not isinstance(thing.get(field, ""), str):
            _wrong(field)
    for field in _TEXTS:
        if not isinstance(metadata.get(field) or "", str):
            _wrong(f"metadata.{field}")
    for field in _MAPS_OF_TEXT:
        value = metadata.get(field) or {}
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            _wrong(f"metadata.{field}")
    for field in (*_OBJECTS, "finalizers"):
        value, wanted = metadata.get(field) or [], str if field == "finalizers" else dict
        if not isinstance(value, list) or not all(isinstance(one, wanted) for one in value):
            _wrong(f"metadata.{field}")
    for field in ("spec", "status"):
        if not isinstance(thing.get(field) or {}, dict):
            _wrong(field)


def _wrong(field):
    raise answers.bad(f"the object provided is unrecognized: {field} is not what it should be")
