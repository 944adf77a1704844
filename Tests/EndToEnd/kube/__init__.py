"""A Kubernetes API server of the tests' own: HTTPS, and the semantics that programs depend on.

    with Cluster() as cluster:
        url = cluster.serve(certificate, key)
        cluster.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}})
        cluster.faults.answer(429, path="/api/v1/pods", times=2)
        cluster.wait(lambda: cluster.counters.total(verb="list", resource="pods", code=200))

Where it is simpler than a real server:
- Objects are not validated but for what is in their metadata, and hardly any field is filled in.
- Nothing runs that a controller does, but for garbage collection: a test plays the others (`on_change`).
- What is deleted is gone at once, with what it owns and what is in the namespace, unless a finalizer holds
  it; `objects.graceful_pods` gives pods their time.
- All resources have one window of changes, and pages are of a version as long as that is in the window.
- There is JSON only: no protobuf, no tables, no OpenAPI. Subresources other than status are not served.
"""

from .answers import Refusal
from .certificates import Certificates
from .cluster import Cluster
from .identities import User

__all__ = ["Certificates", "Cluster", "Refusal", "User"]
