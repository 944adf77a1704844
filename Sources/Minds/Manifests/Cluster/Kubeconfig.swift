/// What a kubeconfig file says of its current context: where a cluster is and how to prove oneself there
/// (client authentication of Kubernetes, `kubectl config`).
public struct Kubeconfig: Hashable, Sendable {
  /// `https://HOST:PORT`.
  public var server: String
  /// Whose certificate the server shows, when not that of the host of `server`.
  public var serverName: String?
  public var authority: Source?
  public var clientCertificate: Source?
  public var clientKey: Source?
  public var token: Source?
  public var plugin: Plugin?

  /// A secret or a certificate, in the file or beside it.
  public enum Source: Hashable, Sendable {
    /// Base64 of the content.
    case encoded(String)
    case text(String)
    /// As written: relative to the kubeconfig's directory.
    case file(String)
  }

  /// A program that gets credentials (client.authentication.k8s.io ExecCredential).
  public struct Plugin: Hashable, Sendable {
    public var apiVersion: String
    public var command: String
    public var arguments: [String]
    public var environment: [String: String]
  }

  /// Why a file cannot be used, in one sentence.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// `context`: nil for the file's own current one.
  ///
  /// - Throws: what of it cannot be read or is refused; never a secret.
  public init(_ text: String, context name: String? = nil) throws(Failure) {
    let (documents, failure) = YAMLNode.documents(of: text)
    if let failure { throw Failure(description: "line \(failure.line): \(failure.message)") }
    let sink = FindingSink(file: "kubeconfig")
    guard let node = documents.first, let root = Section(node, path: "", sink: sink) else {
      throw Failure(description: "it is no kubeconfig")
    }
    guard let current = name ?? root.string("current-context") else {
      throw Failure(description: "it has no current-context; kubectl config use-context sets one")
    }
    let context = try Self.entry("context", named: current, in: root)
    guard let clusterName = context.string("cluster") else {
      throw Failure(description: "context \(current) names no cluster")
    }
    let cluster = try Self.entry("cluster", named: clusterName, in: root)
    guard let server = cluster.string("server") else {
      throw Failure(description: "cluster \(clusterName) has no server")
    }
    guard cluster.boolean("insecure-skip-tls-verify") != true else {
      throw Failure(
        description:
          "cluster \(clusterName) asks for insecure-skip-tls-verify, which is refused: give its certificate-authority"
      )
    }
    guard cluster.string("proxy-url") == nil else {
      throw Failure(description: "cluster \(clusterName) has a proxy-url, which is not supported")
    }
    self.server = server
    serverName = cluster.string("tls-server-name")
    authority = Self.source("certificate-authority", in: cluster)
    guard let userName = context.string("user") else { return }
    try read(try Self.entry("user", named: userName, in: root), userName)
  }

  private mutating func read(_ user: Section, _ name: String) throws(Failure) {
    clientCertificate = Self.source("client-certificate", in: user)
    clientKey = Self.source("client-key", in: user)
    guard (clientCertificate == nil) == (clientKey == nil) else {
      throw Failure(description: "user \(name) has one of client-certificate and client-key, and not both")
    }
    token = user.string("token").map { .text($0) } ?? user.string("tokenFile").map { .file($0) }
    if let exec = user.section("exec") {
      guard let command = exec.string("command"), let version = exec.string("apiVersion") else {
        throw Failure(description: "exec of user \(name) has no command or no apiVersion")
      }
      guard ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"].contains(version)
      else { throw Failure(description: "exec of user \(name) is of the unknown version \(version)") }
      let pairs = exec.sections("env").compactMap { section in
        section.string("name").map { ($0, section.string("value") ?? "") }
      }
      plugin = Plugin(
        apiVersion: version, command: command, arguments: exec.strings("args"),
        environment: Dictionary(pairs) { _, last in last })
    }
    for key in ["username", "auth-provider", "as"] where user.has(key) {
      throw Failure(description: "user \(name) proves itself by \(key), which is not supported")
    }
  }

  private static func source(_ key: String, in section: Section) -> Source? {
    section.string("\(key)-data").map { .encoded($0) } ?? section.string(key).map { .file($0) }
  }

  /// `contexts: [{name: N, context: {...}}]` and its like.
  private static func entry(_ key: String, named name: String, in root: Section) throws(Failure) -> Section {
    guard let entry = root.sections("\(key)s").first(where: { $0.string("name") == name }),
      let section = entry.section(key)
    else { throw Failure(description: "there is no \(key) \(name)") }
    return section
  }
}
