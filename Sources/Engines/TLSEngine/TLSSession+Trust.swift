import COpenSSL
import MeshModel

extension TLSSession {
  /// Whether the chain that the peer, known by identity, showed in the handshake reaches a root that vouches
  /// for its trust domain in `trust`. Time does not count: a session that was good when it began is not ended
  /// by its certificate's end, but by the loss of trust. False before the handshake's end.
  public func isPeerTrusted(under trust: TrustStore) -> Bool {
    guard let peerIdentity, let roots = trust.bundle(for: peerIdentity.trustDomain),
      let leaf = unsafe SSL_get0_peer_certificate(ssl), let check = unsafe X509_STORE_CTX_new()
    else { return false }
    defer {
      unsafe X509_STORE_CTX_free(check)
      ErrorQueue.clear()
    }
    let purpose = role == .client ? "ssl_server" : "ssl_client"
    guard unsafe X509_STORE_CTX_init(check, roots.handle, leaf, SSL_get_peer_cert_chain(ssl)) == 1,
      unsafe X509_STORE_CTX_set_default(check, purpose) == 1
    else { return false }
    unsafe X509_STORE_CTX_set_flags(check, UInt(X509_V_FLAG_NO_CHECK_TIME))
    unsafe X509_STORE_CTX_set_depth(check, TLSSettings.maximumDepth)
    return unsafe X509_verify_cert(check) == 1
  }
}
