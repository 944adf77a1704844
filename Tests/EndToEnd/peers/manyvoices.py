#!/usr/bin/env python3
"""An application of many protocols, one a port, for row 26:

    base+0  HTTP/1.1    see `Web`
    base+1  a server that speaks first, then echoes lines
    base+2  HTTP/2 (prior knowledge): answers each request with what it was, and echoes WebSockets
    base+3  gRPC
    base+4  WebSockets over HTTP/1.1
"""

import asyncio
import concurrent.futures
import hashlib
import json
import select
import socketserver
import sys
import threading
import time

import grpc
import websockets
from wire import CLOSE, H2, chunked, frame, read_body, read_frame, read_head

MIB = 1 << 20


class Marks:
    """Things that happened, which others wait for."""

    def __init__(self):
        self.values, self.changed = {}, threading.Condition()

    def set(self, name, value=True):
        with self.changed:
            self.values[name] = value
            self.changed.notify_all()

    def wait(self, name, seconds=20):
        with self.changed:
            self.changed.wait_for(lambda: name in self.values, seconds)
            return self.values.get(name)


marks = Marks()


class Web(socketserver.StreamRequestHandler):
    """HTTP/1.1, by path: /echo, /events/TAG and /confirm/TAG, /early, /source/TAG, /sink/TAG, /held/TAG,
    /go/TAG, /status/NNN, and anything else is answered with what was asked."""

    def handle(self):
        while True:
            line, fields = read_head(self.rfile)
            if line is None:
                return
            method, path, _ = line.split(" ")
            if method == "CONNECT" and path == "tunnel:1":
                self.say(b"HTTP/1.1 200 Open\r\n\r\n")
                return self.say(self.rfile.readline(4096))
            name, _, rest = path.strip("/").partition("/")
            known = getattr(self, f"do_{name}", None)
            if known:
                if known(method, rest, fields) is False:
                    return
                continue
            if fields.get("expect") == "100-continue":
                self.say(b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n")
                self.say(b"HTTP/1.1 100 Continue\r\n\r\n")
            body, trailers = read_body(self.rfile, fields)
            seen = {
                "method": method, "path": path, "fields": fields, "trailers": trailers, "length": len(body),
                "digest": hashlib.sha256(body).hexdigest(), "version": "HTTP/1.1"}
            text = json.dumps(seen).encode()
            self.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text))
            if method != "HEAD":
                self.say(text)

    def say(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def do_echo(self, method, rest, fields):
        body, trailers = read_body(self.rfile, fields)
        self.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-seen\r\n\r\n")
        self.say(chunked(body[:5], body[5:], trailers={"x-seen": json.dumps(trailers), "x-end": "yes"}))

    def do_status(self, method, rest, fields):
        read_body(self.rfile, fields)
        body = b"" if rest in ("204", "304") else b"as asked"
        length = b"" if rest in ("204", "304") else b"content-length: 8\r\n"
        self.say(b"HTTP/1.1 %s As-Asked\r\n%s\r\n" % (rest.encode(), length))
        if method != "HEAD":
            self.say(body)

    def do_events(self, method, tag, fields):
        self.say(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(3):
            event = b"data: %d\n\n" % number
            self.say(b"%x\r\n%s\r\n" % (len(event), event))
            if number < 2:
                marks.wait(f"{tag}-{number}")
        self.say(b"0\r\n\r\n")

    def do_confirm(self, method, tag, fields):
        marks.set(tag)
        self.say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    do_go = do_confirm

    def do_early(self, method, rest, fields):
        """Answered when the first byte of the body has come."""
        self.rfile.read(1)
        self.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlarge")
        return False

    def do_source(self, method, tag, fields):
        """64 MiB; how much of it could be sent before the client read is told under the tag."""
        self.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (64 * MIB))
        block, sent, told = bytes(range(256)) * 256, 0, False
        self.connection.setblocking(False)
        while sent < 64 * MIB:
            # Nobody takes anything for two seconds: what is on its way is all that fits.
            if not select.select([], [self.connection], [], None if told else 2)[1]:
                marks.set(tag, sent)
                told = True
                continue
            sent += self.connection.send(block[: min(len(block), 64 * MIB - sent)])
        self.connection.setblocking(True)

    def do_held(self, method, tag, fields):
        text = json.dumps(marks.wait(tag)).encode()
        self.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text))

    def do_sink(self, method, tag, fields):
        """Reads when it is told to."""
        marks.wait(tag, 60)
        digest, left = hashlib.sha256(), int(fields["content-length"])
        while left:
            part = self.rfile.read1(min(left, MIB))
            digest.update(part)
            left -= len(part)
        self.say(b"HTTP/1.1 200 OK\r\ncontent-length: 64\r\n\r\n" + digest.hexdigest().encode())


