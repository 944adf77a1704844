#!/usr/bin/env python3
"""Serves HTTPS/1.1 and says how it was spoken to.

    vault.py PORT CERTIFICATE KEY [1.2]    with 1.2: TLS 1.2 at most

    GET  /      the version of TLS, the name that was asked for, and the protocol agreed on
    POST /      the same, with the length of the body
"""

import json
import socket
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

names = {}


class Vault(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        told = {
            "tls": self.connection.version(), "name": names.get(id(self.connection.context)),
            "alpn": self.connection.selected_alpn_protocol(), "length": len(body), "path": self.path,
            "peer": self.client_address[0].removeprefix("::ffff:"),
        }
        answer = (json.dumps(told) + "\n").encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *_):
        pass


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(sys.argv[2], sys.argv[3])
    made.set_alpn_protocols(["http/1.1"])
    if len(sys.argv) > 4:
        made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.sni_callback = called
    return made


def called(session, name, _):
    """A context of its own for each session keeps the name that its client asked for."""
    own = context()
    names[id(own)] = name
    kept.append(own)
    session.context = own


kept = []


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6

    def get_request(self):
        connection, address = super().get_request()
        return outer.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_):
        """A client that does not believe us leaves: that is what is tried here."""


outer = context()
Server(("::", int(sys.argv[1])), Vault).serve_forever()
