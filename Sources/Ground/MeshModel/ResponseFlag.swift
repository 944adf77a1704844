/// What went wrong with a request or was done to it on purpose, by the short names that access logs and the
/// label `response_flags` of the ecosystem use.
public enum ResponseFlag: String, Hashable, Sendable, CaseIterable, Codable {
  /// No endpoint is ready.
  case noHealthyUpstream = "UH"
  /// No connection to the endpoint.
  case upstreamConnectionFailure = "UF"
  /// A circuit breaker or the retry budget said no.
  case upstreamOverflow = "UO"
  case upstreamRetryLimitExceeded = "URX"
  /// No answer in time.
  case upstreamRequestTimeout = "UT"
  /// The endpoint closed the connection.
  case upstreamConnectionTermination = "UC"
  /// The endpoint reset the stream.
  case upstreamRemoteReset = "UR"
  case upstreamProtocolError = "UPE"
  case upstreamMaxStreamDuration = "UMSDR"
  /// No rule matches.
  case noRoute = "NR"
  /// The rule leads to a service or subset that is not known.
  case noCluster = "NC"
  /// The client closed the connection.
  case downstreamConnectionTermination = "DC"
  /// The client reset the stream.
  case downstreamRemoteReset = "DR"
  case downstreamProtocolError = "DPE"
  /// The longest time of a connection is over.
  case durationTimeout = "DT"
  /// We reset the stream.
  case localReset = "LR"
  /// A health check of ours fails.
  case failedLocalHealthCheck = "LH"
  case streamIdleTimeout = "SI"
  case delayInjected = "DI"
  case faultInjected = "FI"
  case rateLimited = "RL"
  /// Authorization denied it.
  case unauthorized = "UAEX"
  /// We are short of something, such as memory or descriptors.
  case overload = "OM"
  case nameResolutionFailure = "DF"
}

/// Several of them.
public struct ResponseFlags: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  private var bits: UInt64 = 0

  public init() {}
  public init(arrayLiteral flags: ResponseFlag...) { for flag in flags { insert(flag) } }

  public var isEmpty: Bool { bits == 0 }
  public func contains(_ flag: ResponseFlag) -> Bool { bits & Self.bit(flag) != 0 }
  public mutating func insert(_ flag: ResponseFlag) { bits |= Self.bit(flag) }

  /// `URX,UF`, in the order of the cases; `-` for none.
  public var description: String {
    isEmpty ? "-" : ResponseFlag.allCases.filter(contains).map(\.rawValue).joined(separator: ",")
  }

  private static let bits = Dictionary(
    uniqueKeysWithValues: ResponseFlag.allCases.enumerated().map { ($1, UInt64(1) << UInt64($0)) })
  private static func bit(_ flag: ResponseFlag) -> UInt64 { bits[flag] ?? 0 }
}
