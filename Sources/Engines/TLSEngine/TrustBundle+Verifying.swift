import COpenSSL

extension TrustBundle {
  /// Why a peer with these roots would refuse the leaf, in OpenSSL's words; nil when it would not.
  /// `purpose`: ssl_client or ssl_server, by what the leaf's holder is. `now` in seconds since 1970.
  func reasonToRefuse(
    _ leaf: Certificate, _ chain: [Certificate], as purpose: String, now: Int64
  ) -> String? {
    ErrorQueue.clear()
    defer { ErrorQueue.clear() }
    guard let stack = unsafe apus_X509s_make() else { return "no memory" }
    defer { unsafe apus_X509s_free(stack) }
    for certificate in chain where unsafe apus_X509s_append(stack, certificate.handle) != 1 {
      return "no memory"
    }
    guard let context = unsafe X509_STORE_CTX_new() else { return "no memory" }
    defer { unsafe X509_STORE_CTX_free(context) }
    guard unsafe X509_STORE_CTX_init(context, handle, leaf.handle, stack) == 1,
      unsafe X509_STORE_CTX_set_default(context, purpose) == 1,
      let parameters = unsafe X509_STORE_CTX_get0_param(context)
    else { return "no memory" }
    unsafe X509_VERIFY_PARAM_set_time(parameters, Int(now))
    // As the sessions of the mesh verify (TLSSettings).
    unsafe X509_VERIFY_PARAM_set_auth_level(parameters, 2)
    if unsafe X509_verify_cert(context) == 1 { return nil }
    return unsafe String(cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(context))))
  }
}
