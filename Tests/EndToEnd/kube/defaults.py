"""What a server fills in: only what the programs read."""

import base64

FIRST_ADDRESS = 10 << 24 | 96 << 16 | 10  # of services: 10.96.0.10 and on


class Defaults:
    """Fills objects in before they are stored, and hands out the addresses of services."""

    def __init__(self):
        self._address = FIRST_ADDRESS

    def fill(self, kind, thing, old):
        """Changes a thing that is new (no old one) or is to replace an old one."""
        fill = getattr(self, f"_{kind.kind.lower()}", None) if not kind.custom else None
        if fill:
            fill(thing, old)

    def _namespace(self, thing, old):
        labels = thing["metadata"].get("labels") or {}
        thing["metadata"]["labels"] = labels | {"kubernetes.io/metadata.name": thing["metadata"]["name"]}
        thing.setdefault("spec", {"finalizers": ["kubernetes"]})
        thing.setdefault("status", {"phase": "Active"})

    def _pod(self, thing, old):
        thing.setdefault("status", {"phase": "Pending"})
        spec = thing.setdefault("spec", {})
        spec.setdefault("serviceAccountName", "default")

    def _secret(self, thing, old):
        written = thing.pop("stringData", None)
        if written:
            coded = {name: base64.b64encode(text.encode()).decode() for name, text in written.items()}
            thing["data"] = (thing.get("data") or {}) | coded
        thing.setdefault("type", "Opaque")

    def _deployment(self, thing, old):
        spec = thing.setdefault("spec", {})
        if spec.get("replicas") is None:
            spec["replicas"] = 1

    def _service(self, thing, old):
        spec = thing.setdefault("spec", {})
        spec.setdefault("type", "ClusterIP")
        spec.setdefault("sessionAffinity", "None")
        for port in spec.get("ports") or []:
            port.setdefault("protocol", "TCP")
            port.setdefault("targetPort", port.get("port"))
        if spec["type"] == "ExternalName":
            return
        if not spec.get("clusterIP"):
            before = (old.get("spec") or {}).get("clusterIP") if old else None
            spec["clusterIP"] = before or self._next_address()
        if not spec.get("clusterIPs"):
            spec["clusterIPs"] = [spec["clusterIP"]]
        spec.setdefault("ipFamilies", ["IPv6" if ":" in spec["clusterIP"] else "IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")

    def _next_address(self):
        address = self._address
        self._address += 1
        return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
