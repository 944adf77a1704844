"""A raw packet capture: AF_PACKET sockets in the mesh's namespaces, and what was carried between whom."""

import collections
import dataclasses
import ipaddress
import select
import socket
import struct
import threading

from . import netns

ETH_P_ALL = 0x0003
SOL_PACKET, PACKET_STATISTICS = 263, 6
PACKET_OUTGOING = 4
RECEIVE_BUFFER = 128 * 1024 * 1024
SO_RCVBUFFORCE = 33

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
TCP, UDP = 6, 17


@dataclasses.dataclass(frozen=True)
class Packet:
    """One IP packet as it came in by an interface."""

    source: str
    destination: str
    protocol: int
    source_port: int = 0
    destination_port: int = 0
    sequence: int = 0
    flags: int = 0
    payload: bytes = b""


def parse(frame):
    """The IP packet in an Ethernet frame; None for anything else."""
    if len(frame) < 34:
        return None
    kind, at = struct.unpack_from("!H", frame, 12)[0], 14
    if kind == 0x8100:
        kind, at = struct.unpack_from("!H", frame, 16)[0], 18
    if kind == 0x0800:
        length = (frame[at] & 15) * 4
        total = struct.unpack_from("!H", frame, at + 2)[0] or len(frame) - at
        protocol = frame[at + 9]
        source, destination = (str(ipaddress.IPv4Address(frame[at + n : at + n + 4])) for n in (12, 16))
        body = frame[at + length : at + total]
    elif kind == 0x86DD and len(frame) >= at + 40:
        total = struct.unpack_from("!H", frame, at + 4)[0] or len(frame) - at - 40
        protocol = frame[at + 6]
        source, destination = (str(ipaddress.IPv6Address(frame[at + n : at + n + 16])) for n in (8, 24))
        body = frame[at + 40 : at + 40 + total]
    else:
        return None
    if protocol == TCP and len(body) >= 20:
        sender, receiver, sequence = struct.unpack_from("!HHI", body)
        start = (body[12] >> 4) * 4
        return Packet(
            source, destination, protocol, sender, receiver, sequence, body[13], bytes(body[start:])
        )
    if protocol == UDP and len(body) >= 8:
        sender, receiver = struct.unpack_from("!HH", body)
        return Packet(source, destination, protocol, sender, receiver, payload=bytes(body[8:]))
    return Packet(source, destination, protocol, payload=bytes(body))


class Capture:
    """Records every packet that comes in by any interface of some namespaces, between start and stop."""

    def __init__(self, places):
        self.packets = []
        self.lost = 0
        self._ended = threading.Event()
        self._sockets = [netns.inside(place, _listening_socket) for place in places]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        buffer = bytearray(1 << 17)
        view = memoryview(buffer)
        while True:
            ready = select.select(self._sockets, [], [], 0.1)[0]
            if not ready and self._ended.is_set():
                return
            for one in ready:
                size, _, _, address = one.recvmsg_into([view])
                # A forwarded packet comes in once and goes out once; what this side sends to itself is lo's.
                if address[2] == PACKET_OUTGOING or address[0] == "lo":
                    continue
                if packet := parse(bytes(view[:size])):
                    self.packets.append(packet)

    def stop(self):
        """Ends the capture after what is queued; may be called again."""
        self._ended.set()
        self._thread.join()
        for one in self._sockets:
            self.lost += struct.unpack("II", one.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
            one.close()
        self._sockets = []
        return self

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.stop()


def _listening_socket():
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    one.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    return one


@dataclasses.dataclass
class Flow:
    """One TCP connection: who opened it, and what each side said."""

    client: tuple
    server: tuple
    said_by_client: bytes = b""
    said_by_server: bytes = b""
    opened: bool = False
    refused: bool = False


def flows(packets):
    """The TCP connections in a capture. The client sent the first SYN or, unseen, has the higher port."""
    grouped = collections.defaultdict(list)
    for packet in packets:
        if packet.protocol == TCP:
            ends = ((packet.source, packet.source_port), (packet.destination, packet.destination_port))
            grouped[tuple(sorted(ends))].append(packet)
    return [_flow(ends, some) for ends, some in grouped.items()]


def _flow(ends, packets):
    opening = [packet for packet in packets if packet.flags & (SYN | ACK) == SYN]
    if opening:
        client = (opening[0].source, opening[0].source_port)
    else:
        client = max(ends, key=lambda end: end[1])
    server = ends[0] if ends[1] == client else ends[1]
    flow = Flow(client, server, opened=bool(opening))
    flow.said_by_client = _assembled(packets, client)
    flow.said_by_server = _assembled(packets, server)
    flow.refused = any(packet.flags & RST for packet in packets) and not flow.said_by_server
    return flow


def _assembled(packets, sender):
    """What one side said, in order and each byte once; a gap ends it."""
    mine = [packet for packet in packets if (packet.source, packet.source_port) == sender]
    starts = [packet.sequence + 1 for packet in mine if packet.flags & SYN]
    parts = [packet for packet in mine if packet.payload]
    if not parts:
        return b""
    start = starts[0] if starts else min(packet.sequence for packet in parts)
    offset = lambda packet: (packet.sequence - start) % (1 << 32)  # noqa: E731
    said = bytearray()
    for packet in sorted(parts, key=offset):
        at = offset(packet)
        if at > len(said):
            if at > 1 << 31:
                continue  # before the start: a keep-alive probe
            break
        if at + len(packet.payload) > len(said):
            said += packet.payload[len(said) - at :]
    return bytes(said)


def appears(packets, marker):
    """The packets in which some bytes can be read."""
    return [packet for packet in packets if marker in packet.payload]
