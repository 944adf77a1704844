import COpenSSL

/// What `--version` tells about the library below.
public enum TLSVersions {
  /// The OpenSSL that runs, for example "OpenSSL 3.0.22 25 Aug 2026"; not the one compiled against.
  public static var openssl: String { unsafe String(cString: OpenSSL_version(OPENSSL_VERSION)) }
}
