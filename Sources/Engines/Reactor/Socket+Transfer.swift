internal import CLinux
import Glibc

/// What one attempt to receive gave.
public enum Received: Sendable, Equatable {
  case bytes(Int)
  case wouldBlock
  /// The peer will send no more.
  case end
}

/// What one attempt to send did.
public enum Sent: Sendable, Equatable {
  case bytes(Int)
  case wouldBlock
}

extension Socket {
  /// Appends what is there to `output`, up to its free capacity (at least one byte). A reset throws.
  public borrowing func receive(into output: inout OutputSpan<UInt8>) throws(SystemError) -> Received {
    precondition(output.freeCapacity > 0)
    let number = descriptor
    let count = unsafe output.withUnsafeMutableBufferPointer { buffer, initialized in
      while true {
        let count = unsafe recv(
          number, buffer.baseAddress! + initialized, buffer.count - initialized, Int32(MSG_DONTWAIT))
        if count < 0, errno == EINTR { continue }
        if count > 0 { initialized += count }
        return count
      }
    }
    if count > 0 { return .bytes(count) }
    if count == 0 { return .end }
    guard errno == EAGAIN else { throw SystemError("recv") }
    return .wouldBlock
  }

  /// Whether there is something to receive, without taking it. A reset throws.
  public borrowing func peek() throws(SystemError) -> Received {
    var byte: UInt8 = 0
    while true {
      let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK))
      if count > 0 { return .bytes(count) }
      if count == 0 { return .end }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default: throw SystemError("recv")
      }
    }
  }

  /// Sends from the front of `bytes`; never raises SIGPIPE.
  public borrowing func send(_ bytes: Span<UInt8>, more: Bool = false) throws(SystemError) -> Sent {
    let number = descriptor
    let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT) | (more ? Int32(MSG_MORE) : 0)
    let count = unsafe bytes.withUnsafeBufferPointer { buffer in
      while true {
        let count = unsafe Glibc.send(number, buffer.baseAddress, buffer.count, flags)
        if count < 0, errno == EINTR { continue }
        return count
      }
    }
    if count >= 0 { return .bytes(count) }
    guard errno == EAGAIN else { throw SystemError("send") }
    return .wouldBlock
  }

  /// Sends pieces of one block of bytes in order with one call, at most 64 of them; what was not sent is for
  /// the caller to find from the count.
  public borrowing func send(_ pieces: GatherList, of bytes: Span<UInt8>) throws(SystemError) -> Sent {
    precondition(pieces.end <= bytes.count)
    let number = descriptor
    let count = unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe pieces.flat.withUnsafeBufferPointer { ranges in
        while true {
          let count = unsafe apus_send_gathered(
            number, buffer.baseAddress, ranges.baseAddress, Int32(ranges.count / 2))
          if count < 0, errno == EINTR { continue }
          return count
        }
      }
    }
    if count >= 0 { return .bytes(count) }
    guard errno == EAGAIN else { throw SystemError("sendmsg") }
    return .wouldBlock
  }

  /// Sends FIN; the read side stays open. A peer that is already gone is no error.
  public borrowing func shutdownWrite() {
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Ends both directions; whoever waits for the socket wakes.
  public borrowing func shutdownBoth() {
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  /// Sends a reset now, whoever else holds the socket (connect to AF_UNSPEC, connect(2)).
  public borrowing func reset() {
    _ = apus_disconnect(descriptor)
  }

  /// Makes the coming close send a reset instead of FIN.
  public borrowing func abortOnClose() {
    _ = apus_set_linger_zero(descriptor)
  }
}
