import Testing

@testable import Manifests

@Suite struct KubeconfigTests {
  private static func text(_ cluster: String = "", user: String = "token: secret") -> String {
    """
    apiVersion: v1
    kind: Config
    current-context: here
    contexts:
    - name: other
      context: {cluster: none, user: none}
    - name: here
      context: {cluster: kind, user: me, namespace: shop}
    clusters:
    - name: kind
      cluster:
        server: https://127.0.0.1:6443
        certificate-authority-data: YWJj
        \(cluster)
    users:
    - name: me
      user:
        \(user)
    """
  }

  @Test func readsTheCurrentContext() throws {
    let config = try Kubeconfig(Self.text())
    #expect(config.server == "https://127.0.0.1:6443" && config.token == .text("secret"))
    #expect(config.authority == .encoded("YWJj") && config.clientKey == nil && config.plugin == nil)
  }

  @Test func readsFilesAndCertificates() throws {
    let config = try Kubeconfig(
      Self.text(user: "{client-certificate: a.pem, client-key-data: eHl6, tokenFile: /t}"))
    #expect(config.clientCertificate == .file("a.pem") && config.clientKey == .encoded("eHl6"))
    #expect(config.token == .file("/t"))
  }

  @Test func readsPlugins() throws {
    let config = try Kubeconfig(
      Self.text(
        user:
          "exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, get-token], env: [{name: A, value: b}]}"
      ))
    #expect(
      config.plugin
        == .init(
          apiVersion: "client.authentication.k8s.io/v1", command: "aws", arguments: ["eks", "get-token"],
          environment: ["A": "b"]))
  }

  @Test(arguments: [
    (Self.text("insecure-skip-tls-verify: true"), "insecure-skip-tls-verify"),
    (Self.text("proxy-url: http://p"), "proxy-url"),
    (Self.text(user: "client-certificate: a.pem"), "not both"),
    (Self.text(user: "{username: a, password: b}"), "username"),
    (Self.text(user: "exec: {apiVersion: v9, command: x}"), "v9"),
    (Self.text().replacing("current-context: here", with: "current-context: gone"), "context gone"),
    (Self.text().replacing("current-context: here", with: ""), "current-context"),
    (Self.text().replacing("server:", with: "host:"), "no server"),
    ("- a", "no kubeconfig"), ("a: [", "line"),
  ])
  func refuses(_ text: String, _ word: String) {
    let failure = #expect(throws: Kubeconfig.Failure.self) { try Kubeconfig(text) }
    #expect(failure?.description.contains(word) == true, "\(failure?.description ?? "")")
    #expect(failure?.description.contains("secret") != true)
  }
}
