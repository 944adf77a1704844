"""Enough of RFC 8446 to say what a captured byte stream is: TLS records, and what its ServerHello chose."""

import struct

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO = 1, 2
SUPPORTED_VERSIONS = 43
TLS_1_3 = 0x0304
LARGEST_RECORD = (1 << 14) + 256
CIPHERS = {0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384"}


class NotTLS(Exception):
    """The bytes are not a sequence of TLS records."""


def records(stream):
    """The (type, content) of each record; a last one that is cut short is left out."""
    at = 0
    while at + 5 <= len(stream):
        kind, version, size = struct.unpack_from("!BHH", stream, at)
        if kind not in (CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA):
            raise NotTLS(f"record type {kind} at byte {at}: {stream[at : at + 16]!r}")
        if version not in (0x0301, 0x0303) or size > LARGEST_RECORD:
            raise NotTLS(f"record version {version:#06x}, size {size} at byte {at}")
        yield kind, stream[at + 5 : at + 5 + size]
        at += 5 + size


def hello(stream, wanted):
    """The body of the stream's first handshake message, which must be of the wanted type."""
    for kind, content in records(stream):
        if kind != HANDSHAKE or len(content) < 4 or content[0] != wanted:
            raise NotTLS(f"the stream begins with record type {kind}, not with hello {wanted}")
        return content[4 : 4 + int.from_bytes(content[1:4], "big")]
    raise NotTLS("the stream has no record")


def server_hello(stream):
    """(version, cipher suite) that the server chose."""
    body = hello(stream, SERVER_HELLO)
    at = 34 + 1 + body[34]
    cipher = struct.unpack_from("!H", body, at)[0]
    at += 3
    end = at + 2 + struct.unpack_from("!H", body, at)[0]
    version, at = struct.unpack_from("!H", body)[0], at + 2
    while at + 4 <= end:
        kind, size = struct.unpack_from("!HH", body, at)
        if kind == SUPPORTED_VERSIONS and size == 2:
            version = struct.unpack_from("!H", body, at + 4)[0]
        at += 4 + size
    return version, cipher


def judge(flow):
    """(version, cipher name) of a captured connection; NotTLS when anything in it is not TLS."""
    hello(flow.said_by_client, CLIENT_HELLO)
    version, cipher = server_hello(flow.said_by_server)
    for side in (flow.said_by_client, flow.said_by_server):
        # TLS 1.3 says one hello in clear (two after a HelloRetryRequest); the rest is sealed.
        clear = [kind for kind, _ in records(side)].count(HANDSHAKE)
        if clear > 2:
            raise NotTLS(f"{clear} handshake records in clear")
    return version, CIPHERS.get(cipher, f"{cipher:#06x}")
