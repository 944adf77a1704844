import HTTPModel
import RPC

extension FuzzTarget {
  /// gRPC: how a stream is cut into messages, and the heads and trailers of calls.
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
  ]

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
