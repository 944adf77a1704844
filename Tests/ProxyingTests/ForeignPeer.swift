import Bytes
import H2Engine
import HTTPModel
import MeshModel
import Reactor
import TLSEngine

@testable import Proxying

/// An HBONE client or server made of the engines alone, which may say what our own tunnels never do. One task
/// has it at a time; a task may hand it on when it ends.
final class ForeignPeer: H2BodySource, @unchecked Sendable {
  private let socket: AsyncSocket
  private let tls: TLSSession
  private let session: H2Session
  /// What the next frames of a stream are.
  var bodies: [Int32: [H2BodyFill]] = [:]
  private(set) var events = H2Events()
  /// What is still to be sent in a stream, as its first frame.
  var texts: [Int32: ArraySlice<UInt8>] = [:]
  /// What has come in each stream.
  private(set) var received: [Int32: [UInt8]] = [:]

  init(to address: SocketAddress, _ settings: TLSSettings, expecting: Identity, on thread: ReactorThread)
    async throws
  {
    socket = try await AsyncSocket.connect(to: address, on: thread)
    tls = try TLSSession(settings, role: .client, expecting: .identities([expecting]))
    session = H2Session(.client)
    try tls.start()
    while !tls.isOpen { try await turn() }
  }

  /// Opens a tunnel to the server's pod under the client's identity.
  convenience init(calling pods: TwoPods) async throws {
    try await self.init(
      to: SocketAddress(pods.serverAddress, MeshPort.hbone),
      try pods.credentials(of: pods.clientIdentity).client, expecting: pods.serverIdentity, on: pods.thread)
  }

  /// Serves the next tunnel that reaches a listener.
  init(serving listener: AsyncSocket, _ settings: TLSSettings) async throws {
    socket = try AsyncSocket(try await listener.accept().take(), on: listener.thread)
    tls = try TLSSession(settings, role: .server, expecting: .trustDomain(.clusterLocal))
    session = H2Session(.server)
    while !tls.isOpen { try await turn() }
  }

  /// The stream of the next CONNECT, the `count`th.
  func request(_ count: Int = 1) async throws -> Int32 {
    while requests.count < count { try await turn() }
    return requests[count - 1]
  }

  private var requests: [Int32] {
    events.list.compactMap { if case .headers(let stream, _, _) = $0 { stream } else { nil } }
  }

  func answer(_ stream: Int32) async throws {
    try session.submitResponse(stream, [Field(":status", "200")], hasBody: true)
    try await flush()
  }

  /// Says goodbye as one that has looked at no stream at all.
  func takeNoStream() async throws {
    let goaway: [UInt8] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    try await flush()
    try tls.send(goaway.span)
    try await flush()
  }

  /// Receives until the tunnel ends.
  func waitForTheEnd() async { while (try? await turn()) != nil {} }

  func close() { socket.close() }

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
    let before = events.list.count
    try plain.withBytes { (plain) throws(H2Error) in
      try session.receive(plain, into: &events)
      for case .data(let stream, let range) in events.list[before...] {
        for index in range { received[stream, default: []].append(plain[index]) }
      }
    }
  }

  /// Says something in a stream, in as many frames as it takes.
  func say(_ text: String, in stream: Int32) async throws {
    texts[stream] = Array(text.utf8)[...]
    session.resume(stream)
    while let left = texts[stream]?.count {
      try await flush()
      // The window is shut: what opens it has to come.
      if texts[stream]?.count == left { try await turn() }
    }
  }

  /// What a CONNECT said under a name.
  func field(_ name: String, of stream: Int32) -> String? {
    for case .headers(stream, let fields, _) in events.list { return fields.first(name) }
    return nil
  }

  /// What has come in a stream, once it ends so.
  func heard(in stream: Int32, until end: String) async throws -> String {
    while true {
      let text = String(decoding: received[stream] ?? [], as: UTF8.self)
      if text.hasSuffix(end) {
        received[stream] = nil
        return text
      }
      try await turn()
    }
  }

  func fill(stream: Int32, into bytes: inout OutputSpan<UInt8>) -> H2BodyFill {
    if let text = texts.removeValue(forKey: stream) {
      let part = text.prefix(bytes.freeCapacity)
      for byte in part { bytes.append(byte) }
      if part.count < text.count { texts[stream] = text.dropFirst(part.count) }
      return .bytes
    }
    guard var next = bodies[stream], !next.isEmpty else { return .later }
    let fill = next.removeFirst()
    bodies[stream] = next
    if fill == .bytes { bytes.append(42) }
    return fill
  }
}
