"""HTTP/1.1 messages, frames of WebSockets and connections of HTTP/2, as the peers of row 26 need them."""

import os
import socket
import struct

import h2.config
import h2.connection
import h2.events
import h2.settings

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def connect(host, port, timeout=25):
    connection = socket.create_connection((host, port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_head(file):
    """First line and fields of a message; None at the end."""
    first = file.readline(65_536).decode("latin-1").strip()
    if not first:
        return None, {}
    return first, read_fields(file)


def read_fields(file):
    fields = {}
    while line := file.readline(65_536).decode("latin-1").strip():
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return fields


def read_body(file, fields, status=None):
    """Body and trailers of a message; a response of which nothing is said lasts until the end."""
    if fields.get("transfer-encoding") == "chunked":
        body = bytearray()
        while size := int(file.readline(4096).split(b";")[0], 16):
            body += file.read(size)
            file.readline(4096)
        return bytes(body), read_fields(file)
    if "content-length" in fields:
        return file.read(int(fields["content-length"])), {}
    return (file.read() if status else b""), {}


def chunked(*parts, trailers=None):
    text = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in (trailers or {}).items())
    return text + lines.encode() + b"\r\n"


def answer(file, method="GET"):
    """Status, fields, body and trailers of a response, behind the informational ones, which come last."""
    informational = []
    while True:
        first, fields = read_head(file)
        if first is None:
            raise EOFError("the connection ended before a response")
        status = int(first.split(" ")[1])
        if status >= 200 or status == 101:
            break
        informational.append(status)
    body, trailers = b"", {}
    if method != "HEAD" and status not in (101, 204, 304):
        body, trailers = read_body(file, fields, status)
    return status, fields, body, trailers, informational


# WebSockets


def frame(kind, payload, masked):
    head = bytes([0x80 | kind])
    mark = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mark | len(payload)])
    elif len(payload) < 65_536:
        head += bytes([mark | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([mark | 127]) + struct.pack(">Q", len(payload))
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + unmask(key, payload)


def unmask(key, payload):
    number = int.from_bytes((key * (len(payload) // 4 + 1))[: len(payload)], "big")
    return (number ^ int.from_bytes(payload, "big")).to_bytes(len(payload), "big")


def read_frame(read):
    """Kind and payload; `read` answers exactly as many bytes as it is asked for."""
    first, second = read(2)
    length = second & 0x7F
    if length == 126:
        length = struct.unpack(">H", read(2))[0]
    elif length == 127:
        length = struct.unpack(">Q", read(8))[0]
    key = read(4) if second & 0x80 else None
    payload = read(length)
    return first & 0x0F, unmask(key, payload) if key else payload


# HTTP/2


def stream():
    """What is known of one."""
    return {
        "fields": {}, "informed": [], "body": bytearray(), "trailers": {}, "ended": False, "reset": None}


class H2:
    """One connection of HTTP/2, driven by whoever waits for something of it."""

    def __init__(self, connection, client):
        self.socket = connection
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=client))
        if not client:
            announced = {h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}
            self.state.local_settings = h2.settings.Settings(client=False, initial_values=announced)
        self.state.initiate_connection()
        self.streams, self.news, self.is_over = {}, [], False
        self.flush()

    def flush(self):
        if data := self.state.data_to_send():
            self.socket.sendall(data)

    def step(self):
        """Reads once. Answers False when the connection has ended."""
        data = self.socket.recv(65_536)
        if not data:
            self.is_over = True
            return False
        for event in self.state.receive_data(data):
            self.note(event)
        self.flush()
        return True

    def note(self, event):
        number = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.ConnectionTerminated):
            self.is_over = True
        if not number:
            return
        if number not in self.streams:
            self.streams[number] = stream()
            self.news.append(number)
        one = self.streams[number]
        if isinstance(event, (h2.events.RequestReceived, h2.events.ResponseReceived)):
            one["fields"] = plain(event.headers)
        elif isinstance(event, h2.events.InformationalResponseReceived):
            one["informed"].append(int(plain(event.headers)[":status"]))
        elif isinstance(event, h2.events.TrailersReceived):
            one["trailers"] = plain(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            one["body"] += event.data
            self.state.acknowledge_received_data(event.flow_controlled_length, number)
        elif isinstance(event, h2.events.StreamEnded):
            one["ended"] = True
        elif isinstance(event, h2.events.StreamReset):
            one["reset"], one["ended"] = int(event.error_code), True

    def wait(self, condition):
        while not condition():
            if not self.step():
                raise EOFError("the connection ended")

    def open(self, fields, end=False):
        number = self.state.get_next_available_stream_id()
        self.state.send_headers(number, fields, end_stream=end)
        self.streams[number] = stream()
        self.flush()
        return number

    def send(self, number, data, end=False):
        view = memoryview(bytes(data))
        while view:
            self.wait(lambda: self.state.local_flow_control_window(number) > 0)
            window = self.state.local_flow_control_window(number)
            size = min(len(view), window, self.state.max_outbound_frame_size)
            self.state.send_data(number, bytes(view[:size]))
            view = view[size:]
            self.flush()
        if end:
            self.state.end_stream(number)
            self.flush()

    def reader(self, number):
        """Reads exactly so many bytes of a stream's payload."""

        def read(count):
            body = self.streams[number]["body"]
            self.wait(lambda: len(body) >= count or self.streams[number]["ended"])
            if len(body) < count:
                raise EOFError("the stream ended")
            part = bytes(body[:count])
            del body[:count]
            return part

        return read


def plain(headers):
    text = [(name.decode() if isinstance(name, bytes) else name) for name, _ in headers]
    values = [(value.decode() if isinstance(value, bytes) else value) for _, value in headers]
    return dict(zip(text, values))
