"""The kinds that are served: those of every cluster, and those of the definitions that are installed."""

import dataclasses
import re

READING = ("get", "list", "watch")
ALL = ("create", "delete", "deletecollection", *READING, "patch", "update")


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind. `versions`: the served ones, the preferred first."""

    group: str
    versions: tuple
    kind: str
    plural: str
    namespaced: bool = True
    status: bool = False  # has the subresource
    generation: bool = False  # metadata.generation is kept
    custom: bool = False  # of a CustomResourceDefinition
    verbs: tuple = ALL
    short: tuple = ()

    @property
    def resource(self):
        """As messages and roles name it: pods, deployments.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def list_kind(self):
        return f"{self.kind}List"

    def api_version(self, version):
        return f"{self.group}/{version}" if self.group else version

    def has(self, subresource):
        return subresource == "status" and self.status


def _built_in(group, version, kind, plural, traits="", **more):
    names = {"cluster": ("namespaced", False), "status": ("status", True), "generation": ("generation", True)}
    return Kind(group, (version,), kind, plural, **dict(names[word] for word in traits.split()), **more)


RBAC = "rbac.authorization.k8s.io"
BUILT_IN = (
    _built_in("", "v1", "Namespace", "namespaces", "cluster status", short=("ns",)),
    _built_in("", "v1", "Node", "nodes", "cluster status", short=("no",)),
    _built_in("", "v1", "Pod", "pods", "status", short=("po",)),
    _built_in("", "v1", "Service", "services", "status", short=("svc",)),
    _built_in("", "v1", "ServiceAccount", "serviceaccounts", short=("sa",)),
    _built_in("", "v1", "ConfigMap", "configmaps", short=("cm",)),
    _built_in("", "v1", "Secret", "secrets"),
    _built_in("", "v1", "Event", "events", short=("ev",)),
    _built_in("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "generation"),
    _built_in("apps", "v1", "Deployment", "deployments", "status generation", short=("deploy",)),
    _built_in("apps", "v1", "DaemonSet", "daemonsets", "status generation", short=("ds",)),
    _built_in("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "status generation"),
    _built_in("coordination.k8s.io", "v1", "Lease", "leases"),
    _built_in("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "generation"),
    _built_in("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", "cluster generation"),
    _built_in(RBAC, "v1", "ClusterRole", "clusterroles", "cluster"),
    _built_in(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", "cluster"),
    _built_in(RBAC, "v1", "Role", "roles"),
    _built_in(RBAC, "v1", "RoleBinding", "rolebindings"),
    _built_in(
        "admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations", "cluster generation",
    ),
    _built_in(
        "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
        "cluster status generation", short=("crd",),
    ),
    _built_in("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", "cluster", verbs=("create",)),
)  # fmt: skip


class Kinds:
    """What is served now. Not locked: the store's lock is held by whoever changes it."""

    def __init__(self):
        self._by_plural = {(kind.group, kind.plural): kind for kind in BUILT_IN}

    def __iter__(self):
        return iter(list(self._by_plural.values()))

    def install(self, kind):
        """True if this is what is served from now on and was not before."""
        before = self._by_plural.get((kind.group, kind.plural))
        self._by_plural[kind.group, kind.plural] = kind
        return before != kind

    def remove(self, group, plural):
        return self._by_plural.pop((group, plural), None)

    def served(self, group, plural, version):
        """The kind at a path, or None."""
        kind = self._by_plural.get((group, plural))
        return kind if kind and version in kind.versions else None

    def named(self, kind, group=None):
        """The kind by its name, with its group where the name alone is not enough: Gateway is of two."""
        found = [one for one in self if one.kind == kind and group in (None, one.group)]
        if len(found) != 1:
            groups = ", ".join(repr(one.group) for one in found)
            raise LookupError(f"{kind} is a kind of {groups}: say which" if found else f"no kind {kind} here")
        return found[0]

    def of(self, thing):
        """The kind of an object by its apiVersion and kind."""
        group, _, version = thing.get("apiVersion", "").rpartition("/")
        for kind in self:
            if (kind.group, kind.kind) == (group, thing.get("kind")) and version in kind.versions:
                return kind
        raise LookupError(f"{thing.get('apiVersion')} {thing.get('kind')} is not served here")

    def groups(self):
        """Each group (the core as "") and its versions, the preferred first."""
        groups = {}
        for kind in self:
            groups.setdefault(kind.group, set()).update(kind.versions)
        return {group: sorted(versions, key=_priority) for group, versions in groups.items()}


_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?$")


def _priority(version):
    """The order of versions: v2, v1, v1beta2, v1beta1, v1alpha1, then anything else by name."""
    found = _VERSION.match(version)
    if not found:
        return (3, 0, 0, version)
    stage = {None: 0, "beta": 1, "alpha": 2}[found.group(2)]
    return (stage, -int(found.group(1)), -int(found.group(3) or 0), version)
