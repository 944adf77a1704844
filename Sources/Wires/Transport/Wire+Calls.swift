import Bytes
import H2Engine
import HTTPModel
import RPC

/// What the two ends of a call ask of their wire.
extension Wire {
  /// Opens a call.
  func open(_ head: RPCRequestHead, for client: RPCClient) throws(RPCStatus) -> RPCStream {
    if let failure { throw failure }
    do throws(H2Error) {
      let stream = try http.submitRequest(head.fields, hasBody: true)
      table.calls[stream] = Call(limit: limits.message)
      kick()
      return RPCStream(wire: self, id: stream, client: client)
    } catch {
      throw RPCStatus(.unavailable, error.description)
    }
  }

  /// Queues a message and waits while more than the limit waits before it.
  func send(_ stream: Int32, _ message: [UInt8]) async throws(RPCStatus) {
    let call = try running(stream)
    if role == .server, !call.hasHead { try answer(stream, call, RPCResponseHead.accepted, hasBody: true) }
    call.outgoing.append(MessageEncoder.prefix(count: message.count).span)
    call.outgoing.append(message.span)
    http.resume(stream)
    kick()
    while call.outgoing.count > limits.queue, call.status == nil, !Task.isCancelled {
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          guard call.outgoing.count > limits.queue, call.status == nil, !Task.isCancelled else {
            return continuation.resume()
          }
          call.sender = continuation
        }
      } onCancel: {
        wakeLater(stream)
      }
    }
    _ = try running(stream)
  }

  /// The next message; nil at the orderly end.
  func receive(_ stream: Int32) async throws(RPCStatus) -> [UInt8]? {
    guard let call = table.calls[stream] else { throw RPCStatus(.cancelled, "the call is over") }
    while true {
      if !call.messages.isEmpty {
        let message = call.messages.removeFirst()
        giveBack(stream, call)
        kick()
        return message
      }
      if let status = call.status {
        guard status.isOK else { throw status }
        return nil
      }
      if call.isInputOver { return nil }
      if Task.isCancelled {
        abort(stream, RPCStatus(.cancelled, "the call was given up"))
        continue
      }
      precondition(call.receiver == nil, "two receivers of one call")
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          guard !call.isReadable, !Task.isCancelled else { return continuation.resume() }
          call.receiver = continuation
        }
      } onCancel: {
        wakeLater(stream)
      }
    }
  }

  /// Ends our side: a client sends no more messages; a server answers with `status`.
  func end(_ stream: Int32, _ status: RPCStatus) {
    guard let call = table.calls[stream], !call.isClosed, call.ending == nil, failure == nil else { return }
    if role == .client {
      call.ending = .plain
    } else if call.hasHead {
      call.ending = .trailers(status.fields)
    } else {
      call.ending = .plain
      try? answer(stream, call, RPCResponseHead.onlyTrailers(status), hasBody: false)
    }
    http.resume(stream)
    kick()
  }

  /// Answers a request that is no call.
  func refuse(_ stream: Int32, _ refusal: RPCRefusal) {
    guard let call = table.calls[stream], !call.hasHead else { return }
    call.ending = .plain
    try? answer(stream, call, refusal.fields, hasBody: false)
    kick()
  }

  /// Gives the call up: the peer is told by a reset.
  func abort(_ stream: Int32, _ status: RPCStatus) {
    guard let call = table.calls[stream] else { return }
    if !call.isClosed, failure == nil { http.reset(stream, .cancel) }
    call.end(status)
    kick()
  }

  /// Nobody holds the client's call any more.
  func forget(_ stream: Int32) {
    guard role == .client, let call = table.calls[stream] else { return }
    if !call.isClosed, call.status == nil { abort(stream, RPCStatus(.cancelled, "the call was given up")) }
    call.messages = []
    giveBack(stream, call)
    table.calls[stream] = nil
    kick()
  }

  private func running(_ stream: Int32) throws(RPCStatus) -> Call {
    guard let call = table.calls[stream] else { throw failure ?? RPCStatus(.cancelled, "the call is over") }
    if let status = call.status { throw status.isOK ? RPCStatus(.cancelled, "the call is over") : status }
    guard call.ending == nil else { throw RPCStatus(.internal, "a message after the end") }
    return call
  }

  private func answer(_ stream: Int32, _ call: Call, _ fields: [Field], hasBody: Bool) throws(RPCStatus) {
    call.hasHead = true
    do throws(H2Error) {
      try http.submitResponse(stream, fields, hasBody: hasBody)
    } catch {
      throw RPCStatus(.internal, error.description)
    }
  }

  private nonisolated func wakeLater(_ stream: Int32) {
    Task(executorPreference: thread) { await self.wake(stream) }
  }

  private func wake(_ stream: Int32) { table.calls[stream]?.wake() }
}
