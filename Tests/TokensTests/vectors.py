#!/usr/bin/env python3
"""Writes vectors.json: key sets, and tokens that another implementation made (PyJWT over cryptography).

The private keys are made anew each time and kept by nobody.

    pip install pyjwt cryptography && python3 Tests/TokensTests/vectors.py
"""

import base64
import hashlib
import hmac
import json
import pathlib

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

NOW = 1_800_000_000
ISSUER = "https://issuer.test"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def jwk(key, kid, **more):
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = public.public_numbers()
        fields = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        numbers = public.public_numbers()
        fields = {
            "kty": "EC", "crv": f"P-{key.curve.key_size}",
            "x": number(numbers.x, size), "y": number(numbers.y, size),
        }
    else:
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        fields = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    return {**fields, "kid": kid, **more}


def claims(**more):
    return {
        "iss": ISSUER, "sub": "alice", "aud": ["shop", "bank"], "azp": "app-7",
        "exp": NOW + 3600, "nbf": NOW - 60,
        "scope": "read write", "role": "admin", "level": 7, "beta": True,
        "realm": {"access": {"roles": ["payer", "clerk"]}}, **more,
    }


def raw(header, payload, sign):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = b64(json.dumps(header).encode()) + "." + b64(body)
    return signed + "." + b64(sign(signed.encode()))


def main():
    keys = {
        "rsa": rsa.generate_private_key(65537, 2048),
        "p256": ec.generate_private_key(ec.SECP256R1()),
        "p384": ec.generate_private_key(ec.SECP384R1()),
        "ed": ed25519.Ed25519PrivateKey.generate(),
    }
    stranger = rsa.generate_private_key(65537, 2048)
    algorithms = {
        "RS256": "rsa", "RS384": "rsa", "RS512": "rsa", "PS256": "rsa", "PS384": "rsa", "PS512": "rsa",
        "ES256": "p256", "ES384": "p384", "EdDSA": "ed",
    }
    good = {a: jwt.encode(claims(), keys[k], algorithm=a, headers={"kid": k}) for a, k in algorithms.items()}

    def made(changes, **headers):
        body = {key: value for key, value in claims(**changes).items() if value is not None}
        return jwt.encode(body, keys["p256"], algorithm="ES256", headers={"kid": "p256", **headers})

    pem = keys["rsa"].public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    secret = lambda data: lambda text: hmac.new(data, text, hashlib.sha256).digest()
    fresh = lambda text: keys["ed"].sign(text)
    head = {"alg": "EdDSA", "kid": "ed", "typ": "JWT"}
    twice = json.dumps(claims())[:-1].encode() + b', "sub": "mallory"}'
    bad = {
        "token-signature": [
            jwt.encode(claims(), stranger, algorithm="RS256", headers={"kid": "rsa"}),
            jwt.encode(claims(), keys["rsa"], algorithm="RS256", headers={"kid": "p256"}),
            jwt.encode(claims(), keys["rsa"], algorithm="RS256", headers={"kid": "nobody"}),
            raw({"alg": "RS256", "kid": "ed"}, claims(), fresh),
            raw({"alg": "ES384", "kid": "p256"}, claims(), lambda t: bytes(96)),
            raw({"alg": "ES256", "kid": "p256"}, claims(), lambda t: bytes(64)),
            raw(head, claims(), lambda t: b""),
        ],
        "token-algorithm": [
            raw({"alg": "none"}, claims(), lambda t: b""),
            raw({"alg": "None"}, claims(), lambda t: b""),
            raw({"alg": "HS256", "kid": "rsa"}, claims(), secret(pem)),
            raw({"alg": "HS256", "kid": "ed"}, claims(), secret(b"")),
            raw({"alg": "rs256", "kid": "rsa"}, claims(), fresh),
            raw({"kid": "ed"}, claims(), fresh),
            raw({"alg": ["EdDSA"], "kid": "ed"}, claims(), fresh),
        ],
        "token-malformed": [
            raw({**head, "crit": ["exp"]}, claims(), fresh),
            raw({**head, "kid": 7}, claims(), fresh),
            raw(head, twice, fresh),
            raw(head, json.dumps(claims()).encode() + b" {}", fresh),
            raw(head, b"[1]", fresh),
            raw(head, claims(exp="soon"), fresh),
            raw(head, claims(exp=[1]), fresh),
            raw(head, claims(aud=["shop", 7]), fresh),
            raw(head, claims(aud={"shop": True}), fresh),
            good["ES256"] + "=", good["ES256"] + ".", "." + good["ES256"], "", "x", "..",
            good["ES256"].rsplit(".", 1)[0], good["ES256"].replace(".", " ."),
            good["ES256"] + "." + good["ES256"].rsplit(".", 1)[1],
        ],
        "token-expired": [made({"exp": exp}) for exp in (NOW - 60, NOW - 3600, 0, NOW - 60.5)],
        "token-not-yet-valid": [made({"nbf": NOW + 61}), made({"nbf": NOW + 3600})],
        "token-audience": [made({"aud": aud}) for aud in ("other", [], None, "shopx")],
        "token-issuer": [
            raw(head, claims(iss="https://other.test"), fresh), raw(head, claims(iss=ISSUER + "/"), fresh),
            raw(head, {"sub": "alice"}, fresh), raw(head, claims(iss=7), fresh),
        ],
    }
    fine = [
        made({"exp": NOW - 59}), made({"nbf": NOW + 60}), made({"aud": "bank"}),
        made({"exp": None, "nbf": None}),
        made({"exp": NOW + 0.5}), jwt.encode(claims(), keys["ed"], algorithm="EdDSA"),
        made({}, typ="at+jwt"),
    ]
    document = {
        "now": NOW,
        "issuer": ISSUER,
        "keys": {"keys": [
            jwk(keys["rsa"], "rsa", use="sig"), jwk(keys["p256"], "p256", use="sig", alg="ES256"),
            jwk(keys["p384"], "p384", key_ops=["verify"]), jwk(keys["ed"], "ed"),
            {"kty": "oct", "kid": "rsa", "k": b64(pem)}, jwk(stranger, "rsa", use="enc"),
            {"kty": "EC", "crv": "P-521", "kid": "p521", "x": "AA", "y": "AA"},
        ]},
        "stranger": {"keys": [jwk(stranger, "rsa")]},
        "good": good,
        "bad": bad,
        "fine": fine,
    }
    path = pathlib.Path(__file__).with_name("vectors.json")
    path.write_text(json.dumps(document, indent=1) + "\n")


main()
