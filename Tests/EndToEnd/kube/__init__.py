"""A Kubernetes API server of the tests' own: HTTPS, and the semantics that programs depend on.

with Cluster() as cluster:
    url = cluster.serve(certificate, key)
    cluster.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}})
    cluster.faults.answer(429, path="/api/v1/pods", times=2)
"""

from .answers import Refusal
from .certificates import Certificates
from .cluster import Cluster
from .identities import User

__all__ = ["Certificates", "Cluster", "Refusal", "User"]
