#!/usr/bin/env python3
"""The other end of server.py: plays one scene and prints what it observed, as one line of JSON.

    client.py SCENE HOST BASE [JSON]

The observation says nothing that may differ between two runs of a correct network, so that a scene played
through the mesh and the same scene played without it can be compared for equality.
"""

import hashlib
import json
import resource
import selectors
import socket
import struct
import sys
import time
import uuid

from pattern import blocks, digest

TIMEOUT = 60


def connect(host, port):
    connection = socket.create_connection((host, port), timeout=TIMEOUT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def ask(connection, **facts):
    connection.sendall(json.dumps(facts).encode() + b"\n")


def rest(connection):
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def end_of(connection):
    try:
        while connection.recv(1 << 16):
            pass
        return "eof"
    except ConnectionResetError:
        return "reset"


def report(host, base, tag, wanted):
    """What the server observed under a tag, asked again until it has seen what is wanted."""
    deadline = time.monotonic() + 10
    while True:
        with connect(host, base) as connection:
            connection.sendall(tag.encode() + b"\n")
            facts = json.loads(rest(connection))
        if wanted in facts or time.monotonic() > deadline:
            return facts
        time.sleep(0.05)


def banner(host, base, options):
    with connect(host, base + 1) as connection:
        first = connection.recv(64)
        connection.sendall(b"hello\n")
        echoed = connection.recv(64)
        connection.shutdown(socket.SHUT_WR)
        return {"first": first.decode(), "echoed": echoed.decode(), "last": rest(connection).decode()}


def client_ends_first(host, base, options):
    size = options.get("size", 1 << 20)
    with connect(host, base + 2) as connection:
        ask(connection, **options)
        for block in blocks(size):
            connection.sendall(block)
        connection.shutdown(socket.SHUT_WR)
        answer = json.loads(rest(connection))
    return {"bytes": answer["bytes"], "intact": answer["sha256"] == digest(size), "peer": answer["peer"]}


def server_ends_first(host, base, options):
    size, tag = options.get("size", 1 << 20), uuid.uuid4().hex
    with connect(host, base + 3) as connection:
        ask(connection, tag=tag, size=size)
        total, sha = 0, hashlib.sha256()
        time.sleep(options.get("pause", 0))
        rate, started = options.get("rate", 0), time.monotonic()
        while part := connection.recv(1 << 18):
            total += len(part)
            sha.update(part)
            if rate:
                time.sleep(max(0, total / rate - (time.monotonic() - started)))
        # The server has ended its side: ours still carries bytes.
        after = b"still talking" * 1000
        connection.sendall(after)
    facts = report(host, base, tag, "end")
    return {
        "bytes": total,
        "intact": sha.hexdigest() == digest(size),
        "afterwards": facts.get("bytes") == len(after),
        "peer": facts.get("peer"),
    }


def server_resets(host, base, options):
    with connect(host, base + 4) as connection:
        ask(connection)
        ready = connection.recv(16)
        connection.sendall(b"now\n")
        return {"ready": ready.decode(), "end": end_of(connection)}


def client_resets(host, base, options):
    tag = uuid.uuid4().hex
    connection = connect(host, base + 5)
    ask(connection, tag=tag)
    ready = connection.recv(16)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return {"ready": ready.decode(), "end": report(host, base, tag, "end").get("end")}


def crowd(host, base, options):
    """Many connections, all open at once, each answered twice and then ended in order."""
    count = options["count"]
    address = socket.getaddrinfo(host, base + 6, type=socket.SOCK_STREAM)[0]
    selector, members = selectors.DefaultSelector(), []
    for number in range(count):
        member = socket.socket(address[0], socket.SOCK_STREAM)
        member.setblocking(False)
        member.connect_ex(address[4])
        members.append(member)
    answers = [converse(selector, members, word) for word in ("first", "second")]
    for member in members:
        member.shutdown(socket.SHUT_WR)
    ended = 0
    for member in members:
        member.settimeout(TIMEOUT)
        ended += end_of(member) == "eof"
        member.close()
    peers = {peer for answer in answers for peer in answer.values()}
    facts = report(host, base, "", "mostOpen")
    return {
        "open": min(facts["mostOpen"], count),
        "answered": [len(answer) for answer in answers],
        "ended": ended,
        "peers": sorted(peers),
    }


def converse(selector, members, word):
    """Each member says its own line and is answered with that line and its address; member -> address."""
    lines = {member: f"{word} {number}".encode() for number, member in enumerate(members)}
    answers, partial = {}, {member: b"" for member in members}
    for member in members:
        selector.register(member, selectors.EVENT_WRITE)
    waiting, deadline = set(members), time.monotonic() + TIMEOUT
    while waiting and time.monotonic() < deadline:
        for key, events in selector.select(1):
            member = key.fileobj
            try:
                if events & selectors.EVENT_WRITE:
                    member.sendall(lines[member] + b"\n")
                    selector.modify(member, selectors.EVENT_READ)
                    continue
                part = member.recv(256)
            except OSError:
                part = b""
            partial[member] += part
            if not part or partial[member].endswith(b"\n"):
                selector.unregister(member)
                waiting.discard(member)
                said, _, peer = partial[member].rstrip(b"\n").rpartition(b" ")
                if said == lines[member]:
                    answers[member] = peer.decode()
    for member in waiting:
        selector.unregister(member)
    return answers


SCENES = {
    "banner": banner,
    "client-ends-first": client_ends_first,
    "server-ends-first": server_ends_first,
    "server-resets": server_resets,
    "client-resets": client_resets,
    "crowd": crowd,
}


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    scene, host, base = sys.argv[1], sys.argv[2], int(sys.argv[3])
    options = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
    try:
        observation = SCENES[scene](host, base, options)
    except (OSError, ValueError) as error:
        observation = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(observation))
    return 1 if "error" in observation else 0


if __name__ == "__main__":
    sys.exit(main())
