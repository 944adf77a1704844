"""Peers that are not Apus, over Python's own TLS: an HBONE client with any certificate, a rogue server."""

import dataclasses
import socket
import ssl
import struct
import threading

from . import netns

HBONE = 15008
TIMEOUT = 5
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS = 0x1, 0x4
STATUS_200 = 0x88  # RFC 7541, appendix A, index 8


@dataclasses.dataclass
class Outcome:
    """How a dial to port 15008 ended."""

    accepted: bool
    reason: str
    identities: tuple = ()
    reply: bytes = b""


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def literal(name, value):
    """An HPACK literal header field without indexing, in plain octets (RFC 7541, section 6.2.2)."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def client_settings(root, pair):
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings.minimum_version = ssl.TLSVersion.TLSv1_3
    settings.check_hostname = False
    settings.load_verify_locations(root)
    settings.set_alpn_protocols(["h2"])
    if pair:
        settings.load_cert_chain(pair.certificate, pair.key)
    return settings


def dial(place, address, root, pair, target=None, request=b"", fields=()):
    """Dials an agent's port 15008 from the namespace at `place`, showing a pair or nothing.

    Accepted means that the agent answered HTTP/2 with its settings; with a target, that CONNECT was answered
    with 200, and then the reply to `request` is read. `fields` are (name, value) pairs for the CONNECT.
    """
    try:
        plain = netns.inside(place, lambda: socket.create_connection((address, HBONE), timeout=TIMEOUT))
    except OSError as error:
        return Outcome(False, f"no connection: {error}")
    identities = ()
    try:
        with plain, client_settings(root, pair).wrap_socket(plain) as session:
            names = session.getpeercert().get("subjectAltName", ())
            identities = tuple(value for kind, value in names if kind == "URI")
            return converse(session, identities, target, request, fields)
    except (ssl.SSLError, OSError) as error:
        # OpenSSL's word on the certificate, where that was it, says more than "verify failed".
        reason = getattr(error, "verify_message", None) or getattr(error, "reason", None)
        reason = reason or str(error) or type(error).__name__
        return Outcome(False, str(reason).replace("_", " ").lower(), identities)


def converse(session, identities, target, request, fields=()):
    opening = PREFACE + frame(SETTINGS, 0, 0)
    if target:
        block = literal(b":method", b"CONNECT") + literal(b":authority", target.encode())
        block += b"".join(literal(name.encode(), value.encode()) for name, value in fields)
        opening += frame(HEADERS, END_HEADERS, 1, block)
    session.sendall(opening)
    reply, status = b"", None
    while True:
        header = exactly(session, 9)
        if not header:
            return Outcome(False, "closed without a word", identities, reply)
        size, kind, flags = int.from_bytes(header[:3], "big"), header[3], header[4]
        payload = exactly(session, size) if size else b""
        if kind == SETTINGS and not flags & 1:
            session.sendall(frame(SETTINGS, 1, 0))
            if not target:
                return Outcome(True, "settings received", identities)
        elif kind == HEADERS:
            status = payload[0]
            if status != STATUS_200:
                return Outcome(False, "CONNECT refused", identities)
            session.sendall(frame(DATA, 0, 1, request))
        elif kind == DATA:
            reply += payload
            if b"\r\n\r\n" in reply:
                return Outcome(True, "answered", identities, reply)
        elif kind == GOAWAY or kind == RST_STREAM:
            return Outcome(status == STATUS_200, "ended by the agent", identities, reply)


def exactly(session, size):
    data = b""
    while len(data) < size:
        part = session.recv(size - len(data))
        if not part:
            return b""
        data += part
    return data


class OpenTunnel:
    """A hand-made peer with one CONNECT open, on whose stream it asks a shop server again and again."""

    def __init__(self, place, address, root, pair, target):
        plain = netns.inside(place, lambda: socket.create_connection((address, HBONE), timeout=TIMEOUT))
        self.end = None
        self._session = client_settings(root, pair).wrap_socket(plain)
        block = literal(b":method", b"CONNECT") + literal(b":authority", target.encode())
        self._send(PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1, block))
        self._request = f"GET / HTTP/1.1\r\nhost: {target}\r\n\r\n".encode()

    def ask(self):
        """Whether a request on the stream is answered; `end` says why not."""
        if not self._send(frame(DATA, 0, 1, self._request)):
            return False
        answer = b""
        try:
            # The shop's answers end with a line end after the JSON.
            while not (b"\r\n\r\n" in answer and answer.endswith(b"}\n")):
                header = exactly(self._session, 9)
                if not header:
                    self.end = "closed"
                    return False
                size, kind, flags = int.from_bytes(header[:3], "big"), header[3], header[4]
                payload = exactly(self._session, size) if size else b""
                if kind == DATA:
                    answer += payload
                elif kind == RST_STREAM or (kind == HEADERS and payload[0] != STATUS_200):
                    self.end = "refused"
                    return False
                elif kind in (SETTINGS, PING) and not flags & 1:
                    self._send(frame(kind, 1, 0, payload if kind == PING else b""))
        except (ssl.SSLError, OSError) as error:
            self.end = str(getattr(error, "reason", None) or error)
            return False
        return True

    def _send(self, data):
        try:
            self._session.sendall(data)
            return True
        except (ssl.SSLError, OSError) as error:
            self.end = str(getattr(error, "reason", None) or error)
            return False

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self._session.close()


class RogueServer:
    """A TLS server on port 15008 of a pod, with whatever certificate; what it could read of its callers."""

    def __init__(self, place, pair, root):
        self.heard = b""
        self.handshakes = 0
        self.refusals = []
        self._settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._settings.minimum_version = ssl.TLSVersion.TLSv1_3
        self._settings.load_cert_chain(pair.certificate, pair.key)
        self._settings.load_verify_locations(root)
        self._settings.verify_mode = ssl.CERT_REQUIRED
        self._settings.set_alpn_protocols(["h2"])
        self._listener = netns.inside(place, self._listen)
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _listen(self):
        listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("::", HBONE))
        listener.listen(64)
        listener.settimeout(0.1)
        return listener

    def _serve(self):
        while not self._ended:
            try:
                plain, _ = self._listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self._answer, args=(plain,), daemon=True).start()

    def _answer(self, plain):
        plain.settimeout(TIMEOUT)
        try:
            with plain, self._settings.wrap_socket(plain, server_side=True) as session:
                self.handshakes += 1
                # What would follow the preface on a real session is not needed to know that it was believed.
                while len(self.heard) < len(PREFACE) and (part := session.recv(4096)):
                    self.heard += part
        except (ssl.SSLError, OSError) as error:
            self.refusals.append(str(getattr(error, "reason", None) or error))

    def close(self):
        self._ended = True
        self._thread.join()
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()
