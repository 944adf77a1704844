#!/usr/bin/env python3
"""Counts the orders posted to it. SIGUSR1: stop listening, go on living. SIGUSR2: listen again.

    POST /    {"id": ...}    counts it
    GET  /                   {"pod": ..., "counts": {id: times}}
"""

import http.server
import json
import os
import signal
import socket
import sys
import threading

counts = {}
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with lock:
            self.answer({"pod": os.environ.get("HOSTNAME", ""), "counts": counts})

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["content-length"])))["id"]
        with lock:
            counts[order] = counts.get(order, 0) + 1
        self.answer({"pod": os.environ.get("HOSTNAME", ""), "id": order})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 1024


def main():
    port = int(sys.argv[1])
    signals = {signal.SIGUSR1, signal.SIGUSR2}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    while True:
        server = Server(("::", port), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        while signal.sigwait(signals) != signal.SIGUSR1:
            pass
        server.shutdown()
        server.server_close()
        while signal.sigwait(signals) != signal.SIGUSR2:
            pass


if __name__ == "__main__":
    main()
