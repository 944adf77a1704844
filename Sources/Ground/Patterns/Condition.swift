/// A question about a request or a connection that has ended: the `filter` of an access log.
///
/// It is a part of CEL: attributes, literals, `== != < <= > >= in`, `&& || !`, `has()`, `duration()` and the
/// functions of text `startsWith`, `endsWith`, `contains` and `matches` (RE2). What else CEL has is an error
/// that names it. Where an attribute is not known the answer is as CEL has it: an error, which `||` and `&&`
/// forget when their other side decides, and which is no at last.
public struct Condition: Sendable {
  public let text: String
  let root: Node

  /// The longest condition, in characters.
  public static let maximumLength = 1_024
  /// Parentheses and negations within each other: the depth of the reader's stack.
  static let maximumDepth = 32

  public init(_ text: String) throws(ConditionError) {
    guard text.unicodeScalars.count <= Self.maximumLength else {
      throw ConditionError("it is longer than \(Self.maximumLength) characters")
    }
    var parser = ConditionParser(text)
    root = try parser.parse()
    self.text = text
  }

  /// What a value may be. Durations are in nanoseconds.
  public enum Value: Hashable, Sendable {
    case text(String)
    case number(Double)
    case boolean(Bool)
    case duration(Double)
  }

  enum Kind: String, Sendable { case text, number, boolean, duration }

  indirect enum Node: Sendable {
    case value(Value)
    case attribute(Attribute)
    case has(Attribute)
    case not(Node)
    case all(Node, Node)
    case any(Node, Node)
    case compare(Node, Comparison, Node)
    case among(Node, [Value])
    case test(Node, TextTest)
  }

  enum Comparison: String, Sendable { case equal = "==", unequal = "!=", less = "<", atMost = "<=" }

  enum TextTest: Sendable {
    case prefix(String)
    case suffix(String)
    case part(String)
    case expression(Pattern)
  }

  /// What can be asked for, by the names of the ecosystem.
  public enum Attribute: String, CaseIterable, Hashable, Sendable {
    case path = "request.path"
    case urlPath = "request.url_path"
    case host = "request.host"
    case method = "request.method"
    case userAgent = "request.useragent"
    case requestID = "request.id"
    case version = "request.protocol"
    case requestSize = "request.size"
    case duration = "request.duration"
    case code = "response.code"
    case codeDetails = "response.code_details"
    case grpcStatus = "response.grpc_status"
    case responseSize = "response.size"
    case isMutualTLS = "connection.mtls"
    case peerName = "connection.uri_san_peer_certificate"
    case terminationDetails = "connection.termination_details"
    case sourceAddress = "source.address"
    case sourcePort = "source.port"
    case destinationAddress = "destination.address"
    case destinationPort = "destination.port"

    var kind: Kind {
      switch self {
      case .path, .urlPath, .host, .method, .userAgent, .requestID, .version, .codeDetails, .peerName,
        .terminationDetails, .sourceAddress, .destinationAddress:
        .text
      case .requestSize, .code, .grpcStatus, .responseSize, .sourcePort, .destinationPort: .number
      case .isMutualTLS: .boolean
      case .duration: .duration
      }
    }
  }
}

/// Why a text is no condition, in words that fit behind a colon.
public struct ConditionError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }
}
