"""Certificates of servers by their addresses and of users by their names, made with the openssl command."""

import subprocess

from ..authority import Pair

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30")


class Certificates:
    """An authority in a folder, for a cluster and those who talk to it."""

    def __init__(self, folder, name="kubernetes"):
        self._folder, self._issued = folder, 0
        self.root = Pair(f"{folder}/{name}.crt", f"{folder}/{name}.key")
        constraints = "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"
        self._make(self.root, f"/CN={name}", *constraints)

    def server(self, *names):
        """A server's certificate for IP addresses and names of hosts."""
        kinds = (
            f"IP:{name}" if name.replace(".", "").isdigit() or ":" in name else f"DNS:{name}"
            for name in names
        )
        return self._issue("/CN=kube-apiserver", f"subjectAltName={','.join(kinds)}", "serverAuth")

    def user(self, name, *groups):
        """A user's certificate, as kubeconfig files hold them."""
        return self._issue(f"/CN={name}" + "".join(f"/O={group}" for group in groups), None, "clientAuth")

    def _issue(self, subject, names, usage):
        self._issued += 1
        pair = Pair(f"{self._folder}/kube{self._issued}.crt", f"{self._folder}/kube{self._issued}.key")
        extensions = [
            f"extendedKeyUsage={usage}",
            "basicConstraints=critical,CA:FALSE",
            *([names] if names else []),
        ]
        self._make(pair, subject, *extensions, signer=self.root)
        return pair

    def _make(self, pair, subject, *extensions, signer=None):
        by = ("-CA", signer.certificate, "-CAkey", signer.key) if signer else ()
        added = [word for extension in extensions for word in ("-addext", extension)]
        subprocess.run(
            ["openssl", "req", "-x509", "-new", *_CURVE, *by, "-subj", subject, *added, "-keyout", pair.key,
             "-out", pair.certificate],
            check=True, capture_output=True,
        )  # fmt: skip
