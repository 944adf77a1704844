public import Bytes
import COpenSSL
public import MeshModel

/// One end of a TLS session (1.3 within the mesh), without a socket: ciphertext in, plaintext out, and the
/// other way round.
///
/// The owner hands over what the socket gave by `receive`, and sends what gathers in `outgoing`. After a
/// failure `outgoing` may hold the alert that tells the peer, and is worth one last send. Not for use by
/// two threads at once.
@safe public final class TLSSession {
  public let role: TLSRole
  public let settings: TLSSettings
  public let expectation: PeerExpectation
  /// Ciphertext for the socket. The session only appends; the owner removes, and must stop calling `send`
  /// while more waits here than it is willing to hold.
  public var outgoing = ByteQueue()
  /// Who the peer proved to be; nil before the handshake's end, and for peers that are not known by
  /// identity.
  public private(set) var peerIdentity: Identity?
  /// Whether the peer has said that it sends no more. A socket's end without it is a truncation.
  public private(set) var isPeerClosed = false
  /// The failure that ended the session.
  public private(set) var failure: TLSError?
  /// The alert that we sent, when we ended the session.
  public private(set) var alertSent: TLSAlert?

  private var isHandshakeDone = false
  private var isClosed = false
  /// Whom the peer's certificate names, before the peer has proved that it holds the key.
  private var claimedIdentity: Identity?
  private var refusal: PeerRefusal?
  private var alertReceived: TLSAlert?
  private var lacksCommonProtocol = false
  /// The ciphertext being received, while `receive` runs.
  private var unread = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
  let ssl: OpaquePointer

  /// How much more room than the ciphertext takes `receive` needs in its plaintext: a whole record may be
  /// waiting for its last byte.
  public static let receiveAllowance = 17 * 1024

