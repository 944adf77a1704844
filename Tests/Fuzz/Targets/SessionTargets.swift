import Bytes
import H2Engine
import HTTPModel
import MeshModel
import TLSEngine

extension FuzzTarget {
  /// The machines that take a peer's bytes: TLS and HTTP/2, in both roles.
  static let sessions: [FuzzTarget] = [
    FuzzTarget("tls-server") { bytes in shakeHands(.server, bytes) },
    FuzzTarget("tls-client") { bytes in shakeHands(.client, bytes) },
    FuzzTarget("h2-server") { bytes in converse(.server, bytes) },
    FuzzTarget("h2-client") { bytes in converse(.client, bytes) },
  ]

  /// A certificate authority and a leaf that live for this process.
  private struct Rig {
    let server: TLSSettings
    let client: TLSSettings
    let identity: Identity

    init() throws {
      identity = try Identity(spiffe: "spiffe://cluster.local/ns/production/sa/web-sa")
      let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: 1_700_000_000)
      let credentials = try issuer.makeCredentials(
        identity: identity, lifetime: 86_400, now: 1_700_000_000)
      server = try .server(credentials: credentials, roots: issuer.bundle)
      client = try .client(credentials: credentials, roots: issuer.bundle)
    }
  }

  private static let rig = Result { try Rig() }

  private static func shakeHands(_ role: TLSRole, _ bytes: [UInt8]) {
    guard let rig = try? rig.get() else { preconditionFailure("no credentials to fuzz with") }
    let settings = role == .server ? rig.server : rig.client
    let expectation =
      role == .server ? PeerExpectation.trustDomain(.clusterLocal) : .identities([rig.identity])
    guard let session = try? TLSSession(settings, role: role, expecting: expectation) else { return }
    try? session.start()
    var plaintext = ByteQueue()
    for piece in pieces(of: bytes) {
      let room = piece.count + TLSSession.receiveAllowance
      do {
        _ = try plaintext.fill(minimum: room) { output throws(TLSError) in
          try session.receive(piece.span, into: &output)
        }
      } catch {
        break
      }
    }
    precondition(plaintext.isEmpty && session.peerIdentity == nil, "nobody can have proved who they are")
    session.close()
  }

  private static func converse(_ role: H2Session.Role, _ bytes: [UInt8]) {
    let session = H2Session(role)
    let source = Replies()
    var events = H2Events()
    var output = ByteQueue()
    if role == .client { _ = try? session.submitRequest(Replies.request, hasBody: true) }
    for piece in pieces(of: bytes) {
      events.removeAll()
      do { try session.receive(piece.span, into: &events) } catch { break }
      for event in events.list { answer(event, session, piece.count) }
      var rounds = 0
      while session.wantsWrite, rounds < 64 {
        rounds += 1
        do {
          try output.fill(minimum: 32 << 10) { room throws(H2Error) in
            try session.transmit(into: &room, from: source)
          }
        } catch {
          return
        }
        output.clear()
      }
      session.collect(into: &events)
      if session.isFinished { return }
    }
  }

  private static func answer(_ event: H2Event, _ session: H2Session, _ size: Int) {
    switch event {
    case .headers(let stream, _, _) where session.role == .server:
      try? session.submitResponse(stream, [Field(":status", "200")], hasBody: true)
    case .data(let stream, let range):
      precondition(range.upperBound <= size, "data outside of the bytes given")
      session.consume(stream, range.count)
    default: break
    }
  }

  /// The input as a socket might deliver it: cut where its own bytes say.
  static func pieces(of bytes: [UInt8]) -> [[UInt8]] {
    guard let first = bytes.first, first & 1 == 1, bytes.count > 2 else { return [bytes] }
    let cut = 1 + Int(first) % (bytes.count - 1)
    return [Array(bytes[..<cut]), Array(bytes[cut...])]
  }
}

/// A body of a few bytes for every stream.
private final class Replies: H2BodySource {
  static let request = [Field(":method", "CONNECT"), Field(":authority", "10.244.1.2:8080")]

  func fill(stream: Int32, into bytes: inout OutputSpan<UInt8>) -> H2BodyFill {
    guard bytes.freeCapacity > 0 else { return .later }
    bytes.append(0x61)
    return .end
  }
}
