#!/usr/bin/env python3
"""Asks manyvoices.py through the mesh and prints what came, one JSON object.

    manyasks.py web|streams|upload|download|grpc|sockets HOST
"""

import asyncio
import base64
import hashlib
import json
import os
import queue
import select
import sys

import grpc
import websockets
from wire import BINARY, CLOSE, H2, TEXT, answer, chunked, connect, frame, read_frame, read_head

MIB = 1 << 20
HTTP, THINGS, MAIL, HTTP2, GRPC, SOCKETS, OTHERS = 80, 81, 25, 82, 83, 84, 85


def ask(connection, text, method="GET"):
    connection.sendall(text.encode() if isinstance(text, str) else text)
    return answer(connection.makefile("rb"), method)


def head(path, method="GET", version="1.1", *fields):
    lines = (f"{method} {path} HTTP/{version}", "host: voices", *fields)
    return "".join(f"{line}\r\n" for line in lines) + "\r\n"


def two_head(method, path, *more):
    return [(":method", method), (":scheme", "http"), (":authority", "voices"), (":path", path), *more]


def web(host):
    seen = {}
    # Chunks and trailers both ways.
    with connect(host, HTTP) as one:
        body = chunked(b"hello", b" world", trailers={"x-sum": "11"})
        status, fields, got, trailers, _ = ask(
            one, head("/echo", "POST", "1.1", "transfer-encoding: chunked", "te: trailers").encode() + body)
        seen["chunked"] = [status, got.decode(), json.loads(trailers["x-seen"]), trailers["x-end"]]
    # Several requests at once on one connection.
    with connect(host, HTTP) as one:
        one.sendall("".join(head(f"/pipelined/{number}") for number in range(5)).encode())
        file = one.makefile("rb")
        seen["pipelined"] = [json.loads(answer(file)[2])["path"] for _ in range(5)]
    # HTTP/1.0 that keeps its connection, and one that does not.
    with connect(host, HTTP) as one:
        file = one.makefile("rb")
        kept = []
        for _ in range(2):
            one.sendall(head("/status/200", "GET", "1.0", "connection: keep-alive").encode())
            kept.append(answer(file)[0])
        one.sendall(head("/echo", "POST", "1.0", "content-length: 5").encode() + b"hello")
        status, fields, body, _, _ = answer(file)
        seen["old"] = [kept, status, body.decode(), "transfer-encoding" in fields, file.read().decode()]
    # What has no body.
    with connect(host, HTTP) as one:
        file, alone = one.makefile("rb"), []
        for ask_for in ("HEAD /what", "GET /status/204", "GET /status/304", "GET /a"):
            method, path = ask_for.split(" ")
            one.sendall(head(path, method).encode())
            status, fields, body, _, _ = answer(file, method)
            alone.append([status, len(body) > 0, int(fields.get("content-length", "0")) > 0])
        seen["alone"] = alone
    # An answer before the request was whole.
    with connect(host, HTTP) as one:
        one.sendall(head("/early", "POST", "1.1", f"content-length: {64 * MIB}").encode() + b"x" * 100)
        seen["early"] = answer(one.makefile("rb"))[0]
    # The client's side ends; it is still answered.
    with connect(host, HTTP) as one:
        one.sendall(head("/half").encode())
        one.shutdown(1)
        file = one.makefile("rb")
        seen["half"] = [json.loads(answer(file)[2])["path"], file.read().decode()]
    # 100 comes before the body is sent, and 103 before that.
    body = os.urandom(MIB)
    with connect(host, HTTP) as one:
        one.sendall(head("/large", "POST", "1.1", f"content-length: {MIB}", "expect: 100-continue").encode())
        file = one.makefile("rb")
        waited = []
        while 100 not in waited:
            waited.append(int(read_head(file)[0].split(" ")[1]))
        one.sendall(body)
        got = json.loads(answer(file)[2])
        seen["continue"] = [waited, got["digest"] == hashlib.sha256(body).hexdigest()]
    seen["continue2"] = over_two(host, HTTP, body)
    # A tunnel to the application, if that opens it, whatever address is named; what answers as to any request
    # opens none.
    with connect(host, HTTP) as one:
        one.sendall("CONNECT tunnel:1 HTTP/1.1\r\nhost: tunnel:1\r\n\r\n".encode())
        file = one.makefile("rb")
        status = read_head(file)[0]
        one.sendall(b"ping\n")
        seen["connect"] = [status.split(" ")[1], file.readline().decode()]
    with connect(host, HTTP) as one:
        one.sendall(b"CONNECT 127.0.0.1:8001 HTTP/1.1\r\nhost: 127.0.0.1:8001\r\n\r\n" + head("/b").encode())
        seen["connect"] += [answer(one.makefile("rb"))[0]]
    # h2c and others stay ordinary requests.
    with connect(host, HTTP) as one:
        fields = ("connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABk")
        got = json.loads(ask(one, head("/h2c", "GET", "1.1", *fields))[2])
        seen["h2c"] = sorted(name for name in got["fields"] if name in ("upgrade", "http2-settings"))
        seen["certificate"] = got["fields"].get("x-forwarded-client-cert")
        seen["forwarded"] = got["fields"].get("forwarded")
    return seen


