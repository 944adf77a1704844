"""The door: HTTPS with a thread for each connection."""

import socket
import ssl
import threading

from .exchange import Exchange

BACKLOG, HANDSHAKE_SECONDS = 256, 30


class Server:
    """Listens from the start. A partition that refuses closes the socket itself, and opens it again."""

    def __init__(self, cluster, certificate, key, address, port):
        self.cluster = cluster
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._context.set_alpn_protocols(["http/1.1"])
        if cluster.client_authority:
            self._context.verify_mode = ssl.CERT_OPTIONAL
            self._context.load_verify_locations(cluster.client_authority)
        self._lock, self._connections, self._spared = threading.Lock(), set(), set()
        self._address, self._port, self._door = address, port, None
        self.accept()

    @property
    def port(self):
        return self._port

    @property
    def url(self):
        host = f"[{self._address}]" if ":" in self._address else self._address
        return f"https://{host}:{self._port}"

    def accept(self):
        """Opens the door, if it is closed."""
        with self._lock:
            if self._door:
                return
            family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
            door = socket.socket(family, socket.SOCK_STREAM)
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind((self._address, self._port))
            door.listen(BACKLOG)
            self._port, self._door = door.getsockname()[1], door
        threading.Thread(target=self._accept, args=(door,), daemon=True).start()

    def refuse(self):
        """Closes the door and cuts every connection that did not give orders to the test's own paths."""
        self._shut()
        with self._lock:
            cut = self._connections - self._spared
        for connection in cut:
            _cut(connection)

    def spare(self, connection):
        """The test gives its orders over this one: it is not cut in a partition."""
        with self._lock:
            self._spared.add(connection)

    def close(self):
        self._shut()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            _cut(connection)

    def _shut(self):
        with self._lock:
            door, self._door = self._door, None
        if door:
            door.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            door.close()

    def _accept(self, door):
        while True:
            try:
                connection, address = door.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, address), daemon=True).start()

    def _serve(self, plain, address):
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(HANDSHAKE_SECONDS)
            with self._context.wrap_socket(plain, server_side=True) as connection:
                connection.settimeout(None)
                with self._lock:
                    self._connections.add(connection)
                    closed = self._door is None
                try:
                    if not closed:
                        Exchange(connection, address, self)
                finally:
                    with self._lock:
                        self._connections.discard(connection)
                        self._spared.discard(connection)
        except OSError:
            pass  # the peer left, or was cut off
        finally:
            plain.close()


def _cut(connection):
    """Ends a connection that another thread uses: below TLS, which is not told."""
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        pass
