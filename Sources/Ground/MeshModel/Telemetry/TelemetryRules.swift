/// What is told of the workloads of one namespace, or of all others (`apus.telemetry.v1.Scope`).
public struct TelemetryScope: Hashable, Sendable, Codable {
  /// The namespace; for those that have no scope of their own the mesh's root namespace.
  public var namespace: String
  /// It is for every namespace without a scope.
  public var isWide: Bool
  /// Of workloads and services that are not named below.
  public var everybody: TelemetrySettings
  /// Of workloads that something selects, by the names of their pods.
  public var workloads: [String: TelemetrySettings] = [:]
  /// Of requests to services that something targets, by their names.
  public var services: [String: TelemetrySettings] = [:]

  /// Forms of the document that are understood.
  public static let revision = 1

  public init(namespace: String, isWide: Bool, everybody: TelemetrySettings) {
    self.namespace = namespace
    self.isWide = isWide
    self.everybody = everybody
  }
}

/// What is told of every workload of the mesh.
public struct TelemetryRules: Hashable, Sendable {
  private var scopes: [String: TelemetryScope] = [:]
  /// Whose scope is for those that have none.
  private var wide: String?

  public init() {}

  public var all: some Sequence<TelemetryScope> { scopes.values }

  public mutating func upsert(_ scope: TelemetryScope) {
    remove(scope.namespace)
    scopes[scope.namespace] = scope
    if scope.isWide { wide = scope.namespace }
  }

  public mutating func remove(_ namespace: String) {
    scopes[namespace] = nil
    if wide == namespace { wide = nil }
  }

  /// Of a pod.
  public func settings(of workload: String, in namespace: String) -> TelemetrySettings {
    guard let scope = scope(of: namespace) else { return .usual }
    return scope.workloads[workload] ?? scope.everybody
  }

  /// Of requests to a service, before it is known which pod answers.
  public func settings(of service: ServiceKey) -> TelemetrySettings {
    guard let scope = scope(of: service.namespace) else { return .usual }
    return scope.services[String(service.hostname.prefix { $0 != "." })] ?? scope.everybody
  }

  /// Of a request to a service that a pod has answered; what selects the pod counts first.
  public func settings(
    of workload: String, in namespace: String, answeringFor service: ServiceKey?
  ) -> TelemetrySettings {
    if let own = scope(of: namespace)?.workloads[workload] { return own }
    return service.map { settings(of: $0) } ?? settings(of: workload, in: namespace)
  }

  private func scope(of namespace: String) -> TelemetryScope? {
    scopes[namespace] ?? wide.flatMap { scopes[$0] }
  }
}