def over_two(host, port, body):
    """A request of HTTP/2 that waits for 100, with trailers, and an answer with trailers."""
    with connect(host, port) as one:
        peer = H2(one, client=True)
        fields = ("expect", "100-continue"), ("content-length", str(len(body)))
        number = peer.open(two_head("POST", "/large", *fields))
        stream = peer.streams[number]
        peer.wait(lambda: 100 in stream["informed"])
        peer.send(number, body, end=True)
        peer.wait(lambda: stream["ended"])
        got = json.loads(bytes(stream["body"]))
        return [stream["informed"], got["digest"] == hashlib.sha256(body).hexdigest()]


def streams(host):
    seen = {}
    for name, fetch in (("http/1.1", events_one), ("http/2", events_two)):
        seen[name] = fetch(host, name.replace("/", ""))
    # A server that speaks first, on a port that declares nothing: heard before anything is said.
    with connect(host, MAIL) as one:
        file = one.makefile("rb")
        first = file.readline().decode().strip()
        one.sendall(b"HELO me\r\n")
        seen["first"] = [first, file.readline().decode().strip()]
    # The same kind of port, and HTTP is found on it: its requests are routed, and told of the client.
    for version, port in ((1, THINGS), (2, OTHERS)):
        with connect(host, port) as one:
            if version == 1:
                got = json.loads(ask(one, head("/found"))[2])["fields"].get("x-request-id") is not None
            else:
                peer = H2(one, client=True)
                number = peer.open(two_head("GET", "/found"), end=True)
                peer.wait(lambda: peer.streams[number]["ended"])
                got = peer.streams[number]["fields"].get(":status")
        seen[f"found{version}"] = got
    return seen


def confirm(host, tag):
    with connect(host, HTTP) as one:
        return ask(one, head(f"/confirm/{tag}", "POST", "1.1", "content-length: 0"))[0]


def events_one(host, tag):
    with connect(host, HTTP) as one:
        one.sendall(head(f"/events/{tag}").encode())
        file = one.makefile("rb")
        events = []
        while len(events) < 3:
            line = file.readline().decode().strip()
            if line.startswith("data: "):
                events.append(line)
                confirm(host, f"{tag}-{len(events) - 1}")
        return events


def events_two(host, tag):
    with connect(host, HTTP) as one:
        peer = H2(one, client=True)
        number = peer.open(two_head("GET", f"/events/{tag}"), end=True)
        body = peer.streams[number]["body"]
        for count in range(1, 4):
            peer.wait(lambda: body.count(b"data: ") >= count)
            confirm(host, f"{tag}-{count - 1}")
        peer.wait(lambda: peer.streams[number]["ended"])
        return [line for line in body.decode().split("\n") if line]