  /// `role` is that of the settings, repeated for the reader. Only a server without roots expects nobody.
  /// `wall` is the time, in seconds since 1970, by which the peer's certificate is judged; the system's clock
  /// when nil.
  public init(
    _ settings: TLSSettings, role: TLSRole, expecting expectation: PeerExpectation, wall: Int64? = nil
  ) throws(TLSError) {
    precondition(role == settings.role, "settings of the other role")
    let asksNobody = role == .server && settings.roots == nil
    precondition(asksNobody == (expectation == .nobody), "the expectation does not fit the roots")
    ErrorQueue.clear()
    guard let ssl = unsafe SSL_new(settings.handle) else { throw .engine(ErrorQueue.drainText()) }
    self.role = role
    self.settings = settings
    self.expectation = expectation
    unsafe self.ssl = unsafe ssl
    guard let bio = unsafe SessionBIO.make(for: self) else { throw .engine(ErrorQueue.drainText()) }
    unsafe SSL_set_bio(ssl, bio, bio)
    guard unsafe SessionHooks.bind(self, to: ssl) else { throw .engine(ErrorQueue.drainText()) }
    let verification = asksNobody ? SSL_VERIFY_NONE : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
    unsafe SSL_set_verify(ssl, verification, nil)
    if let wall { unsafe X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), time_t(wall)) }
    switch role {
    case .server: unsafe SSL_set_accept_state(ssl)
    case .client:
      unsafe SSL_set_connect_state(ssl)
      try nameServer()
    }
  }

  deinit { unsafe SSL_free(ssl) }

  /// Whether data may be sent.
  public var isOpen: Bool { isHandshakeDone && failure == nil && !isClosed }

  /// Begins the handshake: a client's greeting goes to `outgoing`; a server waits.
  public func start() throws(TLSError) {
    if let failure { throw failure }
    guard role == .client, !isHandshakeDone else { return }
    try shakeHands()
  }

  /// Takes all of `ciphertext` (a partial record is kept inside), runs the handshake as far as it goes, and
  /// appends what was decrypted. `plaintext` must have room for `ciphertext.count + receiveAllowance`
  /// bytes. Bytes after the peer's close_notify are ignored (RFC 8446 section 6.1).
  public func receive(
    _ ciphertext: Span<UInt8>, into plaintext: inout OutputSpan<UInt8>
  ) throws(TLSError) -> TLSProgress {
    if let failure { throw failure }
    if isPeerClosed { return .closed }
    precondition(
      plaintext.freeCapacity >= ciphertext.count + Self.receiveAllowance, "no room for the plaintext")
    return try unsafe plaintext.withUnsafeMutableBufferPointer { buffer, filled throws(TLSError) in
      try unsafe ciphertext.withUnsafeBytes { bytes throws(TLSError) in
        unsafe unread = unsafe bytes
        defer { unsafe unread = unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
        if !isHandshakeDone {
          try shakeHands()
          if !isHandshakeDone { return .handshaking }
        }
        return try unsafe decrypt(into: buffer, &filled)
      }
    }
  }

  /// Encrypts all of `plaintext` to `outgoing`, in records of 16 KiB.
  public func send(_ plaintext: Span<UInt8>) throws(TLSError) {
    if let failure { throw failure }
    guard isOpen else { throw .notOpen }
    try unsafe plaintext.withUnsafeBytes { bytes throws(TLSError) in
      var sent = 0
      while sent < bytes.count {
        var count = 0
        ErrorQueue.clear()
        let result = unsafe SSL_write_ex(
          ssl, bytes.baseAddress?.advanced(by: sent), bytes.count - sent, &count)
        guard result == 1, count > 0 else { throw fail(unsafe SSL_get_error(ssl, result)) }
        sent += count
      }
    }
  }

  /// Queues close_notify: we send no more, and may still receive. Without effect before the handshake's
  /// end.
  public func close() {
    guard isOpen else { return }
    isClosed = true
    ErrorQueue.clear()
    _ = unsafe SSL_shutdown(ssl)
    ErrorQueue.clear()
  }

  /// The peer's own certificate; nil before the handshake's end and for a peer without one.
  public var peerCertificate: Certificate? {
    guard isHandshakeDone, let certificate = unsafe SSL_get1_peer_certificate(ssl) else { return nil }
    return unsafe Certificate(adopting: certificate)
  }

  /// The application protocol agreed on.
  public var negotiatedALPN: String? {
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    unsafe SSL_get0_alpn_selected(ssl, &name, &count)
    guard count > 0 else { return nil }
    return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
  }

  /// For example "TLS_AES_128_GCM_SHA256".
  public var cipherName: String? {
    guard isHandshakeDone, let cipher = unsafe SSL_get_current_cipher(ssl) else { return nil }
    return unsafe String(cString: SSL_CIPHER_get_name(cipher))
  }

  /// Names the server that we dial (SNI), when it has a DNS name. Peers of the mesh are known by identity
  /// alone.
  private func nameServer() throws(TLSError) {
    let name: String
    switch expectation {
    case .serverName(let called), .server(let called, _), .anybody(let called): name = called
    case .identities, .anyTrusted, .trustDomain, .nobody: return
    }
    if IPAddress(name) != nil { return }
    guard !name.utf8.contains(0), unsafe apus_SSL_set_server_name(ssl, name) == 1 else {
      ErrorQueue.clear()
      throw .badSettings("\(name.debugDescription) is no server name")
    }
  }

  private func shakeHands() throws(TLSError) {
    ErrorQueue.clear()
    let result = unsafe SSL_do_handshake(ssl)
    if result == 1 {
      isHandshakeDone = true
      // A server that ignores ALPN would be spoken to in a protocol it does not expect.
      guard settings.alpn.isEmpty || !settings.insistsOnALPN || negotiatedALPN != nil else {
        close()
        failure = .noCommonProtocol
        throw .noCommonProtocol
      }
      peerIdentity = claimedIdentity
      return
    }
    let code = unsafe SSL_get_error(ssl, result)
    if code != SSL_ERROR_WANT_READ { throw fail(code) }
  }

  /// One record a turn, until OpenSSL has taken every byte of `unread`.
  private func decrypt(
    into buffer: UnsafeMutableBufferPointer<UInt8>, _ filled: inout Int
  ) throws(TLSError) -> TLSProgress {
    while true {
      var count = 0
      ErrorQueue.clear()
      let result = unsafe SSL_read_ex(
        ssl, buffer.baseAddress?.advanced(by: filled), buffer.count - filled, &count)
      if result == 1 {
        filled += count
        // At a record's end with nothing left: no need to ask OpenSSL once more.
        if unsafe unread.isEmpty, unsafe SSL_pending(ssl) == 0 { return .open }
        continue
      }
      switch unsafe SSL_get_error(ssl, result) {
      case SSL_ERROR_WANT_READ:
        return .open
      case SSL_ERROR_ZERO_RETURN:
        isPeerClosed = true
        return .closed
      case let code:
        throw fail(code)
      }
    }
  }

  /// Reads why the last call failed; the session is over.
  private func fail(_ code: Int32) -> TLSError {
    let entries = ErrorQueue.drain()
    let error: TLSError
    if let refusal {
      error = .peerRefused(refusal)
    } else if lacksCommonProtocol {
      error = .noCommonProtocol
    } else if let alertReceived {
      error = .alertReceived(alertReceived)
    } else if let entry = entries.first(where: { $0.library == ERR_LIB_SSL }) ?? entries.first {
      error =
        switch entry.reason {
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: .peerRefused(.noCertificate)
        case Int32(ERR_R_MALLOC_FAILURE): .engine(entry.text)
        default: .protocolViolation(entry.text)
        }
    } else {
      error = .engine("error \(code) without a reason")
    }
    failure = error
    return error
  }
}

// What the BIO and the hooks tell the session, from within the calls above.
extension TLSSession {
  /// The BIO's read: -1 with the retry flag when all that was received has been taken.
  func read(_ bio: OpaquePointer?, into buffer: UnsafeMutablePointer<CChar>?, _ count: Int32) -> Int32 {
    unsafe apus_BIO_clear_retry(bio)
    let taken = unsafe min(Int(count), unread.count)
    guard taken > 0, let buffer = unsafe buffer, let start = unsafe unread.baseAddress else {
      unsafe apus_BIO_set_retry_read(bio)
      return -1
    }
    unsafe UnsafeMutableRawPointer(buffer).copyMemory(from: start, byteCount: taken)
    unsafe unread = unsafe UnsafeRawBufferPointer(rebasing: unread[taken...])
    return Int32(taken)
  }

  /// The BIO's write: always takes everything.
  func write(_ buffer: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
    guard let buffer = unsafe buffer, count > 0 else { return 0 }
    let bytes = unsafe UnsafeRawBufferPointer(start: buffer, count: Int(count))
    unsafe outgoing.append(Span(_unsafeBytes: bytes))
    return count
  }

  func accept(_ identity: Identity?) { claimedIdentity = identity }

  func refuse(_ reason: PeerRefusal) { refusal = reason }

  func noteNoCommonProtocol() { lacksCommonProtocol = true }

  func noteAlert(_ alert: TLSAlert, received: Bool) {
    if alert == .closeNotify { return }
    if received { alertReceived = alert } else { alertSent = alert }
  }
}
