public import Fetching

/// A process of the mesh that can be asked, and where it answers.
public struct Place: Hashable, Sendable {
  /// What it is.
  public enum Kind: String, Sendable { case agent, control, waypoint }

  /// The control plane's, in a mesh of `apus dev`.
  public static let controlName = "control"

  /// What a user calls it: the node, `control`, a waypoint's pod, or the URL.
  public var name: String
  public var kind: Kind
  /// Its admin address, without a path.
  public var url: FetchURL
  /// The network namespace in which that address is, as a path; nil for our own.
  public var network: String?

  public init(_ kind: Kind, name: String, url: FetchURL, network: String? = nil) {
    self.kind = kind
    self.name = name
    self.url = url
    self.network = network
  }

  /// - Throws: when `text` is no URL of a server that speaks http, or has a path.
  public init(_ kind: Kind, url text: String) throws(FetchError) {
    let url = try FetchURL(text)
    guard !url.isSecure else {
      throw FetchError(.url, at: text, "admin pages are served over http, not https")
    }
    guard url.target == "/" else {
      throw FetchError(.url, at: text, "it has a path, and only the address is asked for")
    }
    self.init(kind, name: url.authority, url: url)
  }

  func unreachable(_ reason: String) -> Unreachable {
    Unreachable(name: name, url: "\(url)", reason: reason)
  }
}
