import MeshModel
import TLSEngine

/// `trafficPolicy.tls`, as written.
enum WrittenTLS: Hashable, Sendable {
  /// DISABLE and ISTIO_MUTUAL: between workloads of the mesh there is always its own mutual TLS, and nothing
  /// within it.
  case mesh
  /// SIMPLE. The text of the file is put in when all files have been read.
  case begun(TLSOrigination, File?)

  /// `caCertificates`.
  struct File: Hashable, Sendable {
    let path: String
    let line: Int
    let field: String
  }

  var origination: TLSOrigination? { if case .begun(let made, _) = self { made } else { nil } }
  var file: File? { if case .begun(_, let file) = self { file } else { nil } }

  /// Nil when it cannot be read, which has been told.
  init?(reading tls: Section) {
    let keys: Set = [
      "clientCertificate", "privateKey", "caCertificates", "credentialName", "subjectAltNames", "sni",
      "insecureSkipVerify", "caCrl",
    ]
    tls.expectOnly(keys.union(["mode"]))
    let mode = tls.string("mode") ?? "DISABLE"
    switch mode {
    case "ISTIO_MUTUAL", "DISABLE":
      // Without a word, whom it was written for would be told neither whom to trust nor whom to expect.
      for key in keys.sorted() { tls.reject(key, "whom to expect is the mesh's own certificates'") }
      if mode == "DISABLE" {
        tls.sink.report(
          .unsupportedField, .warning, line: tls.line,
          "\(tls.path) has no effect: between workloads of the mesh there is always mutual TLS")
      }
      self = .mesh
    case "SIMPLE":
      Self.rejectCredentials(tls)
      self = Self.begun(tls)
    case "MUTUAL":
      tls.reject(
        "mode", "MUTUAL needs a private key at every waypoint, and keys are never sent or written",
        remedy: "Use SIMPLE, or ISTIO_MUTUAL and let the agent of an enrolled application prove the client.")
      Self.rejectCredentials(tls)
      return nil
    case let mode:
      tls.invalid("mode", "\(mode.debugDescription) is no mode")
      return nil
    }
  }

  private static func rejectCredentials(_ tls: Section) {
    for key in ["clientCertificate", "privateKey"] {
      tls.reject(key, "a waypoint shows applications no certificate but the mesh's")
    }
    tls.reject(
      "credentialName", "Secrets are not read",
      remedy: "Put the authorities into a file beside the manifest, and name it with caCertificates.")
    tls.reject("caCrl", "lists of revoked certificates are not read")
  }

  private static func begun(_ tls: Section) -> WrittenTLS {
    var made = TLSOrigination()
    made.serverName = tls.string("sni")
    if let name = made.serverName, !ObjectMeta.isName(name) {
      tls.invalid("sni", "\(name.debugDescription) is not the name of a host")
    }
    made.subjectAltNames = tls.strings("subjectAltNames")
    if made.subjectAltNames.count > TLSOrigination.maximumNames {
      tls.invalid("subjectAltNames", "has more than \(TLSOrigination.maximumNames) entries")
    }
    if made.subjectAltNames.contains(where: {
      $0.isEmpty || $0.utf8.count > TLSOrigination.maximumNameLength
    }) {
      tls.invalid(
        "subjectAltNames",
        "has an entry that is empty or longer than \(TLSOrigination.maximumNameLength) bytes")
    }
    made.skipsVerification = tls.boolean("insecureSkipVerify") ?? false
    if made.skipsVerification {
      for key in ["caCertificates", "subjectAltNames"] where tls.has(key) {
        tls.invalid(
          key, "says whom to believe, and insecureSkipVerify says everybody", remedy: "Remove one of the two."
        )
      }
    }
    var file: File?
    if let name = tls.string("caCertificates") {
      let field = tls.path("caCertificates")
      if let path = AttachedFile.path(of: name, besides: tls.sink.file) {
        file = File(path: path, line: tls.line(of: "caCertificates"), field: field)
      } else {
        tls.invalid(
          "caCertificates", "\(name.debugDescription) leads out of the manifest's directory",
          remedy: "Put the file beside the manifest, and name it from there.")
      }
    }
    return .begun(made, file)
  }

  /// Puts the text of its file in; answers what is wrong with it.
  mutating func attach(_ files: [String: AttachedFile]) -> String? {
    guard case .begun(var made, let file?) = self else { return nil }
    switch files[file.path] {
    case nil: return "the file \(file.path) was not read"
    case .unreadable(let why)?: return "the file \(file.path) cannot be read: \(why)"
    case .text(let text)?:
      guard !text.contains("PRIVATE KEY-----") else {
        return "the file \(file.path) holds a private key, which must not leave where it is"
      }
      do throws(CredentialError) {
        // Certificates and nothing else of the file.
        made.authorities = try TrustBundle(pem: text).pem
      } catch {
        return "the file \(file.path) holds no authorities: \(error)"
      }
      self = .begun(made, file)
      return nil
    }
  }
}

extension DestinationRuleObject {
  /// Everything that it says of endpoints.
  var policies: [WrittenPolicy] {
    ([policy] + subsets.map(\.policy)).compactMap(\.self).flatMap { [$0] + $0.ports.values }
  }

  /// Puts the texts of the files in that it names. With one of them missing it is not in force.
  mutating func attach(_ files: [String: AttachedFile], _ findings: inout [Finding]) {
    guard policies.contains(where: { $0.tls?.file != nil }) else { return }
    var faults: [(WrittenTLS.File, String)] = []
    policy?.attach(files, &faults)
    for index in subsets.indices { subsets[index].policy?.attach(files, &faults) }
    for (file, fault) in faults {
      isWhole = false
      findings.append(
        Finding(
          .invalidValue, .error, object: meta.title, at: Place(file: meta.place.file, line: file.line),
          "\(file.field): \(fault)",
          remedy: "Name a file of certificates (PEM) beside the manifest.", isContained: true))
    }
  }
}

extension WrittenPolicy {
  fileprivate mutating func attach(
    _ files: [String: AttachedFile], _ faults: inout [(WrittenTLS.File, String)]
  ) {
    if let file = tls?.file, let fault = tls?.attach(files) { faults.append((file, fault)) }
    for port in ports.keys.sorted() { ports[port]?.attach(files, &faults) }
  }
}
