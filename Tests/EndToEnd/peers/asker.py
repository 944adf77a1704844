#!/usr/bin/env python3
"""Asks a talker (see talker.py) and prints what came of it, one JSON value a line.

    asker.py count HOST '{"200": 40, ...}'   requests of each kind, by the status that is expected
    asker.py live HOST                       a WebSocket, events and a raw connection, until they end
"""

import collections
import json
import socket
import struct
import sys

SECRET = "never-to-be-logged"
RAW_PORT = 7000


def connect(host, port=80):
    connection = socket.create_connection((host, port), timeout=25)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def ask(connection, path, method="GET", body=b"", fields=""):
    """The status of one request on a connection that is kept; the body of the answer is read."""
    head = (
        f"{method} {path}?access_token={SECRET} HTTP/1.1\r\nhost: talker\r\nuser-agent: asker/1\r\n"
        f"cookie: session={SECRET}\r\nx-secret: {SECRET}\r\n{fields}content-length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return answer(connection)


def answer(connection):
    read = connection.makefile("rb")
    status = int(read.readline().split(b" ")[1])
    length = 0
    while (line := read.readline().strip()):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    read.read(length)
    return status


def malformed(host, head):
    """The status of a request that cannot be read; 0 when the connection ended without one."""
    with connect(host) as connection:
        try:
            connection.sendall(head)
            return answer(connection)
        except (OSError, IndexError):
            return 0


def count(host, wanted):
    seen = collections.Counter()
    for status, number in wanted.items():
        if status == "400":
            for _ in range(number):
                seen[malformed(host, b"GET / HTTP/1.1\r\nhost : talker\r\n\r\n")] += 1
        elif status == "431":
            head = b"GET / HTTP/1.1\r\nhost: talker\r\nx-large: " + b"a" * (66 << 10) + b"\r\n\r\n"
            for _ in range(number):
                seen[malformed(host, head)] += 1
        elif status == "0":
            for _ in range(number):
                with connect(host) as connection:
                    connection.sendall(b"GET /slow HTTP/1.1\r\nhost: talker\r\n\r\n")
                    # Answered by nobody within this time: what was sent has arrived.
                    connection.settimeout(1)
                    try:
                        connection.recv(1)
                    except TimeoutError:
                        seen[0] += 1
                    # A reset: who only ends its side may still be waiting.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif status == "raw":
            for _ in range(number):
                with connect(host, RAW_PORT) as connection:
                    connection.sendall(b"0123456789")
                    connection.shutdown(socket.SHUT_WR)
                    got = b""
                    while part := connection.recv(100):
                        got += part
                    seen["raw"] += got == b"0123456789"
        else:
            path = "/secret" if status == "403" else f"/status/{status}"
            with connect(host) as connection:
                for index in range(number):
                    method, body = ("POST", b"x" * 100) if index % 2 else ("GET", b"")
                    seen[ask(connection, path, method, body)] += 1
    print(json.dumps({str(key): value for key, value in seen.items()}))


def live(host):
    web = connect(host)
    web.sendall(
        b"GET /socket HTTP/1.1\r\nhost: talker\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
    web_status = answer(web)
    web.sendall(b"ping")
    echoed = web.recv(4) == b"ping"
    events = connect(host)
    events.sendall(b"GET /events HTTP/1.1\r\nhost: talker\r\n\r\n")
    streams = b"data: " in events.recv(4096) + events.recv(4096)
    raw = connect(host, RAW_PORT)
    raw.sendall(b"ping")
    relayed = raw.recv(4) == b"ping"
    print(json.dumps({"open": [web_status == 101 and echoed, streams, relayed]}), flush=True)
    print(json.dumps({name: end(one) for name, one in (("web", web), ("events", events), ("raw", raw))}))


def end(connection):
    """How a connection ended, within 25 seconds without a byte."""
    try:
        while connection.recv(65_536):
            pass
        return "eof"
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "alive"


if __name__ == "__main__":
    if sys.argv[1] == "count":
        count(sys.argv[2], json.loads(sys.argv[3]))
    else:
        live(sys.argv[2])
