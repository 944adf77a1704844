"""One connection: requests are read, judged, counted and answered."""

import http.server
import json
import select
import ssl
import sys
import time
import traceback
import urllib.parse

from . import answering, answers, discovery, paths
from .counting import Asked
from .watching import CUT, END, Watch

BODY_LIMIT = 3 << 20  # bytes, as etcd and the API server have it
DRAIN_LIMIT, DRAIN_STEP = 64 << 20, 1 << 16  # bytes
CHUNK_LINE = 64  # bytes of the line that begins a chunk
JSON = "application/json"


class Cut(ConnectionError):
    """This connection is to end here, in the middle."""


class Exchange(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0

    def do_GET(self):
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET

    def log_message(self, *words):
        pass

    def finish(self):
        self.rfile.close()  # nothing to flush: answers are written whole

    # A request

    def _serve(self):
        url = urllib.parse.urlsplit(self.path)
        self.url_path = urllib.parse.unquote(url.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        cluster = self.server.cluster
        if self.url_path.startswith("/test/"):
            self.server.spare(self.connection)
            return self._answer(lambda body: answering.order(cluster, self.command, self.url_path, body))
        if cluster.faults.silent:
            cluster.faults.wait_until_connected()
            raise Cut()
        self.ask = paths.ask(self.command, self.url_path, query)
        self.user = None
        self._answer(lambda body: self._judge(cluster, query, body))

    def _answer(self, make):
        try:
            body = self._body()
            made = make(body)
        except answers.Refusal as refusal:
            return self._refuse(refusal)
        except OSError:
            raise
        except Exception as error:  # of this program: whoever reads the test's output must see it
            traceback.print_exc(file=sys.stderr)
            self.server.cluster.failures.append(error)
            return self._refuse(answers.Refusal(500, "InternalError", f"Internal error occurred: {error!r}"))
        if made is not None:
            code, body = made
            self._count(code)
            self._send(code, body, JSON, {})

    def _refuse(self, refusal):
        self._count(refusal.code)
        self._send(refusal.code, refusal.body, refusal.content_type, refusal.headers)

    def _judge(self, cluster, query, body):
        """The status and body of an answer; None when the answer was a watch."""
        unknown = None
        try:
            self.user = cluster.identities.who(
                self.headers.get("authorization"), self.connection.getpeercert()
            )
        except answers.Refusal as refusal:
            unknown = refusal
        cluster.faults.before(self.ask.verb, self.url_path, self._name)
        if unknown:
            raise unknown
        cluster.roles.check(self.user, paths.judged(self.ask, query))
        if not self.ask.resource:
            if self.url_path in discovery.HEALTH:
                return 200, b"ok"
            found = discovery.answer(cluster.kinds, self.url_path)
            if found is None:
                raise answers.page_not_found()
            if self.command != "GET":
                raise answers.no_method()
            return 200, json.dumps(found).encode() + b"\n"
        kind = answering.kind_of(cluster, self.ask)
        if self.ask.verb == "watch":
            return self._watch(cluster, kind, query)
        request = answering.Request(cluster, kind, self.ask, self.user, query, body, self.headers)
        return request.answer()

    @property
    def _name(self):
        return self.user.name if self.user else ""

    def _count(self, code):
        if not self.url_path.startswith("/test/"):
            ask = self.ask
            resource = "/".join(filter(None, [ask.resource, ask.subresource]))
            asked = Asked(self._name, ask.verb, paths.pattern(ask), resource, code)
            self.server.cluster.counters.add(asked)

    # Bodies

    def _body(self):
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        length = self.headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            self.close_connection = True
            raise answers.bad("content-length is no number")
        if int(length) > BODY_LIMIT:
            self._drain(int(length))
            raise answers.too_large(BODY_LIMIT)
        return self.rfile.read(int(length))

    def _drain(self, length):
        """Reads what is too long, to a limit: a client reads no answer before it has sent everything."""
        self.close_connection = True
        for _ in range(min(length, DRAIN_LIMIT) // DRAIN_STEP + 1):
            length -= len(self.rfile.read(min(length, DRAIN_STEP)))

    def _chunks(self):
        body = b""
        while True:
            line = self.rfile.readline(CHUNK_LINE)
            try:
                size = int(line.split(b";")[0], 16)
            except ValueError:
                raise Cut() from None
            if len(body) + size > BODY_LIMIT:
                self.close_connection = True
                raise answers.too_large(BODY_LIMIT)
            body += self.rfile.read(size)
            end = self.rfile.readline(CHUNK_LINE)
            if size == 0:
                while end not in (b"\r\n", b""):  # trailers
                    end = self.rfile.readline(BODY_LIMIT)
                return body

    def _send(self, code, body, content_type, headers):
        faults, cut = self.server.cluster.faults, False
        length = len(body)
        if code < 300 and not self.url_path.startswith("/test/"):
            body, cut = faults.spoiled(self.ask.verb, self.url_path, self._name, body)
        fields = {"Content-Type": content_type, "Content-Length": str(length)} | headers
        if self.close_connection:
            fields["Connection"] = "close"
        self._write(self._head(code, fields) + (b"" if self.command == "HEAD" else body))
        if cut:
            raise Cut()

    def _head(self, code, fields):
        reason = http.server.BaseHTTPRequestHandler.responses.get(code, ("",))[0]
        lines = [f"HTTP/1.1 {code} {reason}", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _write(self, data):
        self.connection.sendall(data)

    # Watches

    def _watch(self, cluster, kind, query):
        watch = Watch(kind, self.ask.version, self.ask.namespace, query, self._name, self.url_path)
        try:
            cluster.watches.open(watch, query)
        except BaseException:
            watch.close()
            raise
        try:
            self._count(200)
            self._write(self._head(200, {"Content-Type": JSON, "Transfer-Encoding": "chunked"}))
            self._tell(cluster, watch)
        finally:
            cluster.watches.close(watch)

    def _tell(self, cluster, watch):
        """Writes what there is to tell until the watch ends, by whomever."""
        poll = select.poll()
        for one in (self.connection, watch):
            poll.register(one, select.POLLIN)
        start = time.monotonic()
        end = start + watch.seconds if watch.seconds else float("inf")
        mark = start + cluster.bookmark_seconds
        while True:
            for type, line in watch.take():
                if cluster.faults.silent:
                    cluster.faults.wait_until_connected()
                if type == END:
                    return self._write(b"0\r\n\r\n")
                if type == CUT:
                    raise Cut()
                line, cut = cluster.faults.spoiled("watch", self.url_path, self._name, line)
                self._write(f"{len(line):x}\r\n".encode() + line + (b"" if cut else b"\r\n"))
                if cut:
                    raise Cut()
            time_now = time.monotonic()
            with cluster.store.lock:
                if time_now >= end:
                    watch.mark(cluster.store.version)
                    watch.end()
                    end = float("inf")
                elif time_now >= mark:
                    watch.mark(cluster.store.version)
                    mark = time_now + cluster.bookmark_seconds
            wait = min(end, mark) - time_now
            ready = poll.poll(max(0, wait) * 1000)
            if any(number == self.connection.fileno() for number, _ in ready):
                self._check_peer()

    def _check_peer(self):
        """Something came from the client during its watch: most often, its end."""
        self.connection.settimeout(0)
        try:
            if self.connection.recv(1) is not None:
                raise Cut()  # the end, or a request before the answer to the last one
        except (ssl.SSLWantReadError, BlockingIOError):
            pass
        finally:
            self.connection.settimeout(None)
