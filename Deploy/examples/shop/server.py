#!/usr/bin/env python3
"""The shop's HTTP/1.1 server: small, real, and honest about who it thinks is calling.

    GET  /                   who answered, and the peer address seen
    GET  /bytes?size=N       a body of N bytes, streamed
    GET  /slow?seconds=S     the answer of / after S seconds
    POST /echo               the request body, and the request header x-marker
    POST /upload             how many bytes arrived, and their SHA-256
    POST /v1/orders          order-service: places a payment with payment-service, by name
    POST /v1/payments        payment-service: takes a payment
    GET  /v1/payments        payment-service: how often each payment was taken by this pod

Only the standard library; listens on IPv4 and IPv6 alike.
"""

import hashlib
import http.client
import json
import os
import socket
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

CHUNK = 64 * 1024
LARGEST_BUFFERED_BODY = 16 * 1024 * 1024

NAME = os.environ.get("SERVICE", "shop")
VERSION = os.environ.get("VERSION", "v1")
POD = os.environ.get("POD_NAME") or os.environ.get("HOSTNAME") or socket.gethostname()
PAYMENTS = os.environ.get("PAYMENT_SERVICE", "payment-service:80")

payments = {}
payments_lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "apus-shop/1"
    sys_version = ""
    disable_nagle_algorithm = True

    # Answering

    def answer(self, value, status=200):
        body = (json.dumps(value) + "\n").encode()
        self.answer_bytes(body, "application/json", status)

    def answer_bytes(self, body, kind, status=200):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-pod", POD)
        if "x-marker" in self.headers:
            self.send_header("x-marker", self.headers["x-marker"])
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def whoami(self):
        peer, port = self.client_address[:2]
        local = self.connection.getsockname()
        return {
            "service": NAME,
            "version": VERSION,
            "pod": POD,
            "peer": unmapped(peer),
            "peerPort": port,
            "local": unmapped(local[0]),
            "path": self.path,
            "host": self.headers.get("host"),
        }

    # Reading

    def body_parts(self):
        """The request body in parts, whichever way it is framed."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            while True:
                size = int(self.rfile.readline(64).split(b";")[0], 16)
                part = self.rfile.read(size)
                self.rfile.readline(8)
                if size == 0:
                    return
                yield part
        left = int(self.headers.get("content-length", "0"))
        while left > 0:
            part = self.rfile.read(min(left, CHUNK))
            if not part:
                raise ConnectionError("the request body ended early")
            left -= len(part)
            yield part

    def body(self):
        parts, size = [], 0
        for part in self.body_parts():
            size += len(part)
            if size <= LARGEST_BUFFERED_BODY:
                parts.append(part)
        return b"".join(parts)

    # Methods

    def do_GET(self):
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if url.path == "/bytes":
            self.stream(int(query.get("size", ["0"])[0]))
        elif url.path == "/slow":
            time.sleep(min(float(query.get("seconds", ["1"])[0]), 60))
            self.answer(self.whoami())
        elif url.path == "/v1/payments":
            with payments_lock:
                self.answer(dict(payments))
        elif url.path == "/missing":
            self.answer({"error": "no such page"}, 404)
        else:
            self.answer(self.whoami())

    do_HEAD = do_GET

    def do_POST(self):
        path = urlsplit(self.path).path
        if path == "/upload":
            size, digest = 0, hashlib.sha256()
            for part in self.body_parts():
                size += len(part)
                digest.update(part)
            self.answer({"received": size, "sha256": digest.hexdigest(), **self.whoami()})
        elif path == "/v1/payments":
            self.take_payment(self.body())
        elif path == "/v1/orders":
            self.place_order(self.body())
        else:
            self.answer_bytes(self.body(), "application/octet-stream")

    def stream(self, size):
        self.send_response(200)
        self.send_header("content-type", "application/octet-stream")
        self.send_header("content-length", str(size))
        self.send_header("x-pod", POD)
        self.end_headers()
        block = bytes(range(256)) * (CHUNK // 256)
        left = size
        while left > 0:
            part = block[: min(left, CHUNK)]
            self.wfile.write(part)
            left -= len(part)

    def take_payment(self, body):
        try:
            order = json.loads(body or b"{}").get("id", "anonymous")
        except (ValueError, AttributeError):
            self.answer({"error": "the body is not a JSON object"}, 400)
            return
        with payments_lock:
            payments[order] = payments.get(order, 0) + 1
            count = payments[order]
        self.answer({"paid": order, "times": count, **self.whoami()}, 201)

    def place_order(self, body):
        host, _, port = PAYMENTS.rpartition(":")
        try:
            bank = http.client.HTTPConnection(host, int(port), timeout=10)
            bank.request("POST", "/v1/payments", body or b"{}", {"content-type": "application/json"})
            reply = bank.getresponse()
            payment = json.loads(reply.read())
            bank.close()
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.answer({"error": f"{PAYMENTS}: {error}", **self.whoami()}, 502)
            return
        self.answer({"order": self.whoami(), "payment": payment}, reply.status)

    def log_message(self, format, *arguments):
        sys.stderr.write(f"{POD} {unmapped(self.client_address[0])} {format % arguments}\n")


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 4096

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # Not HTTPServer's: that one looks its own name up.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = POD, self.server_address[1]

    def handle_error(self, request, client_address):
        sys.stderr.write(f"{POD} {unmapped(client_address[0])} {sys.exc_info()[1]!r}\n")


def unmapped(address):
    return address[7:] if address.startswith("::ffff:") else address


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else int(os.environ.get("PORT", "8080"))
    Server(("::", port), Handler).serve_forever()
