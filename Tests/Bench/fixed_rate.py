"""Requests at a fixed rate, each timed from when it should have been sent: a slow answer does not hide the
waits of those behind it (coordinated omission). Runs where the load is; prints one JSON line.

    fixed_rate.py ADDRESS PORT RATE CONNECTIONS SECONDS
"""

import collections
import ctypes
import gc
import json
import select
import socket
import sys
import time

_PR_SET_TIMERSLACK = 29


class Asker:
    """One kept connection with at most one request in flight."""

    def __init__(self, address, port):
        self.socket = socket.create_connection((address, port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = f"GET / HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
        self.due, self.answer = 0.0, b""

    def fileno(self):
        return self.socket.fileno()

    def ask(self, due):
        self.due, self.answer = due, b""
        self.socket.sendall(self.request)

    def is_answered(self):
        """Takes what has come; whether it was the rest of the answer."""
        got = self.socket.recv(65536)
        if not got:
            raise SystemExit("a connection ended")
        self.answer += got
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"answered {head[:40]!r}")
        length = next(
            int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        return len(body) >= length


def main():
    address, port, rate, connections, seconds = sys.argv[1], *map(int, sys.argv[2:6])
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    gc.disable()
    free = collections.deque(Asker(address, port) for _ in range(connections))
    late, busy, taken = collections.deque(), set(), []
    due = time.perf_counter()
    end = due + seconds
    while due < end or late or busy:
        now = time.perf_counter()
        if now > end + 10:
            raise SystemExit("answers do not come")
        while due <= now and due < end:
            late.append(due)
            due += 1 / rate
        while late and free:
            one = free.popleft()
            one.ask(late.popleft())
            busy.add(one)
        wait = max(0.0, due - time.perf_counter()) if due < end else 1.0
        for one in select.select(busy, [], [], wait)[0]:
            if one.is_answered():
                taken.append(time.perf_counter() - one.due)
                busy.discard(one)
                free.append(one)
    taken.sort()
    points = {"p50_us": 0.5, "p99_us": 0.99, "p999_us": 0.999}
    print(json.dumps({name: taken[int(len(taken) * share)] * 1e6 for name, share in points.items()}))


if __name__ == "__main__":
    main()
