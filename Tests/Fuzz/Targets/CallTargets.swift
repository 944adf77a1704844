import Bytes
import H1Engine
import HTTPModel
import RPC

extension FuzzTarget {
  /// gRPC: how a stream is cut into messages, and the heads and trailers of calls. And the HTTP/1.1 of the
  /// admin pages.
  static let calls: [FuzzTarget] = [
    FuzzTarget("grpc-frames") { bytes in
      let whole = messages([bytes])
      precondition(messages(bytes.map { [$0] }) == whole, "how the bytes were cut made a difference")
      precondition(messages(pieces(of: bytes)) == whole, "how the bytes were cut made a difference")
    },
    FuzzTarget("grpc-heads") { bytes in
      let fields = fields(of: bytes)
      if case .success(let head) = RPCRequestHead.read(fields) {
        // A timeout may be rounded when it is written: it must only stay one.
        guard case .success(var again) = RPCRequestHead.read(head.fields) else {
          preconditionFailure("not understood again: \(head.path)")
        }
        precondition((again.timeout == nil) == (head.timeout == nil), head.path)
        again.timeout = head.timeout
        precondition(again == head, head.path)
      }
      for end in [false, true] { _ = RPCResponseHead.read(fields, endStream: end) }
      let status = RPCResponseHead.status(ofTrailers: fields)
      precondition(status.message.utf8.count <= RPCStatus.maximumMessage * 3, "a message beyond its limit")
    },
    FuzzTarget("http1-request") { bytes in
      let whole = requests([bytes])
      precondition(requests(bytes.map { [$0] }) == whole, "how the bytes were cut made a difference")
    },
  ]

  /// The heads, how many bytes of bodies and ends of requests, and the refusal that ended the connection.
  private static func requests(_ pieces: [[UInt8]]) -> [String] {
    var server = H1Server()
    var said: [String] = []
    var body = 0
    for piece in pieces {
      var taken = 0
      while taken < piece.count {
        var events: [H1Event] = []
        var refusal: H1Error?
        let rest = piece.span.extracting(taken...)
        do throws(H1Error) { taken += try server.receive(rest, into: &events) } catch { refusal = error }
        for event in events {
          switch event {
          case .body(let range):
            precondition(range.upperBound <= rest.count, "a body outside of the bytes given")
            body += range.count
          case .end: said.append("end after \(body)")
          default: said.append("\(event)")
          }
        }
        if let refusal { return said + ["\(refusal)"] }
        if events.last == .end { answer(&server) }
        if server.isOver { return said }
      }
    }
    return said
  }

  private static func answer(_ server: inout H1Server) {
    var out = ByteQueue()
    try? server.respond(ResponseHead(status: 400), body: .none, into: &out)
    try? server.end(into: &out)
    precondition(
      out.count > 0 && (server.isIdle || server.isOver || server.mayRespond), "an exchange that hangs")
  }

  /// What a decoder with a small limit delivers, and how it ends.
  private static func messages(_ pieces: [[UInt8]]) -> [[UInt8]] {
    var decoder = MessageDecoder(limit: 1_024)
    var delivered: [[UInt8]] = []
    for piece in pieces {
      do throws(RPCStatus) {
        try decoder.receive(piece.span) { delivered.append($0) }
      } catch {
        delivered.append(Array("\(error.code)".utf8))
        break
      }
    }
    precondition(delivered.allSatisfy { $0.count <= 1_024 }, "a message beyond the limit")
    return delivered
  }
}
