import COpenSSL

/// A certificate about to be signed. Every certificate that this process makes passes here.
struct CertificateDraft {
  /// Common name and organization, at most 64 characters each; both empty for workloads.
  var commonName = ""
  var organization = ""
  var names = SubjectNames()
  /// Seconds since 1970, both inclusive.
  var notBefore: Int64
  var notAfter: Int64
  var isCA = false
  /// How many authorities may stand below this one; nil for any number.
  var pathLength: Int?
  /// In the words of x509v3_config(5).
  var keyUsage = "critical,digitalSignature"
  var extendedKeyUsage = "serverAuth,clientAuth"
  /// Writes the names twice, as no honest authority does; for tests of the reader.
  var repeatsNames = false

  /// Signs it as `issuer` with that certificate's key; with no issuer, it signs itself.
  func signed(
    for publicKey: PublicKey, by key: PrivateKey, issuer: Certificate? = nil
  ) throws(CredentialError) -> Certificate {
    ErrorQueue.clear()
    guard let handle = unsafe X509_new() else { throw .engine(ErrorQueue.drainText()) }
    let certificate = unsafe Certificate(adopting: handle)
    guard unsafe fill(handle, publicKey), unsafe fillExtensions(handle, issuer?.handle ?? handle),
      unsafe X509_sign(handle, key.handle, key.kind.digest) > 0
    else { throw .engine(ErrorQueue.drainText()) }
    return certificate
  }

  private func fill(_ handle: OpaquePointer, _ publicKey: PublicKey) -> Bool {
    guard let subject = unsafe X509_NAME_new() else { return false }
    defer { unsafe X509_NAME_free(subject) }
    for (nid, text) in [(NID_organizationName, organization), (NID_commonName, commonName)]
    where !text.isEmpty {
      let added = unsafe X509_NAME_add_entry_by_NID(
        subject, nid, MBSTRING_FLAG, Array(text.utf8), Int32(text.utf8.count), -1, 0)
      guard added == 1 else { return false }
    }
    guard unsafe X509_set_version(handle, 2) == 1, unsafe X509_set_pubkey(handle, publicKey.handle) == 1,
      unsafe X509_set_subject_name(handle, subject) == 1, unsafe setSerial(handle)
    else { return false }
    return unsafe UnixTime.with(notBefore) { time in unsafe X509_set1_notBefore(handle, time) == 1 }
      && UnixTime.with(notAfter) { time in unsafe X509_set1_notAfter(handle, time) == 1 }
  }

  /// 128 random bits, so that neither time nor count can be read from it and none repeats.
  private func setSerial(_ handle: OpaquePointer) -> Bool {
    guard let number = unsafe BN_new() else { return false }
    defer { unsafe BN_free(number) }
    guard unsafe BN_rand(number, 128, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 else { return false }
    return unsafe BN_to_ASN1_INTEGER(number, X509_get_serialNumber(handle)) != nil
  }

  private func fillExtensions(_ handle: OpaquePointer, _ issuer: OpaquePointer) -> Bool {
    guard unsafe X509_set_issuer_name(handle, X509_get_subject_name(issuer)) == 1 else { return false }
    var context = unsafe X509V3_CTX()
    unsafe X509V3_set_ctx(&context, issuer, handle, nil, nil, 0)
    let limit = pathLength.map { ",pathlen:\($0)" } ?? ""
    var texts: [(nid: Int32, value: String)] = [
      (NID_basic_constraints, isCA ? "critical,CA:TRUE\(limit)" : "critical,CA:FALSE"),
      (NID_key_usage, keyUsage),
    ]
    if !extendedKeyUsage.isEmpty { texts.append((NID_ext_key_usage, extendedKeyUsage)) }
    if isCA { texts.append((NID_subject_key_identifier, "hash")) }
    // An operator's root may lack the identifier that this one would point to.
    if unsafe issuer != handle, unsafe X509_get0_subject_key_id(issuer) != nil {
      texts.append((NID_authority_key_identifier, "keyid"))
    }
    for (nid, value) in texts {
      guard let made = unsafe X509V3_EXT_conf_nid(nil, &context, nid, value) else { return false }
      defer { unsafe X509_EXTENSION_free(made) }
      guard unsafe X509_add_ext(handle, made, -1) == 1 else { return false }
    }
    return unsafe addNames(handle)
  }

  /// The names are critical where they are all there is (RFC 5280 section 4.2.1.6).
  private func addNames(_ handle: OpaquePointer) -> Bool {
    if names.uris.isEmpty, names.dnsNames.isEmpty, names.addresses.isEmpty { return true }
    guard let general = unsafe names.makeGeneralNames() else { return false }
    defer { unsafe apus_GENERAL_NAMES_free(general) }
    let critical: Int32 = commonName.isEmpty && organization.isEmpty ? 1 : 0
    for flag in repeatsNames ? [X509V3_ADD_APPEND, X509V3_ADD_APPEND] : [X509V3_ADD_DEFAULT] {
      let raw = unsafe UnsafeMutableRawPointer(general)
      guard unsafe X509_add1_ext_i2d(handle, NID_subject_alt_name, raw, critical, UInt(flag)) == 1 else {
        return false
      }
    }
    return true
  }
}
