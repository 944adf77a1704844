import Bytes
import HTTPModel

@testable import H1Engine

/// What was read from a connection, in a form that is easy to compare: how the bytes were cut does not show.
struct Reading: Equatable {
  var requests: [H1Request] = []
  var responses: [H1Response] = []
  var bodies: [[UInt8]] = []
  var trailers: [[Field]] = []
  var failure: H1Error?

  private var body: [UInt8] = []

  private mutating func take(_ events: [H1Event], of bytes: [UInt8]) {
    for event in events {
      switch event {
      case .request(let request): requests.append(request)
      case .response(let response): responses.append(response)
      case .body(let range): body += bytes[range]
      case .trailers(let fields): trailers.append(fields)
      case .end:
        bodies.append(body)
        body = []
      }
    }
  }

  /// A client's bytes cut into pieces of `size`; each request is answered 204 when it has ended.
  static func requests(
    _ bytes: [UInt8], size: Int = .max, limits: H1Limits = H1Limits(), finishing: Bool = false
  ) -> Reading {
    var reading = Reading()
    var server = H1Server(limits: limits)
    do throws(H1Error) {
      for piece in pieces(bytes, size) {
        var taken = 0
        while taken < piece.count, !server.isOver {
          var events: [H1Event] = []
          let rest = Array(piece[taken...])
          defer { reading.take(events, of: rest) }
          taken += try server.receive(rest.span, into: &events)
          if events.last == .end {
            var out = ByteQueue()
            try server.respond(ResponseHead(status: 204), body: .none, into: &out)
            try server.end(into: &out)
          }
        }
      }
      if finishing {
        var events: [H1Event] = []
        try server.finish(into: &events)
      }
    } catch {
      reading.failure = error
    }
    return reading
  }

  /// A server's bytes as the answer to a request with `method`, cut into pieces of `size`.
  static func response(
    _ bytes: [UInt8], to method: String = "GET", upgrade: String? = nil, size: Int = .max,
    limits: H1Limits = H1Limits(), finishing: Bool = false
  ) -> Reading {
    var reading = Reading()
    var client = H1Client(limits: limits)
    do throws(H1Error) {
      var out = ByteQueue()
      let path = method == "CONNECT" ? "" : "/"
      try client.request(
        RequestHead(method: method, authority: "a:1", path: path), body: .none, upgrade: upgrade, into: &out)
      try client.end(into: &out)
      for piece in pieces(bytes, size) {
        var events: [H1Event] = []
        defer { reading.take(events, of: piece) }
        try client.receive(piece.span, into: &events)
      }
      if finishing {
        var events: [H1Event] = []
        defer { reading.take(events, of: []) }
        try client.finish(into: &events)
      }
    } catch {
      reading.failure = error
    }
    return reading
  }

  private static func pieces(_ bytes: [UInt8], _ size: Int) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: min(size, max(bytes.count, 1))).map {
      Array(bytes[$0..<min(bytes.count - $0 > size ? $0 + size : bytes.count, bytes.count)])
    }
  }
}
