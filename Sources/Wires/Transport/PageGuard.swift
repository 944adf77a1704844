import HTTPModel
import MeshModel

/// What pages that browsers show are guarded by: other sites, opened in the same browser, must neither read
/// nor frame them, and nothing but what the page itself brought runs in it.
enum PageGuard {
  /// Sent with every page. `content` is the page's own policy for scripts and styles.
  static func fields(policy content: String?) -> [Field] {
    [
      Field("cache-control", "no-store"),
      Field(
        "content-security-policy",
        (content ?? "default-src 'none'")
          + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
      Field("cross-origin-resource-policy", "same-origin"),
      Field("referrer-policy", "no-referrer"),
      Field("x-content-type-options", "nosniff"),
    ]
  }

  /// Browsers say for which site they send what changes something (Fetch standard, Origin); who asks under
  /// another name is led here by one.
  static func isOfABrowser(_ request: RequestHead) -> Bool {
    request.fields.contains { $0.name == "origin" || $0.name == "sec-fetch-site" }
      || request.authority.map { !$0.isEmpty && !isOurs($0) } ?? false
  }

  /// The name of a site that points to our address (DNS rebinding) is not one of ours: an address itself, and
  /// names that never leave the machine (RFC 6761 section 6.3).
  static func isOurs(_ authority: String?) -> Bool {
    guard let authority, !authority.isEmpty else { return false }
    let host: Substring
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return false }
      let rest = authority[authority.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") else { return false }
      return IPAddress(String(authority[authority.index(after: authority.startIndex)..<end])) != nil
    }
    host = authority.prefix { $0 != ":" }
    let name = host.lowercased()
    return name == "localhost" || name.hasSuffix(".localhost") || IPAddress(name) != nil
  }
}