class First(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 speaks first\r\n")
        while line := self.rfile.readline(4096):
            self.wfile.write(b"250 " + line)


class Two(socketserver.BaseRequestHandler):
    def handle(self):
        peer = H2(self.request, client=False)
        while not peer.is_over:
            peer.wait(lambda: peer.is_over or any(self.is_due(peer.streams[one]) for one in peer.news))
            for number in [one for one in peer.news if self.is_due(peer.streams[one])]:
                peer.news.remove(number)
                self.serve(peer, number, peer.streams[number])

    @staticmethod
    def is_due(one):
        return one["ended"] or ":protocol" in one["fields"]

    def serve(self, peer, number, one):
        if one["reset"] is not None:
            return
        fields = one["fields"]
        if ":protocol" in fields:
            return self.socket(peer, number, fields)
        seen = {
            "method": fields[":method"], "path": fields[":path"], "fields": fields,
            "trailers": one["trailers"], "length": len(one["body"]),
            "digest": hashlib.sha256(bytes(one["body"])).hexdigest(), "version": "HTTP/2"}
        peer.state.send_headers(number, [(":status", "200"), ("content-type", "application/json")])
        peer.send(number, json.dumps(seen).encode())
        peer.state.send_headers(number, [("x-end", "yes")], end_stream=True)
        peer.flush()

    def socket(self, peer, number, fields):
        """Echoes; the close is answered with its own code."""
        head = [(":status", "200"), ("x-fields", json.dumps(sorted(fields)))]
        peer.state.send_headers(number, head)
        peer.flush()
        read = peer.reader(number)
        while True:
            kind, payload = read_frame(read)
            peer.send(number, frame(kind, payload, False), end=kind == CLOSE)
            if kind == CLOSE:
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # clients that leave are part of the row


# gRPC, of bytes


def unary(request, context):
    if request == b"fail":
        context.set_trailing_metadata((("x-why", "as asked"), ("x-why-bin", b"\0\xff")))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "100% no \u00e4nderung")
    if request == b"left":
        return str(context.time_remaining()).encode()
    if request.startswith(b"seen "):
        return str(marks.wait(request.decode()[5:])).encode()
    return b"echo " + request


def served(request, context):
    for number in range(int(request)):
        yield b"%d" % number


def collected(requests, context):
    return b",".join(requests)


def chat(requests, context):
    for request in requests:
        yield b"re " + request


def endless(request, context):
    """Until the client gives it up, which is noted under the request."""
    context.add_callback(lambda: marks.set(request.decode(), "cancelled"))
    yield b"began"
    while context.is_active():
        time.sleep(0.05)


def serve_grpc(port):
    methods = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Secret": grpc.unary_unary_rpc_method_handler(unary),
        "Served": grpc.unary_stream_rpc_method_handler(served),
        "Collected": grpc.stream_unary_rpc_method_handler(collected),
        "Chat": grpc.stream_stream_rpc_method_handler(chat),
        "Endless": grpc.unary_stream_rpc_method_handler(endless),
    }
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(32))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("voices.Many", methods),))
    server.add_insecure_port(f"[::]:{port}")
    server.start()
    return server


# WebSockets


async def voice(socket, path=None):
    try:
        async for message in socket:
            if message == "bye":
                await socket.close(4001, "as asked")
            elif isinstance(message, str) and message.startswith("last "):
                await socket.send(str(await asyncio.to_thread(marks.wait, message[5:])))
            else:
                await socket.send(message)
    except websockets.ConnectionClosedError:
        pass  # told below
    finally:
        tag = socket.request_headers.get("x-tag")
        if tag:
            marks.set(tag, f"{socket.close_code} {socket.close_reason}")


async def serve_websockets(port):
    async with websockets.serve(voice, None, port, max_size=4 * MIB):
        await asyncio.Future()


def main():
    base = int(sys.argv[1])
    for offset, handler in ((0, Web), (1, First), (2, Two)):
        threading.Thread(target=Server(("", base + offset), handler).serve_forever, daemon=True).start()
    grpc_server = serve_grpc(base + 3)
    asyncio.run(serve_websockets(base + 4))
    grpc_server.stop(None)


if __name__ == "__main__":
    main()
