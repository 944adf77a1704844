"""CustomResourceDefinitions: those of Istio and of the Gateway API, and what any of them makes served."""

from .kinds import Kind

V1 = ("v1", "v1beta1")
NETWORKING = ("v1", "v1beta1", "v1alpha3")
DEFINITIONS = "CustomResourceDefinition"
# Kind, plural and served versions of each group.
KNOWN = {
    "security.istio.io": (
        ("AuthorizationPolicy", "authorizationpolicies", V1),
        ("PeerAuthentication", "peerauthentications", V1),
        ("RequestAuthentication", "requestauthentications", V1),
    ),
    "networking.istio.io": (
        ("VirtualService", "virtualservices", NETWORKING),
        ("DestinationRule", "destinationrules", NETWORKING),
        ("ServiceEntry", "serviceentries", NETWORKING),
        ("Sidecar", "sidecars", NETWORKING),
        ("Gateway", "gateways", NETWORKING),
        ("WorkloadEntry", "workloadentries", NETWORKING),
        ("WorkloadGroup", "workloadgroups", NETWORKING),
        ("ProxyConfig", "proxyconfigs", ("v1beta1",)),
        ("EnvoyFilter", "envoyfilters", ("v1alpha3",)),
    ),
    "telemetry.istio.io": (("Telemetry", "telemetries", ("v1", "v1alpha1")),),
    "gateway.networking.k8s.io": (
        ("GatewayClass", "gatewayclasses", V1),
        ("Gateway", "gateways", V1),
        ("HTTPRoute", "httproutes", V1),
        ("GRPCRoute", "grpcroutes", ("v1", "v1alpha2")),
        ("ReferenceGrant", "referencegrants", ("v1beta1", "v1alpha2")),
        ("TCPRoute", "tcproutes", ("v1alpha2",)),
        ("TLSRoute", "tlsroutes", ("v1alpha2",)),
        ("UDPRoute", "udproutes", ("v1alpha2",)),
    ),
}
CLUSTER_SCOPED, WITHOUT_STATUS = {"GatewayClass"}, {"ReferenceGrant"}


def known(group, kinds=None):
    """The definitions of a known group as objects; only those of some kinds, if told so."""
    for kind, plural, versions in KNOWN[group]:
        if kinds is None or kind in kinds:
            yield definition(group, kind, plural, versions)


def definition(group, kind, plural, versions):
    subresources = {} if kind in WITHOUT_STATUS else {"subresources": {"status": {}}}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    listed = [
        {"name": version, "served": True, "storage": version == versions[0], "schema": schema} | subresources
        for version in versions
    ]
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    spec = {"group": group, "scope": "Cluster" if kind in CLUSTER_SCOPED else "Namespaced", "names": names}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": DEFINITIONS,
        "metadata": {"name": f"{plural}.{group}"},
        "spec": spec | {"versions": listed},
    }


def kind_of(thing):
    """What a definition makes served, or None when none of its versions is."""
    spec = thing["spec"]
    names, served = spec["names"], [one for one in spec["versions"] if one.get("served")]
    if not served:
        return None
    status = any("status" in (one.get("subresources") or {}) for one in served)
    return Kind(
        spec["group"], tuple(one["name"] for one in served), names["kind"], names["plural"],
        namespaced=spec["scope"] == "Namespaced", status=status, generation=True, custom=True,
        short=tuple(names.get("shortNames") or ()),
    )  # fmt: skip


def accepted(thing, now):
    """The status of a definition once its kind is served."""

    def condition(type, reason):
        return {"type": type, "status": "True", "reason": reason, "lastTransitionTime": now}

    stored = [one["name"] for one in thing["spec"]["versions"] if one.get("storage")]
    conditions = [condition("NamesAccepted", "NoConflicts"), condition("Established", "InitialNamesAccepted")]
    return {"conditions": conditions, "acceptedNames": thing["spec"]["names"], "storedVersions": stored}
