internal import CLinux
import Glibc
public import MeshModel
import Synchronization

/// Addresses of names, by the system's resolver (getaddrinfo), which blocks: each question gets a thread of
/// its own, so that no reactor waits.
public enum NameLookup {
  /// Questions at once: a resolver that does not answer holds its thread for half a minute. One more fails.
  public static let maximumQuestions = 16

  private static let open = Mutex(0)

  /// Why a name has no addresses, in the resolver's words.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    public let name: String
    public let reason: String

    public var description: String { "cannot resolve \(name): \(reason)" }
  }

  /// The addresses in the resolver's order, at least one; an address literal is its own answer.
  /// A cancelled task waits no longer and throws, too.
  public static func addresses(of name: String, port: UInt16) async throws(Failure) -> [SocketAddress] {
    if let address = IPAddress(name) { return [SocketAddress(address, port)] }
    guard !name.isEmpty, !name.utf8.contains(0) else { throw Failure(name: name, reason: "no name") }
    let isFree = open.withLock { open in
      guard open < maximumQuestions else { return false }
      open += 1
      return true
    }
    guard isFree else {
      throw Failure(name: name, reason: "\(maximumQuestions) other names are being resolved")
    }
    let answer = Answer()
    WorkerThread.start("resolve") {
      let result = ask(name, port)
      open.withLock { $0 -= 1 }
      answer.give(result)
    }
    let result = await withTaskCancellationHandler {
      await answer.value()
    } onCancel: {
      answer.give(.failure(Failure(name: name, reason: "no answer in time")))
    }
    return try result.get()
  }

  private typealias Result = Swift.Result<[SocketAddress], Failure>

  /// Given once or twice, waited for once.
  private final class Answer: Sendable {
    private enum State {
      case open
      case awaited(CheckedContinuation<Result, Never>)
      case given(Result)
    }

    private let state = Mutex(State.open)

    func value() async -> Result {
      await withCheckedContinuation { continuation in
        let result = state.withLock { state -> Result? in
          if case .given(let result) = state { return result }
          state = .awaited(continuation)
          return nil
        }
        if let result { continuation.resume(returning: result) }
      }
    }

    func give(_ result: Result) {
      let waiter = state.withLock { state -> CheckedContinuation<Result, Never>? in
        defer { if case .given = state {} else { state = .given(result) } }
        guard case .awaited(let waiter) = state else { return nil }
        return waiter
      }
      waiter?.resume(returning: result)
    }
  }

  private static func ask(_ name: String, _ port: UInt16) -> Result {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_ADDRCONFIG
    var first: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(name, nil, &hints, &first)
    guard code == 0 else {
      return .failure(Failure(name: name, reason: unsafe String(cString: gai_strerror(code))))
    }
    defer { unsafe freeaddrinfo(first) }
    var found: [SocketAddress] = []
    var next = unsafe first
    while let entry = unsafe next {
      if var address = unsafe address(entry.pointee) {
        address.port = port
        if !found.contains(address) { found.append(address) }
      }
      unsafe next = entry.pointee.ai_next
    }
    guard !found.isEmpty else { return .failure(Failure(name: name, reason: "it has no address")) }
    return .success(found)
  }

  private static func address(_ entry: addrinfo) -> SocketAddress? {
    guard let source = unsafe entry.ai_addr,
      unsafe Int(entry.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size
    else { return nil }
    var storage = sockaddr_storage()
    unsafe withUnsafeMutableBytes(of: &storage) { room in
      unsafe room.copyMemory(from: UnsafeRawBufferPointer(start: source, count: Int(entry.ai_addrlen)))
    }
    return unsafe SocketAddress(raw: apus_from_sockaddr(&storage))
  }
}
