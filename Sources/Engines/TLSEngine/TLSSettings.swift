import COpenSSL

/// What all sessions of one kind share: credentials, roots, application protocols, and the one profile of
/// TLS that the mesh speaks. Wraps an SSL_CTX; immutable once made, so that any thread may open sessions of
/// it.
///
/// The profile (research: data-path-lab.md sections 4 and 5): TLS 1.3 only, AES-128-GCM before AES-256-GCM,
/// X25519 and P-256, no tickets, no resumption, no early data, no compression of any kind, no chain built
/// by guessing.
@safe public final class TLSSettings: @unchecked Sendable {
  public let role: TLSRole
  public let credentials: Credentials?
  /// Whom the sessions believe; nil when they ask for no certificate.
  public let trust: TrustStore?
  public let alpn: [String]
  /// Whether a peer that answers no protocol is refused.
  let insistsOnALPN: Bool
  let handle: OpaquePointer

  /// Longer chains are refused before they are parsed, in bytes.
  static let maximumPeerChain = 64 * 1024
  /// Certificates between leaf and root.
  static let maximumDepth: Int32 = 8

  /// The mesh's own roots.
  public var roots: TrustBundle? { trust?.roots }

  /// For dialing. Without credentials the session is authenticated on the server's side alone.
  public static func client(
    credentials: Credentials?, trust: TrustStore, alpn: [String] = ["h2"]
  ) throws(TLSError) -> TLSSettings {
    try TLSSettings(.client, credentials, trust, alpn)
  }

  /// For dialing within one mesh, or into the world: servers there that speak HTTP/1.1 may know no ALPN, and
  /// with `insistsOnALPN` false their silence is accepted.
  public static func client(
    credentials: Credentials?, roots: TrustBundle, alpn: [String] = ["h2"], insistsOnALPN: Bool = true
  ) throws(TLSError) -> TLSSettings {
    try TLSSettings(.client, credentials, TrustStore(roots), alpn, insistsOnALPN: insistsOnALPN)
  }

  /// For dialing a server that is none of the mesh: TLS 1.2 is good enough where it keeps what is said secret
  /// for ever (ephemeral keys) and whole (AEAD). Without roots nobody can be told from anybody else.
  public static func outside(
    roots: TrustBundle?, alpn: [String], insistsOnALPN: Bool
  ) throws(TLSError) -> TLSSettings {
    try TLSSettings(
      .client, nil, roots.map { TrustStore($0) }, alpn, insistsOnALPN: insistsOnALPN, takesTLS12: true)
  }

  /// For accepting. Every client must show a certificate.
  public static func server(
    credentials: Credentials, trust: TrustStore, alpn: [String] = ["h2"]
  ) throws(TLSError) -> TLSSettings {
    try TLSSettings(.server, credentials, trust, alpn)
  }

  /// For accepting within one mesh. Without roots no client certificate is asked for; with roots every client
  /// must show one.
  public static func server(
    credentials: Credentials, roots: TrustBundle?, alpn: [String] = ["h2"]
  ) throws(TLSError) -> TLSSettings {
    try TLSSettings(.server, credentials, roots.map { TrustStore($0) }, alpn)
  }

  private init(
    _ role: TLSRole, _ credentials: Credentials?, _ trust: TrustStore?, _ alpn: [String],
    insistsOnALPN: Bool = true, takesTLS12: Bool = false
  ) throws(TLSError) {
    ErrorQueue.clear()
    let method = role == .client ? unsafe TLS_client_method() : unsafe TLS_server_method()
    guard let handle = unsafe SSL_CTX_new(method) else { throw .engine(ErrorQueue.drainText()) }
    self.role = role
    self.credentials = credentials
    self.trust = trust
    self.alpn = alpn
    self.insistsOnALPN = insistsOnALPN
    unsafe self.handle = unsafe handle
    try applyProfile()
    if takesTLS12 { try takeTLS12() }
    try applyCredentials()
    try applyProtocols()
    if let roots = trust?.roots { unsafe SSL_CTX_set1_cert_store(handle, roots.handle) }
    unsafe SessionHooks.install(in: handle, role: role, alpn: !alpn.isEmpty)
  }

  deinit { unsafe SSL_CTX_free(handle) }

  private func applyProfile() throws(TLSError) {
    unsafe apus_SSL_CTX_plain_options(handle)
    unsafe apus_SSL_CTX_no_session_cache(handle)
    unsafe apus_SSL_CTX_set_mode(handle, Int(SSL_MODE_NO_AUTO_CHAIN))
    unsafe apus_SSL_CTX_set_max_cert_list(handle, Self.maximumPeerChain)
    unsafe SSL_CTX_set_verify_depth(handle, Self.maximumDepth)
    // RSA below 2048 bits, curves below 224 bits and SHA-1 are refused, whatever openssl.cnf says.
    unsafe SSL_CTX_set_security_level(handle, 2)
    guard unsafe apus_SSL_CTX_only_tls13(handle) == 1,
      unsafe SSL_CTX_set_ciphersuites(handle, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384") == 1,
      unsafe apus_SSL_CTX_set_groups(handle, "X25519:P-256") == 1,
      unsafe SSL_CTX_set_num_tickets(handle, 0) == 1
    else { throw .engine(ErrorQueue.drainText()) }
  }

  private func takeTLS12() throws(TLSError) {
    guard unsafe apus_SSL_CTX_tls12_or_tls13(handle) == 1,
      unsafe SSL_CTX_set_cipher_list(handle, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1
    else { throw .engine(ErrorQueue.drainText()) }
  }

  private func applyCredentials() throws(TLSError) {
    guard let credentials else { return }
    guard let stack = unsafe apus_X509s_make() else { throw .engine(ErrorQueue.drainText()) }
    defer { unsafe apus_X509s_free(stack) }
    for certificate in credentials.chain where unsafe apus_X509s_append(stack, certificate.handle) != 1 {
      throw .engine(ErrorQueue.drainText())
    }
    guard
      unsafe SSL_CTX_use_cert_and_key(handle, credentials.leaf.handle, credentials.key.handle, stack, 1) == 1
    else { throw .badSettings(ErrorQueue.drainText()) }
  }

  private func applyProtocols() throws(TLSError) {
    for name in alpn where !(1...255).contains(name.utf8.count) {
      throw .badSettings("\(name.debugDescription) is no application protocol's name")
    }
    guard role == .client, !alpn.isEmpty else { return }
    let list = alpn.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    // Answers 0 for success, unlike its neighbours.
    guard unsafe SSL_CTX_set_alpn_protos(handle, list, UInt32(list.count)) == 0 else {
      throw .engine(ErrorQueue.drainText())
    }
  }
}