def download(host):
    """64 MiB that are not read until their sender can send no more."""
    with connect(host, HTTP, 60) as one, connect(host, HTTP, 60) as other:
        one.sendall(head("/source/down").encode())
        held = json.loads(ask(other, head("/held/down"))[2])
        print(json.dumps({"held": held}), flush=True)
        sys.stdin.readline()
        body = answer(one.makefile("rb"))[2]
    return {"length": len(body), "whole": body == bytes(range(256)) * (len(body) // 256)}


def upload(host):
    """64 MiB to an application that does not read until we can send no more."""
    block, digest, sent, told = bytes(range(256)) * 256, hashlib.sha256(), 0, False
    with connect(host, HTTP, 60) as one, connect(host, HTTP, 60) as other:
        one.sendall(head("/sink/up", "POST", "1.1", f"content-length: {64 * MIB}").encode())
        one.setblocking(False)
        while sent < 64 * MIB:
            if not select.select([], [one], [], None if told else 2)[1]:
                print(json.dumps({"held": sent}), flush=True)
                sys.stdin.readline()
                ask(other, head("/go/up"))
                told = True
                continue
            offset = sent % len(block)
            part = block[offset : offset + min(len(block) - offset, 64 * MIB - sent)]
            taken = one.send(part)
            digest.update(part[:taken])
            sent += taken
        one.settimeout(60)
        body = answer(one.makefile("rb"))[2]
    return {"length": sent, "whole": told and body.decode() == digest.hexdigest()}


def rpc(host):
    channel = grpc.insecure_channel(f"{host}:{GRPC}")

    def one(kind, name):
        return getattr(channel, kind)(f"/voices.Many/{name}")

    seen, unary = {}, one("unary_unary", "Unary")
    seen["unary"] = unary(b"hello", timeout=20).decode()
    seen["large"] = len(unary(b"x" * 3_000_000, timeout=20))
    seen["served"] = [item.decode() for item in one("unary_stream", "Served")(b"4", timeout=20)]
    seen["collected"] = one("stream_unary", "Collected")(iter([b"a", b"b", b"c"]), timeout=20).decode()
    # Each message is sent when the one before has been answered.
    waiting, said = queue.Queue(), []
    waiting.put(b"1")
    for reply in one("stream_stream", "Chat")(iter(waiting.get, None), timeout=20):
        said.append(reply.decode())
        waiting.put(b"%d" % (len(said) + 1) if len(said) < 3 else None)
    seen["chat"] = said
    seen["status"] = failed(lambda: unary(b"fail", timeout=20))
    seen["denied"] = failed(lambda: one("unary_unary", "Secret")(b"", timeout=20))[:2]
    seen["deniedStream"] = failed(lambda: list(one("unary_stream", "Secret")(b"", timeout=20)))[:2]
    left = float(unary(b"left", timeout=7))
    seen["left"] = 0 < left < 8
    seen["deadline"] = failed(lambda: list(one("unary_stream", "Endless")(b"late", timeout=1)))[0]
    call = one("unary_stream", "Endless")(b"given-up")
    next(call)
    call.cancel()
    seen["cancelled"] = [unary(f"seen {tag}".encode(), timeout=25).decode() for tag in ("given-up", "late")]
    return seen


def failed(call):
    try:
        call()
        return ["OK"]
    except grpc.RpcError as error:
        trailers = {name: value for name, value in error.trailing_metadata() or ()}
        why = trailers.get("x-why-bin")
        return [error.code().name, error.details(), trailers.get("x-why"), why.hex() if why else None]


def sockets(host):
    seen = {"one-one": asyncio.run(one_to(host, SOCKETS, "a"))}
    seen["one-two"] = raw_one(host, HTTP2)
    seen["two-one"] = two_to(host, SOCKETS, "b")
    seen["two-two"] = two_to(host, HTTP2, None)
    with connect(host, SOCKETS) as one:
        peer = H2(one, client=True)
        peer.step()
        seen["other"] = extended(peer, "/", "connect-udp", [])[1][":status"]
    return seen


async def one_to(host, port, tag):
    """By the library, over HTTP/1.1."""
    url, fields = f"ws://{host}:{port}/chat", {"x-tag": tag}
    async with websockets.connect(url, max_size=4 * MIB, extra_headers=fields) as socket:
        await socket.send("hello")
        large = os.urandom(MIB)
        await socket.send(large)
        echoed = [await socket.recv(), await socket.recv() == large]
        await (await socket.ping())
        await socket.close(4002, "enough")
        own = socket.close_code
    async with websockets.connect(url) as socket:
        await socket.send(f"last {tag}")
        theirs = await socket.recv()
        await socket.send("bye")
        await socket.wait_closed()
        return echoed + [own, theirs, socket.close_code, socket.close_reason]


def raw_one(host, port):
    """Over HTTP/1.1, by hand: to an application of HTTP/2."""
    key = base64.b64encode(os.urandom(16)).decode()
    with connect(host, port) as one:
        one.sendall(
            head("/chat", "GET", "1.1", "connection: Upgrade", "upgrade: websocket",
                 "sec-websocket-version: 13", f"sec-websocket-key: {key}").encode())
        file = one.makefile("rb")
        status, fields, _, _, _ = answer(file)
        wanted = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        is_right = fields.get("sec-websocket-accept") == base64.b64encode(wanted).decode()
        seen = json.loads(fields["x-fields"])
        return [status, is_right, "sec-websocket-key" in seen] + talk(file.read, one.sendall)


def talk(read, send):
    """Echoes by hand, and the close."""
    send(frame(TEXT, b"hello", True))
    large = os.urandom(MIB)
    first = read_frame(read)[1].decode()
    send(frame(BINARY, large, True))
    second = read_frame(read)[1] == large
    send(frame(CLOSE, (4002).to_bytes(2, "big") + b"enough", True))
    kind, payload = read_frame(read)
    return [first, second, kind == CLOSE and int.from_bytes(payload[:2], "big")]


def extended(peer, path, protocol, fields):
    number = peer.open(two_head("CONNECT", path, (":protocol", protocol), *fields))
    peer.wait(lambda: peer.streams[number]["fields"] or peer.streams[number]["ended"])
    return number, peer.streams[number]["fields"]


def two_to(host, port, tag):
    """Over HTTP/2, as an extended CONNECT."""
    with connect(host, port) as one:
        peer = H2(one, client=True)
        peer.step()
        announced = peer.state.remote_settings.enable_connect_protocol
        fields = [("sec-websocket-version", "13")] + ([("x-tag", tag)] if tag else [])
        number, answered = extended(peer, "/chat", "websocket", fields)
        said = talk(peer.reader(number), lambda data: peer.send(number, data))
        peer.wait(lambda: peer.streams[number]["ended"])
        result = [announced, answered[":status"], "sec-websocket-accept" in answered] + said
        if not tag:
            return result
        # Another stream of the same connection.
        number, _ = extended(peer, "/chat", "websocket", fields[:1])
        peer.send(number, frame(TEXT, f"last {tag}".encode(), True))
        return result + [read_frame(peer.reader(number))[1].decode()]


ASKS = {
    "web": web, "streams": streams, "download": download, "upload": upload, "grpc": rpc, "sockets": sockets}

if __name__ == "__main__":
    print(json.dumps(ASKS[sys.argv[1]](sys.argv[2])))
