import ArgumentParser
import Manifests
import MeshModel

/// What manifests do not say of their mesh.
struct MeshNames: ParsableArguments {
  @Option(help: "The trust domain of the mesh, as its control plane is told.")
  var trustDomain = TrustDomain.clusterLocal.name

  @Option(help: "Another name of the trust domain, which policies may use. May be repeated.")
  var trustDomainAlias: [String] = []

  @Option(
    help:
      "A foreign trust domain whose identities are accepted (apus-control --trust-bundle). May be repeated.")
  var foreignDomain: [String] = []

  func validate() throws {
    for name in [trustDomain] + trustDomainAlias + foreignDomain where (try? TrustDomain(name)) == nil {
      throw ValidationError("\(name.debugDescription) is no trust domain (a-z 0-9 . - _).")
    }
  }

  /// Nothing was said.
  var isDefault: Bool {
    trustDomain == TrustDomain.clusterLocal.name && trustDomainAlias.isEmpty && foreignDomain.isEmpty
  }

  var options: CompileOptions {
    var options = CompileOptions()
    if let domain = try? TrustDomain(trustDomain) { options.trustDomain = domain }
    options.trustDomainAliases = trustDomainAlias.compactMap { try? TrustDomain($0) }
    options.foreignTrustDomains = foreignDomain.compactMap { try? TrustDomain($0) }
    return options
  }
}
