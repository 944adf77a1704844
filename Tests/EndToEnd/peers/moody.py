#!/usr/bin/env python3
"""An HTTP/1.1 server in whatever mood it is put into, which counts the requests that reach it.

    moody.py PORT

It says of itself what POD_NAME and VERSION say. The next port, on loopback alone, takes one JSON object a
connection and answers with what was known until then:

    {}                     {"count": requests so far, "seen": {"METHOD PATH": times}}
    {"mood": "200"}        that status from now on; any number
    {"mood": "hang"}       takes requests, and answers nothing until the mood changes
    {"mood": "reset"}      takes requests, and resets their connections
    {"mood": "deaf"}       ends all connections and lets none be made: who tries waits until the mood changes
    {"forget": true}       counts from nothing again
"""

import collections
import json
import os
import socket
import struct
import sys
import threading

LARGEST_HEAD = 1 << 20
# What the kernel may have waiting for this server; deaf, it has the one connection that fills the queue.
BACKLOG, DEAF_BACKLOG = 4096, 0


class Moody:
    def __init__(self, port):
        self.port = port
        self.version, self.pod = os.environ.get("VERSION", ""), os.environ.get("POD_NAME", "")
        self.live = set()
        self.changed = threading.Condition()
        self.mood, self.seen = "200", collections.Counter()
        self.accepting = threading.Lock()
        self.filler = None
        self.listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.listener.bind(("::", port))
        self.listener.listen(BACKLOG)
        self.listener.settimeout(0.05)

    def serve(self):
        while True:
            with self.accepting:
                try:
                    connection, peer = self.listener.accept()
                except TimeoutError:
                    continue
            connection.settimeout(None)
            threading.Thread(target=self.answer, args=(connection, peer), daemon=True).start()

    def answer(self, connection, peer):
        self.live.add(connection)
        try:
            with connection, connection.makefile("rb") as read:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while line := read.readline(65_536):
                    method, path, _ = line.decode("latin-1").split(" ", 2)
                    fields = {}
                    while (field := read.readline(LARGEST_HEAD).decode("latin-1").strip()):
                        name, _, value = field.partition(":")
                        fields[name.lower()] = value.strip()
                    read.read(int(fields.get("content-length", "0")))
                    mood = self.note(f"{method} {path}")
                    if mood == "reset":
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        # Its file holds the socket open: only without it a close resets.
                        read.close()
                        return
                    facts = {"pod": self.pod, "version": self.version, "fields": fields, "peer": peer[0]}
                    body = json.dumps(facts).encode() + b"\n"
                    head = f"HTTP/1.1 {mood} Moody\r\ncontent-type: application/json\r\n"
                    connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        except (OSError, ValueError):
            pass  # a client that left
        finally:
            self.live.discard(connection)

    def note(self, request):
        """Counts a request; the mood in which to answer it, once there is one."""
        with self.changed:
            self.seen[request] += 1
            self.changed.wait_for(lambda: self.mood != "hang")
            return "200" if self.mood == "deaf" else self.mood

    def obey(self, order):
        """Takes an order; what was known until then."""
        with self.changed:
            known = {"count": sum(self.seen.values()), "seen": dict(self.seen)}
            if order.get("forget"):
                self.seen.clear()
            before, self.mood = self.mood, order.get("mood", self.mood)
            mood = self.mood
            self.changed.notify_all()
        if mood == "deaf" != before:
            self.accepting.acquire()  # nobody accepts any more
            self.listener.listen(DEAF_BACKLOG)
            for connection in list(self.live):
                connection.shutdown(socket.SHUT_RDWR)
            self.filler = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        elif before == "deaf" != mood:
            self.filler.close()
            self.listener.listen(BACKLOG)
            self.accepting.release()
        return known

    def take_orders(self):
        desk = socket.create_server(("127.0.0.1", self.port + 1))
        while True:
            connection, _ = desk.accept()
            with connection, connection.makefile("rb") as read:
                known = self.obey(json.loads(read.readline(65_536)))
                connection.sendall(json.dumps(known).encode() + b"\n")


if __name__ == "__main__":
    moody = Moody(int(sys.argv[1]))
    threading.Thread(target=moody.take_orders, daemon=True).start()
    moody.serve()
