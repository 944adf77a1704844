import Fetching
import FoundationEssentials
import Manifests
import Reactor
import TLSEngine

/// Where a Kubernetes API is and how we prove ourselves there.
public struct ClusterAccess: Sendable {
  /// `https://HOST:PORT`.
  public var server: String
  var roots: TrustBundle
  var credentials: Credentials?
  var bearer: Bearer

  /// What proves us in each request.
  enum Bearer: Sendable {
    case none
    case text(String)
    /// Read again for each request: the kubelet replaces it.
    case file(String)
    case plugin(Kubeconfig.Plugin)
  }

  /// Where Kubernetes puts what a pod needs (Accessing the API from a Pod).
  public static let home = "/var/run/secrets/kubernetes.io/serviceaccount"
  private static let largestFile = 1 << 20

  /// That of the cluster that this process runs in.
  ///
  /// - Throws: `ClusterError.credentials`, with what is missing.
  public static func inCluster(
    environment: [String: String], home: String = ClusterAccess.home
  ) throws(ClusterError) -> ClusterAccess {
    guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
      let port = environment["KUBERNETES_SERVICE_PORT"]
    else {
      throw .credentials(
        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod of a cluster; "
          + "say --kubeconfig FILE")
    }
    let roots = try bundle(try text("\(home)/ca.crt"), of: "\(home)/ca.crt")
    _ = try text("\(home)/token")
    let name = host.contains(":") ? "[\(host)]" : host
    return ClusterAccess(
      server: "https://\(name):\(port)", roots: roots, credentials: nil, bearer: .file("\(home)/token"))
  }

  /// That of a kubeconfig file's current context.
  ///
  /// - Throws: `ClusterError.credentials`, with what of the file cannot be used.
  public static func kubeconfig(_ path: String) throws(ClusterError) -> ClusterAccess {
    let written = try text(path)
    let config: Kubeconfig
    do throws(Kubeconfig.Failure) { config = try Kubeconfig(written) } catch {
      throw .credentials("\(path): \(error)")
    }
    let home = URL(filePath: path).deletingLastPathComponent().path
    guard config.serverName == nil else {
      throw .credentials("\(path): tls-server-name is not supported")
    }
    guard let authority = config.authority else {
      throw .credentials("\(path): the cluster has no certificate-authority")
    }
    let roots = try bundle(try content(authority, home), of: path)
    return ClusterAccess(
      server: config.server, roots: roots, credentials: try client(config, home, path),
      bearer: try bearer(config, home))
  }

  private static func bearer(_ config: Kubeconfig, _ home: String) throws(ClusterError) -> Bearer {
    switch config.token {
    case .text(let token)?: return .text(token)
    case .file(let file)?: return .file(file.hasPrefix("/") ? file : "\(home)/\(file)")
    case .encoded?, nil: return config.plugin.map { .plugin($0) } ?? .none
    }
  }

  private static func client(
    _ config: Kubeconfig, _ home: String, _ path: String
  ) throws(ClusterError) -> Credentials? {
    guard let certificate = config.clientCertificate, let key = config.clientKey else { return nil }
    let (chain, secret) = (try content(certificate, home), try content(key, home))
    do throws(CredentialError) {
      return try Credentials(pem: chain, key: PrivateKey(pem: secret))
    } catch {
      throw .credentials("\(path): the client certificate or its key: \(error)")
    }
  }

  private static func bundle(_ pem: String, of path: String) throws(ClusterError) -> TrustBundle {
    do throws(CredentialError) { return try TrustBundle(pem: pem) } catch {
      throw .credentials("\(path): the authority's certificate: \(error)")
    }
  }

  private static func content(_ source: Kubeconfig.Source, _ home: String) throws(ClusterError) -> String {
    switch source {
    case .text(let text): return text
    case .file(let file): return try text(file.hasPrefix("/") ? file : "\(home)/\(file)")
    case .encoded(let encoded):
      guard let data = Data(base64Encoded: encoded),
        let text = String(validating: data, as: UTF8.self)
      else { throw .credentials("a value that should be base64 is not") }
      return text
    }
  }

  static func text(_ path: String) throws(ClusterError) -> String {
    do throws(SystemError) {
      return String(decoding: try Files.read(path, limit: largestFile), as: UTF8.self)
    } catch {
      throw .credentials("\(path): \(error)")
    }
  }
}
