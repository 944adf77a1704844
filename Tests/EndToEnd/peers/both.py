#!/usr/bin/env python3
"""Serves HTTP/1.1 on the first port and HTTP/2 on the next, with answers of any size.

    GET /            a word
    GET /head/N      a head with N bytes of fields
    GET /large/N     N MiB
    GET /slow        an answer after 30 seconds
"""

import socketserver
import sys
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.settings

from talker import Server


def made(path):
    """Fields and body."""
    kind, _, number = path.strip("/").partition("/")
    size = int(number or 0)
    if kind == "head":
        parts = range(0, size, 16_000)
        return [(f"x-filler-{start}", "&" * min(16_000, size - start)) for start in parts], b""
    return [], b"x" * (size << 20) if kind == "large" else b"hello\n"


class One(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline(65_536):
            path, length, closes = line.split(b" ")[1].decode(), 0, False
            while (field := self.rfile.readline(65_536).strip()):
                if field.lower().startswith(b"content-length:"):
                    length = int(field.partition(b":")[2])
                closes = closes or field.lower() == b"connection: close"
            self.rfile.read(length)
            if path == "/slow":
                time.sleep(30)
            fields, body = made(path)
            head = "".join(f"{name}: {value}\r\n" for name, value in fields)
            self.wfile.write(
                f"HTTP/1.1 200 OK\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            if closes:
                return


class Two(socketserver.BaseRequestHandler):
    def handle(self):
        self.bodies = {}
        self.speaker = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="latin-1"))
        self.speaker.initiate_connection()
        self.speaker.update_settings({h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 4 << 20})
        self.speaker.decoder.max_header_list_size = 4 << 20
        self.say()
        while data := self.request.recv(65_536):
            for event in self.speaker.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.answer(event.stream_id, dict(event.headers)[":path"])
                elif isinstance(event, h2.events.StreamReset):
                    self.bodies.pop(event.stream_id, None)
            for stream in list(self.bodies):
                self.fill(stream)
            self.say()

    def say(self):
        self.request.sendall(self.speaker.data_to_send())

    def answer(self, stream, path):
        if path == "/slow":
            return
        fields, self.bodies[stream] = made(path)
        self.speaker.send_headers(stream, [(":status", "200"), *fields])

    def fill(self, stream):
        body = self.bodies[stream]
        while body:
            room = min(self.speaker.local_flow_control_window(stream), self.speaker.max_outbound_frame_size)
            if room <= 0:
                break
            self.speaker.send_data(stream, body[:room])
            body = body[room:]
        self.bodies[stream] = body
        if not body:
            del self.bodies[stream]
            self.speaker.end_stream(stream)


def main():
    first = int(sys.argv[1])
    threading.Thread(target=Server(("", first + 1), Two).serve_forever, daemon=True).start()
    Server(("", first), One).serve_forever()


if __name__ == "__main__":
    main()
