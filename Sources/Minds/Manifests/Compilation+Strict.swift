import MeshModel

/// Who can only come in plaintext, and is refused where STRICT is asked for.
extension Compilation {
  /// Callers of which the manifests tell are warned of by name; other workloads that are not enrolled may not
  /// call at all, so they are only counted.
  mutating func checkPlaintextCallers() {
    let templates = templates
    let outside = templates.filter { !$0.isEnrolled }
    guard !outside.isEmpty else { return }
    var strict: [String: (policy: PeerAuthenticationObject, titles: [String])] = [:]
    /// Who asks for STRICT for the pods behind a service.
    var policyOfService: [String: PeerAuthenticationObject] = [:]
    for template in templates where template.isEnrolled {
      let (namespace, labels) = (template.namespace, template.labels)
      guard let policy = bindings.strictPolicy(namespace: namespace, labels: labels) else { continue }
      strict[policy.meta.key, default: (policy, [])].titles.append(template.title)
      for service in servicesBySelector.selecting(labels, in: namespace) {
        policyOfService[service.meta.key] = policy
      }
    }
    let names = Set(objects.services.map(\.meta.key))
    for caller in outside {
      for service in named(by: caller, of: names) {
        guard let policy = policyOfService[service] else { continue }
        findings.append(
          policy.finding(
            .strictRefusesPlaintext, .warning,
            "\(caller.title) at \(caller.place) names the Service \(service) and is not enrolled, so that "
              + "STRICT refuses its connections",
            remedy: "Enroll it, or use PERMISSIVE until it is."))
      }
    }
    for (_, (policy, titles)) in strict.sorted(by: { $0.key < $1.key }) {
      let first = outside.map(\.title).min() ?? ""
      let others = outside.count > 1 ? " and \(outside.count - 1) more" : ""
      findings.append(
        policy.finding(
          .strictRefusesPlaintext, .info,
          "STRICT refuses \(first)\(others), which are not enrolled, at \(titles.count) workloads"))
    }
  }

  /// The services that the command or the environment of a workload names, sorted.
  private func named(by template: PodTemplate, of names: Set<String>) -> [String] {
    var found: Set<String> = []
    for container in template.spec.containers {
      let values = container.env.compactMap { variable -> String? in
        if case .text(let text) = variable.value { text } else { nil }
      }
      for text in container.command + container.args + values {
        for word in text.utf8.split(whereSeparator: { !Self.isOfHost($0) }) {
          if let service = service(named: String(Substring(word))), names.contains(service) {
            found.insert(service)
          }
        }
      }
    }
    return found.sorted()
  }

  private static func isOfHost(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// `NAME.NAMESPACE`, with or without what follows it. A lone name may be any word, so it says nothing.
  private func service(named host: String) -> String? {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 2 else { return nil }
    let rest = parts.dropFirst(2).joined(separator: ".")
    guard ["", "svc", "svc.\(options.clusterDomain)"].contains(rest) else { return nil }
    return "\(parts[1])/\(parts[0])"
  }
}
