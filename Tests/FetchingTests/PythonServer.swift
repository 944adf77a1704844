import Foundation
import Glibc

/// An HTTP server that is not ours: Python's http.server in a process that ends by itself after a minute.
final class PythonServer {
  let port: UInt16
  private let process = Process()

  /// `certificate` and `key` are the paths of PEM files; without them it speaks plain HTTP.
  init(certificate: String? = nil, key: String? = nil) throws {
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", Self.program] + [certificate, key].compactMap { $0 }
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    var line = ""
    while !line.hasSuffix("\n") {
      let byte = output.fileHandleForReading.readData(ofLength: 1)
      if byte.isEmpty { break }
      line += String(decoding: byte, as: UTF8.self)
    }
    guard let port = UInt16(line.dropLast()) else { throw PythonIsMissing() }
    self.port = port
  }

  struct PythonIsMissing: Error {}

  deinit {
    // SIGTERM is blocked in a child of a thread of the pool.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  private static let program = """
    import http.server, os, ssl, sys, threading, time
    threading.Timer(60, os._exit, [1]).start()
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *_): pass
        def whole(self, status, body, *fields):
            self.send_response(status)
            for name, value in fields: self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD": self.wfile.write(body)
        def do_HEAD(self): self.do_GET()
        def do_GET(self):
            path = self.path.split("?")[0]
            if path == "/chunked":
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.send_header("Trailer", "X-Sum")
                self.end_headers()
                for n in range(100):
                    part = b"%d;" % n * 100
                    self.wfile.write(b"%x;ext=1\\r\\n%s\\r\\n" % (len(part), part))
                self.wfile.write(b"0\\r\\nX-Sum: 1\\r\\n\\r\\n")
            elif path == "/until-close":
                self.protocol_version = "HTTP/1.0"
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"till the end")
                self.close_connection = True
            elif path == "/cut":
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b"short")
                self.close_connection = True
            elif path == "/watch":
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for n in range(3):
                    self.wfile.write(b"4\\r\\nev%d\\n\\r\\n" % n)
                    self.wfile.flush()
                    self.rfile.peek(1) if n == 9 else None
                time.sleep(50)
            elif path == "/flood":
                self.send_response(200)
                self.end_headers()
                try:
                    while True: self.wfile.write(b"x" * 65536)
                except OSError: pass
            elif path == "/big-head":
                self.whole(200, b"", ("X-Big", "a" * 60000))
            elif path == "/garbage":
                self.wfile.write(b"GARBAGE\\r\\n\\r\\n")
                self.close_connection = True
            elif path == "/silent":
                time.sleep(50)
            elif path.startswith("/to/"):
                self.whole(302, b"", ("Location", self.path[3:]))
            elif path == "/fields":
                self.whole(200, str(self.headers).encode())
            else:
                self.whole(404, b"nothing here")
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.whole(201, self.headers["Content-Type"].encode() + b"|" + body)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    """
}
