"""A certificate authority of the demo's own, made with the openssl command: what the mesh is told to trust,
and what an intruder would forge."""

import dataclasses
import os
import subprocess

_CONFIG = """\
[ca]
default_ca = one
[one]
dir = {folder}
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
organizationName = optional
commonName = optional
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = critical, {names}
"""


@dataclasses.dataclass(frozen=True)
class Pair:
    """Files with a certificate and its key."""

    certificate: str
    key: str


class Authority:
    """A root on the P-256 curve, which signs whatever it is asked to."""

    def __init__(self, folder, name):
        os.makedirs(folder, mode=0o700)
        self.folder = folder
        self.root = Pair(f"{folder}/root.crt", f"{folder}/root.key")
        self._issued = 0
        _key(self.root.key)
        _openssl(
            "req", "-x509", "-new", "-key", self.root.key, "-out", self.root.certificate, "-days", "30",
            "-subj", f"/O={name}", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip
        open(f"{folder}/index.txt", "w", encoding="utf-8").close()
        with open(f"{folder}/serial", "w", encoding="utf-8") as file:
            file.write("1000\n")

    def issue(self, *identities, first="20240101000000Z", last="20490101000000Z"):
        """A leaf whose subject alternative names are these URIs, good between two ASN.1 times."""
        self._issued += 1
        leaf = Pair(f"{self.folder}/{self._issued}.crt", f"{self.folder}/{self._issued}.key")
        config, request = f"{self.folder}/{self._issued}.cnf", f"{self.folder}/{self._issued}.csr"
        with open(config, "w", encoding="utf-8") as file:
            names = ", ".join(f"URI:{identity}" for identity in identities)
            file.write(_CONFIG.format(folder=self.folder, names=names))
        _key(leaf.key)
        _openssl("req", "-new", "-key", leaf.key, "-out", request, "-subj", "/O=apus-demo")
        _openssl(
            "ca", "-batch", "-notext", "-config", config, "-extensions", "leaf", "-in", request,
            "-out", leaf.certificate, "-cert", self.root.certificate, "-keyfile", self.root.key,
            "-startdate", first, "-enddate", last,
        )  # fmt: skip
        return leaf

    def issue_expired(self, *identities):
        return self.issue(*identities, first="20200101000000Z", last="20200102000000Z")


def _key(path):
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)


def _openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True)
