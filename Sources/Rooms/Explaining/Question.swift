/// Who asks to connect to what, as a person names them.
public struct Question: Sendable {
  /// `NAMESPACE/POD`, `NAMESPACE/WORKLOAD` or a SPIFFE id.
  public var source: String
  /// `NAMESPACE/SERVICE`, `NAMESPACE/POD` or `NAMESPACE/WORKLOAD`.
  public var destination: String
  /// The port of the service, or of the container when a pod or workload is named; nil when there is only
  /// one.
  public var port: UInt16?
  /// Nil when nothing is asked about requests.
  public var request: HTTPQuestion?

  public init(source: String, destination: String, port: UInt16? = nil, request: HTTPQuestion? = nil) {
    self.source = source
    self.destination = destination
    self.port = port
    self.request = request
  }
}

/// Why a question cannot be answered, in one sentence.
public struct QuestionError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
