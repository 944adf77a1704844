import Bytes
import H2Engine
import HTTPModel
import MeshModel
import Reactor
import TLSEngine

/// An HBONE client made of the engines alone, which may say what our own tunnels never do.
final class ForeignPeer: H2BodySource {
  private let socket: AsyncSocket
  private let tls: TLSSession
  private let session = H2Session(.client)
  /// What the next frames of a stream are.
  var bodies: [Int32: [H2BodyFill]] = [:]
  private(set) var events = H2Events()

  init(to address: SocketAddress, _ settings: TLSSettings, expecting: Identity, on thread: ReactorThread)
    async throws
  {
    socket = try await AsyncSocket.connect(to: address, on: thread)
    tls = try TLSSession(settings, role: .client, expecting: .identities([expecting]))
    try tls.start()
    while !tls.isOpen { try await turn() }
  }

  func connect(to authority: String, _ fields: [Field] = []) throws -> Int32 {
    try session.submitRequest(
      [Field(":method", "CONNECT"), Field(":authority", authority)] + fields, hasBody: true)
  }

  func reset(_ stream: Int32, _ code: H2Code) { session.reset(stream, code) }

  func resume(_ stream: Int32) { session.resume(stream) }

  /// Sends what there is, and receives until an event answers the question.
  func wait(for isMeant: (H2Event) -> Bool) async throws {
    while !events.list.contains(where: isMeant) { try await turn() }
  }

  /// The fields that the peer answered a stream with.
  func answer(to stream: Int32) async throws -> [Field] {
    var found: [Field] = []
    try await wait(for: {
      guard case .headers(stream, let fields, _) = $0 else { return false }
      found = fields
      return true
    })
    return found
  }

  /// Sends what there is.
  func flush() async throws {
    if tls.isOpen {
      var bytes = ByteQueue()
      try bytes.fill(minimum: 64 << 10) { (output) throws(H2Error) in
        try session.transmit(into: &output, from: self)
      }
      if !bytes.isEmpty { try bytes.withBytes { (bytes) throws(TLSError) in try tls.send(bytes) } }
    }
    let out = tls.outgoing.withBytes { bytes in bytes.indices.map { bytes[$0] } }
    tls.outgoing.removeFirst(out.count)
    if !out.isEmpty { try await socket.send(out) }
  }

  private func turn() async throws {
    try await flush()
    let bytes = try await socket.receive()
    guard !bytes.isEmpty else { throw SystemError.timedOut }
    var plain = ByteQueue()
    _ = try plain.fill(minimum: bytes.count + TLSSession.receiveAllowance) { (output) throws(TLSError) in
      try tls.receive(bytes.span, into: &output)
    }
    try plain.withBytes { (plain) throws(H2Error) in try session.receive(plain, into: &events) }
  }

  func fill(stream: Int32, into bytes: inout OutputSpan<UInt8>) -> H2BodyFill {
    guard var next = bodies[stream], !next.isEmpty else { return .later }
    let fill = next.removeFirst()
    bodies[stream] = next
    if fill == .bytes { bytes.append(42) }
    return fill
  }
}
