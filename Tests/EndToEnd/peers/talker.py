#!/usr/bin/env python3
"""Serves what lives long, and answers as asked: HTTP/1.1 on the first port, an echo of bytes on the second.

    GET  /status/NNN    that status
    POST /status/NNN    the same, after the body
    GET  /slow          an answer after 30 seconds
    GET  /events        server-sent events, one every 0.1 s, without end
    GET  /socket        with an Upgrade to `websocket`: every byte is sent back
"""

import socketserver
import sys
import threading
import time


class Talker(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline(65_536):
            method, path, _ = line.decode("latin-1").split(" ", 2)
            fields = {}
            while (field := self.rfile.readline(262_144).decode("latin-1").strip()):
                name, _, value = field.partition(":")
                fields[name.lower()] = value.strip()
            self.rfile.read(int(fields.get("content-length", "0")))
            if path.startswith("/events"):
                return self.events()
            if path.startswith("/socket"):
                return self.echo()
            if path.startswith("/slow"):
                time.sleep(30)
            status = path.split("?")[0].rpartition("/")[2] if path.startswith("/status/") else "200"
            body = f"{method} {status}\n".encode()
            self.say(f"HTTP/1.1 {status} As-Asked\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)

    def say(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def events(self):
        self.say(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        number = 0
        while True:
            number += 1
            self.say(f"data: {number}\n\n".encode())
            time.sleep(0.1)

    def echo(self):
        self.say(b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        while part := self.rfile.read1(4096):
            self.say(part)


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        while part := self.rfile.read1(4096):
            self.wfile.write(part)
            self.wfile.flush()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # clients that leave are what this server is for


def main():
    first = int(sys.argv[1])
    threading.Thread(target=Server(("", first + 1), Echo).serve_forever, daemon=True).start()
    Server(("", first), Talker).serve_forever()


if __name__ == "__main__":
    main()
