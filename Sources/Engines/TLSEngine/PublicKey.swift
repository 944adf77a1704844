import COpenSSL

/// A public key of a kind the mesh accepts. Immutable.
@safe public final class PublicKey: @unchecked Sendable {
  public let kind: KeyKind
  let handle: OpaquePointer

  /// Takes a reference of its own.
  init(sharing key: OpaquePointer) throws(CredentialError) {
    kind = try unsafe KeyKind(of: key)
    unsafe EVP_PKEY_up_ref(key)
    unsafe handle = unsafe key
  }

  deinit { unsafe EVP_PKEY_free(handle) }
}
