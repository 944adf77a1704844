/// Certificates of agents' pods: whose they are, and until when.
public enum CertificateListing {
  /// `now`: seconds since 1970. Roots are told once for each node.
  public static func make(
    _ agents: [(place: Place, value: AgentDump)], _ scope: NamespaceScope, now: Int64
  ) -> Listing {
    var rows: [Listing.Row] = []
    for agent in agents {
      let node = agent.value.node(at: agent.place)
      var roots: Set<String> = []
      for certificate in agent.value.certificates ?? [] where scope.holds(identity: certificate.identity) {
        let chain = certificate.certChain ?? []
        if chain.isEmpty { rows.append(row(node, certificate, nil, "Leaf", now)) }
        for (index, element) in chain.enumerated() {
          rows.append(row(node, certificate, element, index == 0 ? "Leaf" : "Intermediate", now))
        }
        for element in certificate.rootCerts ?? [] where roots.insert(element.serialNumber).inserted {
          rows.append(row(node, nil, element, "Root", now))
        }
      }
    }
    return Listing(
      "certificates",
      [
        .init("name", "CERTIFICATE NAME", minimum: 20), .init("type", "TYPE", minimum: 4),
        .init("status", "STATUS", minimum: 9), .init("isValid", "VALID CERT", minimum: 5),
        .init("serialNumber", "SERIAL NUMBER", minimum: 8), .init("notAfter", "NOT AFTER", minimum: 8),
        .init("notBefore", "NOT BEFORE", isWide: true, minimum: 8), .init("node", "NODE", minimum: 6),
        .init("issuer", "ISSUER", isWide: true), .init("problem", "PROBLEM", isWide: true),
      ], rows)
  }

  private static func row(
    _ node: String, _ certificate: AgentDump.Certificate?, _ element: AgentDump.Element?, _ type: String,
    _ now: Int64
  ) -> Listing.Row {
    let isValid = element.map { $0.validFrom.seconds <= now && now < $0.expirationTime.seconds } ?? false
    let problem = certificate?.problem.flatMap { $0.isEmpty ? nil : $0 }
    let state = certificate?.state ?? "Available"
    return Listing.Row(
      [
        "name": .text(certificate?.identity ?? element?.subject ?? ""), "type": .text(type),
        "status": .text(state), "isValid": .boolean(isValid),
        "serialNumber": JSONTree(element?.serialNumber), "notAfter": JSONTree(element?.expirationTime.text),
        "notBefore": JSONTree(element?.validFrom.text), "node": .text(node),
        "issuer": JSONTree(element?.issuer), "problem": JSONTree(problem),
      ],
      cells: [
        "isValid": Cell("\(isValid)", isValid ? .good : .bad),
        "status": Cell(state, state == "Available" ? problem == nil ? .plain : .warning : .bad),
      ])
  }
}
