#!/usr/bin/env python3
"""A server of difficult manners, to see whether a mesh preserves them. One port, one behaviour:

    base+0  report    one line, a tag; answers what this server observed under that tag, as JSON
    base+1  banner    speaks first; then echoes lines until the client ends its side, says bye, closes
    base+2  sink      reads until the client ends its side, then answers how much and its digest
    base+3  source    sends a body and ends its side, then goes on reading; observed under the tag
    base+4  reset     answers one line, reads one line, then resets the connection
    base+5  victim    answers one line, then waits for whatever end comes; observed under the tag
    base+6  echo      answers each line with itself and the peer's address, until the client ends

Every client but the banner's first sends a line of JSON: {"tag", "size", "pause", "rate"}, as needed.
"""

import errno
import hashlib
import json
import resource
import socket
import struct
import sys
import threading
import time

from pattern import blocks

observed = {}
now_open, most_open = 0, 0
lock = threading.Lock()


def observe(tag, **facts):
    with lock:
        observed.setdefault(tag, {}).update(facts)


def read_line(connection):
    """One line, byte by byte: what follows it must stay in the socket."""
    line = bytearray()
    while not line.endswith(b"\n"):
        part = connection.recv(1)
        if not part:
            return None
        line += part
    return bytes(line)


def request(connection):
    line = read_line(connection)
    return json.loads(line) if line else None


def name_of_end(read):
    """How a connection ended: eof, reset, or the error's name."""
    try:
        while read():
            pass
        return "eof"
    except ConnectionResetError:
        return "reset"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def paced(connection, ask):
    """The rest of the stream in parts, no faster than asked: a pause first, then a rate in bytes a second."""
    time.sleep(ask.get("pause", 0))
    rate, started, total = ask.get("rate", 0), time.monotonic(), 0
    while part := connection.recv(1 << 18):
        total += len(part)
        yield part
        if rate:
            time.sleep(max(0, total / rate - (time.monotonic() - started)))


def report(connection, peer):
    tag = (read_line(connection) or b"").decode().strip()
    with lock:
        answer = {**observed.get(tag, {}), "mostOpen": most_open}
    connection.sendall(json.dumps(answer).encode())


def banner(connection, peer):
    connection.sendall(b"220 ready\r\n")
    while line := read_line(connection):
        connection.sendall(line)
    connection.sendall(b"221 bye\r\n")


def sink(connection, peer):
    ask, total, sha = request(connection), 0, hashlib.sha256()
    for part in paced(connection, ask):
        total += len(part)
        sha.update(part)
    answer = {"bytes": total, "sha256": sha.hexdigest(), "peer": peer}
    connection.sendall(json.dumps(answer).encode())


def source(connection, peer):
    ask = request(connection)
    for block in blocks(ask["size"]):
        connection.sendall(block)
    connection.shutdown(socket.SHUT_WR)
    total, sha = 0, hashlib.sha256()
    while part := connection.recv(1 << 18):
        total += len(part)
        sha.update(part)
    observe(ask["tag"], bytes=total, sha256=sha.hexdigest(), end="eof", peer=peer)


def resets(connection, peer):
    request(connection)
    connection.sendall(b"ready\n")
    read_line(connection)
    reset(connection)


def victim(connection, peer):
    ask = request(connection)
    connection.sendall(b"ready\n")
    observe(ask["tag"], end=name_of_end(lambda: connection.recv(1 << 16)), peer=peer)


def echo(connection, peer):
    global now_open, most_open
    with lock:
        now_open += 1
        most_open = max(most_open, now_open)
    try:
        while line := read_line(connection):
            connection.sendall(line.rstrip(b"\n") + b" " + peer.encode() + b"\n")
    finally:
        with lock:
            now_open -= 1


def serve(listener, behaviour):
    while True:
        connection, address = listener.accept()
        threading.Thread(target=answer, args=(connection, address, behaviour), daemon=True).start()


def answer(connection, address, behaviour):
    peer = address[0].removeprefix("::ffff:")
    try:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            behaviour(connection, peer)
    except (OSError, ValueError, TypeError) as error:
        sys.stderr.write(f"{behaviour.__name__} {peer}: {error!r}\n")


def listen(port):
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", port))
    listener.listen(4096)
    return listener


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    threading.stack_size(256 * 1024)
    base = int(sys.argv[1]) if len(sys.argv) > 1 else 7000
    behaviours = [report, banner, sink, source, resets, victim, echo]
    threads = []
    for offset, behaviour in enumerate(behaviours):
        arguments = (listen(base + offset), behaviour)
        threads.append(threading.Thread(target=serve, args=arguments))
        threads[-1].start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
