import COpenSSL

/// What OpenSSL asks a session in the course of its handshake.
enum SessionHooks {
  static func install(in settings: OpaquePointer, role: TLSRole, alpn: Bool) {
    unsafe SSL_CTX_set_cert_verify_callback(settings, { chain, _ in unsafe SessionHooks.verify(chain) }, nil)
    unsafe SSL_CTX_set_info_callback(settings) { ssl, what, value in
      guard what & SSL_CB_ALERT != 0 else { return }
      unsafe SessionHooks.session(of: ssl)?.noteAlert(
        TLSAlert(code: UInt8(value & 0xff)), received: what & SSL_CB_READ != 0)
    }
    guard role == .server, alpn else { return }
    unsafe SSL_CTX_set_client_hello_cb(
      settings, { ssl, alert, _ in unsafe SessionHooks.requireALPN(ssl, alert) }, nil)
    unsafe SSL_CTX_set_alpn_select_cb(
      settings,
      { ssl, choice, choiceCount, offer, offerCount, _ in
        unsafe SessionHooks.selectALPN(ssl, choice, choiceCount, offer, offerCount)
      }, nil)
  }

  /// Makes the session known to the hooks; it outlives the SSL.
  static func bind(_ session: TLSSession, to ssl: OpaquePointer) -> Bool {
    unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(session).toOpaque()) == 1
  }

  private static func session(of ssl: OpaquePointer?) -> TLSSession? {
    guard let data = unsafe SSL_get_ex_data(ssl, 0) else { return nil }
    return unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
  }

  /// Answers 1 when the peer is accepted. Whatever goes wrong here refuses.
  private static func verify(_ chain: OpaquePointer?) -> Int32 {
    guard let chain = unsafe chain,
      let ssl = unsafe X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()),
      let session = unsafe session(of: OpaquePointer(ssl))
    else { return 0 }
    do throws(PeerRefusal) {
      try unsafe session.accept(
        PeerCheck.examine(chain, expecting: session.expectation, trust: session.settings.trust))
      return 1
    } catch {
      session.refuse(error)
      unsafe X509_STORE_CTX_set_error(chain, PeerCheck.code(for: error))
      return 0
    }
  }

  /// A client that offers no protocol at all would otherwise skip the selection.
  private static func requireALPN(_ ssl: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?) -> Int32 {
    var offer: UnsafePointer<UInt8>?
    var count = 0
    if unsafe SSL_client_hello_get0_ext(
      ssl, UInt32(TLSEXT_TYPE_application_layer_protocol_negotiation), &offer, &count)
      == 1
    {
      return SSL_CLIENT_HELLO_SUCCESS
    }
    unsafe session(of: ssl)?.noteNoCommonProtocol()
    unsafe alert?.pointee = Int32(TLSAlert.noApplicationProtocol.code)
    return SSL_CLIENT_HELLO_ERROR
  }

  /// Takes the first of ours that the client offers, by pointing into its offer, which outlives the
  /// handshake.
  private static func selectALPN(
    _ ssl: OpaquePointer?, _ choice: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ choiceCount: UnsafeMutablePointer<UInt8>?, _ offer: UnsafePointer<UInt8>?, _ offerCount: UInt32
  ) -> Int32 {
    guard let session = unsafe session(of: ssl) else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let offered = unsafe UnsafeBufferPointer(start: offer, count: Int(offerCount))
    for name in session.settings.alpn {
      var index = 0
      while index < offered.count {
        let count = unsafe Int(offered[index])
        let end = index + 1 + count
        guard end <= offered.count else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        if unsafe name.utf8.elementsEqual(offered[(index + 1)..<end]) {
          unsafe choice?.pointee = offer.map { unsafe $0 + index + 1 }
          unsafe choiceCount?.pointee = UInt8(count)
          return SSL_TLSEXT_ERR_OK
        }
        index = end
      }
    }
    session.noteNoCommonProtocol()
    return SSL_TLSEXT_ERR_ALERT_FATAL
  }
}
