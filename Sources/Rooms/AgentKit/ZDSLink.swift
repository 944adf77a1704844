import MeshAPI
import Reactor
import SwiftProtobuf

/// The agent's end of the enrollment protocol: one SEQPACKET connection to the CNI plugin, one message a
/// packet.
struct ZDSLink: ~Copyable {
  /// As much as one message may have (ztunnel's own limit).
  static let messageLimit = 1024

  private let socket: SeqPacket
  private let thread: ReactorThread

  /// Connects and says hello.
  static func connect(to path: String, on thread: ReactorThread) throws -> ZDSLink {
    let link = ZDSLink(socket: try SeqPacket.connect(to: path), thread: thread)
    var hello = Istio_Workload_Zds_ZdsHello()
    hello.version = .v1
    guard try link.socket.send(Array(try hello.serializedBytes() as [UInt8])) else {
      throw SystemError.timedOut
    }
    return link
  }

  private init(socket: consuming SeqPacket, thread: ReactorThread) {
    self.socket = socket
    self.thread = thread
  }

  /// A request and the network namespace that came with it.
  struct Request: ~Copyable {
    let payload: Istio_Workload_Zds_WorkloadRequest.OneOf_Payload?
    var namespace: Descriptor?
    /// Why the packet cannot be honoured; nil when it is well formed.
    let fault: String?

    mutating func takeNamespace() -> Descriptor? { namespace.take() }
  }

  /// The next request; nil at the end of the connection.
  func next() async throws(SystemError) -> Request? {
    while true {
      guard var message = try socket.receive(upTo: Self.messageLimit) else {
        _ = try await thread.ready(socket.descriptor, for: [.readable, .peerClosed])
        continue
      }
      if message.isEnd { return nil }
      var fault: String?
      if message.isTruncated { fault = "the message is longer than \(Self.messageLimit) bytes" }
      if message.descriptorCount > 1 { fault = "more than one descriptor came along" }
      let request = try? Istio_Workload_Zds_WorkloadRequest(serializedBytes: message.bytes)
      if request == nil { fault = fault ?? "the message is not a WorkloadRequest" }
      return Request(payload: request?.payload, namespace: message.takeDescriptor(), fault: fault)
    }
  }

  /// Answers one request; `problem` refuses it.
  func acknowledge(_ problem: String? = nil) async throws {
    var response = Istio_Workload_Zds_WorkloadResponse()
    response.ack.error = problem ?? ""
    let bytes: [UInt8] = try response.serializedBytes()
    while try !socket.send(bytes) { _ = try await thread.ready(socket.descriptor, for: .writable) }
  }
}
