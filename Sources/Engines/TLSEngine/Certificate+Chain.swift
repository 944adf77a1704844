import COpenSSL

extension Certificate {
  /// The longest PEM text read, in bytes.
  public static let maximumPEM = 1024 * 1024

  /// The most certificates in one text: roots of many federated domains at most.
  public static let maximumCount = 256

  /// Reads every certificate of a PEM text, at least one; text around them is ignored.
  public static func chain(pem: String) throws(CredentialError) -> [Certificate] {
    guard pem.utf8.count <= maximumPEM else { throw .tooLarge(limit: maximumPEM) }
    ErrorQueue.clear()
    let (found, failure) = unsafe MemoryBIO.reading(pem.utf8.span) { bio in unsafe readAll(bio) }
    if let failure { throw failure }
    guard !found.isEmpty else { throw .malformed("no certificate in the text") }
    return found
  }

  private static func readAll(_ bio: OpaquePointer?) -> ([Certificate], CredentialError?) {
    var found: [Certificate] = []
    while let certificate = unsafe PEM_read_bio_X509(bio, nil, { _, _, _, _ in -1 }, nil) {
      unsafe found.append(Certificate(adopting: certificate))
      if found.count > maximumCount { return ([], .tooMany(limit: maximumCount)) }
    }
    // The end of the text is told as "no start line"; anything else is a broken certificate.
    let entries = ErrorQueue.drain()
    let ended = entries.allSatisfy { $0.library == ERR_LIB_PEM && $0.reason == PEM_R_NO_START_LINE }
    return ended ? (found, nil) : ([], .malformed(entries.first?.text ?? "no reason given"))
  }

  /// Certificates one after the other, as PEM.
  public static func pem(of certificates: [Certificate]) -> String {
    certificates.map(\.pem).joined()
  }
}
