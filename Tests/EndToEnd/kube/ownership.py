"""Who owns which field: managedFields, and server-side apply."""

import copy
import dataclasses

from . import answers, fields

APPLY, UPDATE = "Apply", "Update"


@dataclasses.dataclass
class Entry:
    """What one field manager owns by one operation."""

    manager: str
    operation: str
    subresource: str
    version: str
    time: str
    paths: set

    @classmethod
    def read(cls, entry):
        paths = fields.from_tree(entry.get("fieldsV1") or {})
        said = (entry.get(name, "") for name in ("manager", "operation", "subresource", "apiVersion", "time"))
        return cls(*said, paths)

    def written(self):
        entry = {"manager": self.manager, "operation": self.operation, "apiVersion": self.version}
        entry |= {"time": self.time, "fieldsType": "FieldsV1", "fieldsV1": fields.to_tree(self.paths)}
        return entry | ({"subresource": self.subresource} if self.subresource else {})


class Ownership:
    """The entries of an object, with that of a writer picked out: it is there, empty, if it was not."""

    def __init__(self, kind, thing, writer, now):
        listed = thing["metadata"].get("managedFields") if thing else None
        entries = [Entry.read(one) for one in listed or ()]
        whose = (writer.manager, writer.operation, writer.subresource)
        same = [one for one in entries if (one.manager, one.operation, one.subresource) == whose]
        self.others = [one for one in entries if one not in same]
        self._before = set(same[0].paths) if same else None
        self.mine = same[0] if same else Entry(*whose, "", now, set())
        self._version, self._now = kind.api_version(writer.version or kind.versions[0]), now

    def lose(self, paths):
        for one in self.others:
            one.paths -= paths

    def write(self, thing):
        """Into the metadata of an object. Who owns nothing is not listed."""
        if self.mine.paths != self._before:
            self.mine.version, self.mine.time = self._version, self._now
        entries = [one for one in (*self.others, self.mine) if one.paths]
        entries.sort(key=lambda one: (one.operation, one.manager, one.subresource))
        thing["metadata"].pop("managedFields", None)
        if entries:
            thing["metadata"]["managedFields"] = [one.written() for one in entries]


def tracked(kind, before, thing, writer, now):
    """A thing with its managedFields after a write that is no apply: what it changes is the writer's."""
    given = thing["metadata"].get("managedFields")
    if given in ([], [{}]):
        before_fields = None  # this is how a client forgets them
    else:
        before_fields = before
    ownership = Ownership(kind, before_fields, writer, now)
    subresource = writer.subresource
    was, is_now = _leaves(kind, before, writer, subresource), _leaves(kind, thing, writer, subresource)
    changed = {path for path, value in is_now.items() if path not in was or was[path] != value}
    gone = was.keys() - is_now.keys()
    ownership.lose(changed | gone)
    ownership.mine.paths = (ownership.mine.paths - gone) | changed
    ownership.write(thing)
    return thing


def _leaves(kind, thing, writer, subresource):
    if not thing:
        return {}
    if writer.trusted:  # object and status at once
        both = fields.leaves(kind, thing) | fields.leaves(kind, thing, "status")
        return both
    return fields.leaves(kind, thing, subresource)


def applied(kind, live, wanted, writer, force, now):
    """What a server-side apply makes of an object, or of none. Refusal 409 for what others own."""
    ownership = Ownership(kind, live, writer, now)
    wants = fields.leaves(kind, wanted, writer.subresource)
    has = fields.leaves(kind, live, writer.subresource) if live else {}
    differs = {path for path, value in wants.items() if has.get(path) != value}
    differs -= {path for path, value in wants.items() if isinstance(value, fields.Empty)}
    clashes = [(one, path) for one in ownership.others for path in sorted(differs & one.paths)]
    if clashes and not force:
        raise answers.owned(kind, wanted["metadata"]["name"], [_said(one, path) for one, path in clashes])
    ownership.lose(differs)
    thing = copy.deepcopy(live or {"metadata": wanted["metadata"]})
    for path in sorted(ownership.mine.paths - wants.keys(), key=len):
        _give_up(thing, path, ownership.others)
    for path, value in wants.items():
        if value != fields.ITEM or not path[-1].startswith("k:"):
            fields.place(thing, path, copy.deepcopy(value))
    ownership.mine.paths = set(wants)
    ownership.write(thing)
    return thing


def _give_up(thing, path, others):
    """A field that was applied and is no longer: it goes, unless somebody else owns it, or what is in it."""
    if not fields.is_key(path) and not any(
        one[: len(path)] == path for other in others for one in other.paths
    ):
        fields.remove(thing, path)


def _said(entry, path):
    subresource = f' with subresource "{entry.subresource}"' if entry.subresource else ""
    version = f" using {entry.version}" if entry.operation == UPDATE else ""
    return f'"{entry.manager}"{subresource}{version}', fields.shown(path)
