"""The judge of row 2 must be able to condemn: synthetic packets, and real ones between two namespaces."""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from EndToEnd import netns, tls_records
from EndToEnd.authority import Authority
from EndToEnd.capture import ACK, SYN, TCP, Capture, Packet, appears, flows, parse
from EndToEnd.intruder import RogueServer, dial

CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 15008)


def segment(source, destination, sequence, payload=b"", flags=ACK):
    return Packet(source[0], destination[0], TCP, source[1], destination[1], sequence, flags, payload)


def record(kind, content):
    return struct.pack("!BHH", kind, 0x0303, len(content)) + content


def hello(kind, version=0x0304, cipher=0x1301):
    extension = struct.pack("!HHH", tls_records.SUPPORTED_VERSIONS, 2, version)
    body = b"\x03\x03" + bytes(32) + b"\0" + struct.pack("!HBH", cipher, 0, len(extension)) + extension
    return record(tls_records.HANDSHAKE, bytes([kind]) + len(body).to_bytes(3, "big") + body)


def conversation(client_says, server_says):
    """The packets of a connection, each side's bytes in two segments, the second of them sent first."""
    packets = [segment(CLIENT, SERVER, 99, flags=SYN), segment(SERVER, CLIENT, 499, flags=SYN | ACK)]
    for ends, first, said in ((CLIENT, 100, client_says), (SERVER, 500, server_says)):
        other = SERVER if ends is CLIENT else CLIENT
        half = len(said) // 2
        packets += [segment(ends, other, first + half, said[half:]), segment(ends, other, first, said[:half])]
        packets.append(segment(ends, other, first, said[:half]))  # and once more, as a retransmission
    return packets


class Judging(unittest.TestCase):
    sealed = record(tls_records.APPLICATION_DATA, b"x" * 100)

    def judge(self, client_says, server_says):
        found = flows(conversation(client_says, server_says))
        self.assertEqual([(flow.client, flow.server) for flow in found], [(CLIENT, SERVER)])
        self.assertEqual((found[0].said_by_client, found[0].said_by_server), (client_says, server_says))
        return tls_records.judge(found[0])

    def test_tls_1_3_is_recognized(self):
        verdict = self.judge(hello(1) + self.sealed, hello(2) + self.sealed * 3)
        self.assertEqual(verdict, (0x0304, "TLS_AES_128_GCM_SHA256"))

    def test_an_older_version_is_told(self):
        self.assertEqual(self.judge(hello(1), hello(2, version=0x0303))[0], 0x0303)

    def test_plaintext_is_not_tls(self):
        for client, server in (
            (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
            (hello(1) + b"GET / HTTP/1.1\r\n", hello(2) + self.sealed),
            (hello(1), hello(2) + self.sealed + b"plain text after all"),
        ):
            with self.assertRaises(tls_records.NotTLS):
                self.judge(client, server)

    def test_a_marker_is_found(self):
        packets = conversation(b"....secret....secret", b"")
        self.assertTrue(appears(packets, b"secret"))
        self.assertFalse(appears(packets, b"Secret"))

    def test_frames_are_parsed(self):
        tcp = struct.pack("!HHIIBBHHH", 1, 2, 7, 0, 5 << 4, ACK, 0, 0, 0) + b"hi"
        four = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, TCP, 0, bytes(4), bytes(4))
        frame = bytes(12) + b"\x08\x00" + four + tcp + b"padding"
        self.assertEqual(parse(frame), Packet("0.0.0.0", "0.0.0.0", TCP, 1, 2, 7, ACK, b"hi"))
        six = struct.pack("!IHBB16s16s", 6 << 28, len(tcp), TCP, 64, bytes(16), bytes(15) + b"\x01")
        frame = bytes(12) + b"\x86\xdd" + six + tcp
        self.assertEqual(parse(frame), Packet("::", "::1", TCP, 1, 2, 7, ACK, b"hi"))
        self.assertIsNone(parse(bytes(60)))


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("ip"), "not root: namespaces need it")
class Live(unittest.TestCase):
    """A real capture of real TLS and of real plaintext, and real certificates refused."""

    @classmethod
    def setUpClass(cls):
        cls.names = [f"apus-t-{os.getpid()}-{end}" for end in "ab"]
        cls.addClassCleanup(cls.discard)
        for name in cls.names:
            cls.ip("netns", "add", name)
        ends = ["name", "a0", "netns", cls.names[0], "type", "veth", "peer", "b0", "netns", cls.names[1]]
        cls.ip("link", "add", *ends)
        for name, link, address in zip(cls.names, ("a0", "b0"), ("10.9.9.1/24", "10.9.9.2/24")):
            cls.ip("-n", name, "addr", "add", address, "dev", link)
            cls.ip("-n", name, "link", "set", link, "up")
        cls.a, cls.b = (f"/run/netns/{name}" for name in cls.names)
        cls.folder = tempfile.mkdtemp()
        cls.authority = Authority(f"{cls.folder}/one", "one")
        cls.stranger = Authority(f"{cls.folder}/two", "two")

    @classmethod
    def ip(cls, *words):
        subprocess.run(["ip", *words], check=True, capture_output=True)

    @classmethod
    def discard(cls):
        for name in cls.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        shutil.rmtree(getattr(cls, "folder", ""), ignore_errors=True)

    def test_tls_is_told_from_plaintext(self):
        pair, root = self.authority.issue("spiffe://a/ns/b/sa/c"), self.authority.root.certificate
        with Capture([self.a, self.b]) as capture:
            with RogueServer(self.b, pair, root) as server:
                outcome = dial(self.a, "10.9.9.2", root, pair)
                self.assertEqual(outcome.identities, ("spiffe://a/ns/b/sa/c",))
                self.assertEqual(server.handshakes, 1)
                self.assertTrue(server.heard.startswith(b"PRI * HTTP/2.0"))
            plain = netns.inside(self.b, lambda: socket.create_server(("10.9.9.2", 80)))
            client = netns.inside(self.a, lambda: socket.create_connection(("10.9.9.2", 80)))
            client.sendall(b"a marker in clear")
            accepted = plain.accept()[0]
            accepted.recv(100)
            for one in (accepted, client, plain):
                one.close()
            time.sleep(0.1)  # let the last segments come in; nothing depends on how many do
        found = {flow.server[1]: flow for flow in flows(capture.packets)}
        self.assertEqual(tls_records.judge(found[15008])[0], tls_records.TLS_1_3)
        self.assertTrue(appears(capture.packets, b"marker in clear"))
        self.assertFalse(appears(capture.packets, b"PRI * HTTP/2.0"))
        self.assertEqual(capture.lost, 0)

    def test_forged_certificates_are_what_they_claim(self):
        root, right = self.authority.root.certificate, self.authority.issue("spiffe://a/ns/b/sa/c")
        forged = {
            "stranger": self.stranger.issue("spiffe://a/ns/b/sa/c"),
            "expired": self.authority.issue_expired("spiffe://a/ns/b/sa/c"),
            "none": None,
        }
        for name, pair in forged.items():
            with RogueServer(self.b, right, root) as server:
                self.assertFalse(dial(self.a, "10.9.9.2", root, pair).accepted, name)
                self.assertEqual(server.handshakes, 0, name)
        for name in ("stranger", "expired"):
            with RogueServer(self.b, forged[name], root) as server:
                self.assertFalse(dial(self.a, "10.9.9.2", root, right).accepted, name)


if __name__ == "__main__":
    unittest.main()
