"""An issuer of signed tokens (JWT, RFC 7519) with keys of its own, made with the openssl command."""

import base64
import json
import subprocess
import time

RS256, ES256 = "RS256", "ES256"
COORDINATE = 32  # bytes of a number on P-256
_KEYS = {
    RS256: ("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    ES256: ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
}


class Issuer:
    """A key and what it signs. `path`: where the private key is written, for openssl to read."""

    def __init__(self, name, algorithm, kid, path):
        self.name, self.algorithm, self.kid, self.path = name, algorithm, kid, path
        _openssl(*_KEYS[algorithm], "-out", path)

    def public(self):
        """The key as a member of a key set (RFC 7517)."""
        own = {"kid": self.kid, "alg": self.algorithm, "use": "sig"}
        if self.algorithm == RS256:
            modulus = _openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().strip()
            return own | {"kty": "RSA", "n": _text(bytes.fromhex(modulus.partition("=")[2])), "e": "AQAB"}
        # The point is the last of the structure: x, then y.
        point = _openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")[-2 * COORDINATE :]
        x, y = point[:COORDINATE], point[COORDINATE:]
        return own | {"kty": "EC", "crv": "P-256", "x": _text(x), "y": _text(y)}

    def token(self, subject="alice", lives=600, **claims):
        """A token that lives so many seconds from now."""
        body = {"iss": self.name, "sub": subject, "exp": int(time.time()) + lives} | claims
        head = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT"}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (head, body))
        return f"{signed}.{_text(self.sign(signed.encode()))}"

    def sign(self, data):
        signature = _openssl("dgst", "-sha256", "-sign", self.path, input=data)
        if self.algorithm == RS256:
            return signature
        # Two numbers, DER there and of fixed width here (RFC 7518 section 3.4).
        first = 4 + signature[3]
        r, s = signature[4:first], signature[first + 2 :]
        return b"".join(number.lstrip(b"\0").rjust(COORDINATE, b"\0") for number in (r, s))


def key_set(*issuers):
    return json.dumps({"keys": [issuer.public() for issuer in issuers]})


def unsigned(token):
    """The same claims under `alg` none."""
    head, body, _ = token.split(".")
    return f"{_text(json.dumps({'alg': 'none'}).encode())}.{body}."


def altered(token, **claims):
    """The same signature under other claims."""
    head, body, signature = token.split(".")
    changed = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))) | claims
    return f"{head}.{_text(json.dumps(changed).encode())}.{signature}"


def _text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*arguments, **options):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, **options).stdout
