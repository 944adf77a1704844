"""What a client asks first: which version this is, and what is served."""

from . import answers

VERSION = {
    "major": "1", "minor": "31", "gitVersion": "v1.31.0", "gitCommit": "", "gitTreeState": "clean",
    "buildDate": "2024-08-13T00:00:00Z", "goVersion": "go1.22.5", "compiler": "gc", "platform": "linux/amd64",
}  # fmt: skip
HEALTH = ("/healthz", "/livez", "/readyz")


def answer(kinds, path):
    """The document at a path, or None when it is not of discovery. Refusal 404 for an unknown group."""
    words = [word for word in path.split("/") if word]
    if words == ["version"]:
        return VERSION
    if words == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if words == ["apis"]:
        groups = [_group(name, versions) for name, versions in sorted(kinds.groups().items()) if name]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    if words[:1] == ["apis"] and len(words) == 2:
        if words[1] not in kinds.groups():
            raise answers.page_not_found()
        return {"kind": "APIGroup", "apiVersion": "v1"} | _group(words[1], kinds.groups()[words[1]])
    if words[:1] == ["api"] and len(words) == 2:
        return _resources(kinds, "", words[1])
    if words[:1] == ["apis"] and len(words) == 3:
        return _resources(kinds, words[1], words[2])
    return None


def _group(name, versions):
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(kinds, group, version):
    if version not in kinds.groups().get(group, ()):
        raise answers.page_not_found()
    listed = []
    for kind in kinds:
        if kind.group != group or version not in kind.versions:
            continue
        one = {"name": kind.plural, "singularName": kind.kind.lower(), "namespaced": kind.namespaced}
        one |= {"kind": kind.kind, "verbs": list(kind.verbs)}
        listed.append(one | ({"shortNames": list(kind.short)} if kind.short else {}))
        if kind.status:
            status = {"name": f"{kind.plural}/status", "singularName": "", "namespaced": kind.namespaced}
            listed.append(status | {"kind": kind.kind, "verbs": ["get", "patch", "update"]})
    listed.sort(key=lambda one: one["name"])
    together = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": together, "resources": listed}
