import Bytes
import H2Engine
import HTTPModel
import RPC

/// One call on a wire, as either side keeps it. Owned by its wire and touched only there.
final class Call {
  /// How our side ends, once it has said its last.
  enum Ending {
    case plain
    case trailers([Field])
  }

  var decoder: MessageDecoder
  /// Complete messages that nobody has taken yet.
  var messages: [[UInt8]] = []
  /// Received bytes whose window has not been given back: while messages wait, the peer's window stays
  /// closed.
  var credit = 0
  /// Bytes that came after the call had ended for us.
  var discarded = 0
  var outgoing = ByteQueue()
  var ending: Ending?
  /// The client's side: the response's head has arrived. The server's: it has been sent.
  var hasHead = false
  /// The peer will send no more messages.
  var isInputOver = false
  /// How the call ended for us; nil while it runs.
  var status: RPCStatus?
  /// HTTP/2 has forgotten the stream.
  var isClosed = false
  /// The one who waits for a message, and the one who waits for room.
  var receiver: CheckedContinuation<Void, Never>?
  var sender: CheckedContinuation<Void, Never>?
  /// What answers the call, on the server's side; cancelled when the peer gives up.
  var work: Task<Void, Never>?

  /// A receiver need not wait.
  var isReadable: Bool { !messages.isEmpty || status != nil || isInputOver }

  init(limit: Int) { decoder = MessageDecoder(limit: limit) }

  func wake() {
    receiver?.resume()
    receiver = nil
    sender?.resume()
    sender = nil
  }

  /// Ends the call for us; the first reason stands.
  func end(_ reason: RPCStatus) {
    if status == nil { status = reason }
    isInputOver = true
    wake()
  }
}

/// How a request was taken: the largest message it may send, and what answers it.
struct Admission: Sendable {
  var limit: Int
  var work: Task<Void, Never>
}

/// The calls of a wire, and the payload of its DATA frames.
final class CallTable: H2BodySource {
  var calls: [Int32: Call] = [:]
  /// Waiting bytes under which a sender may go on.
  private let lowMark: Int

  init(lowMark: Int) { self.lowMark = lowMark }

  func fill(stream: Int32, into bytes: inout OutputSpan<UInt8>) -> H2BodyFill {
    guard let call = calls[stream] else { return .failed(.cancel) }
    let count = min(call.outgoing.count, bytes.freeCapacity)
    call.outgoing.withBytes { waiting in
      for index in 0..<count { bytes.append(waiting[index]) }
    }
    call.outgoing.removeFirst(count)
    if call.outgoing.count <= lowMark {
      call.sender?.resume()
      call.sender = nil
    }
    guard call.outgoing.isEmpty else { return .bytes }
    call.outgoing.clear()
    switch call.ending {
    case nil: return count > 0 ? .bytes : .later
    case .plain: return .end
    case .trailers(let fields): return .endWithTrailers(fields)
    }
  }
}
