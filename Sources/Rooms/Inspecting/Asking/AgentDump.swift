import Foundation

/// What an agent's page `/config_dump` tells, as far as it is shown here. Keys are those of the ecosystem's
/// dump; what is missing is not known.
public struct AgentDump: Sendable, Decodable {
  /// A pod of the node.
  public struct Pod: Sendable, Decodable {
    /// Names, as the ecosystem writes them.
    public struct Info: Sendable, Decodable {
      public var name: String?
      public var namespace: String?
      public var serviceAccount: String?
      public var trustDomain: String?
    }

    /// Open connections.
    public struct Connections: Sendable, Decodable {
      public var inbound: [Connection]?
      public var outbound: [Connection]?
    }

    /// `Up`, or `Pending`.
    public var state: String
    /// `namespace/name`.
    public var workload: String?
    public var identity: String?
    public var problem: String?
    public var warning: String?
    public var info: Info?
    public var connections: Connections?

    /// `namespace/name`, whichever way it is told.
    public var title: String {
      workload ?? info.map { "\($0.namespace ?? "")/\($0.name ?? "")" } ?? "-"
    }
  }

  /// One open connection.
  public struct Connection: Sendable, Decodable {
    public var src: String?
    public var originalDst: String?
    public var actualDst: String?
    public var `protocol`: String?
  }

  /// A certificate of an identity, and those that vouch for it.
  public struct Certificate: Sendable, Decodable {
    public var identity: String
    public var state: String
    public var problem: String?
    public var certChain: [Element]?
    public var rootCerts: [Element]?
  }

  /// One certificate.
  public struct Element: Sendable, Decodable {
    public var serialNumber: String
    public var subject: String?
    public var issuer: String?
    public var validFrom: DumpTime
    public var expirationTime: DumpTime
  }

  /// What capture has of the agent's kernel.
  public struct Capture: Sendable, Decodable {
    /// Another tool's program on one of the hooks.
    public struct Neighbour: Sendable, Decodable {
      /// One sentence: who it is, and what that means.
      public var says: String
    }

    /// By name, whether it is there.
    public var features: [String: Bool]
    public var neighbours: [Neighbour]
  }

  /// What the agent was told.
  public struct Configuration: Sendable, Decodable {
    public var localNode: String?
  }

  public var config: Configuration?
  public var workloadState: [String: Pod]?
  public var certificates: [Certificate]?
  public var capture: Capture?

  /// Open connections of all pods; nil of an agent that does not tell of them.
  var connections: Int? {
    let told = (workloadState ?? [:]).values.compactMap(\.connections)
    return told.isEmpty ? nil : told.reduce(0) { $0 + ($1.inbound?.count ?? 0) + ($1.outbound?.count ?? 0) }
  }

  /// The node's name, where the agent tells it: one that was asked by its address has no other.
  func node(at place: Place) -> String {
    config?.localNode.flatMap { $0.isEmpty ? nil : $0 } ?? place.name
  }

  public init(decoding bytes: [UInt8]) throws(AskingError) {
    do {
      self = try JSONDecoder().decode(Self.self, from: Data(bytes))
    } catch {
      throw AskingError("its page /config_dump cannot be read: is it an agent's, and of this version?")
    }
  }
}

/// A moment as dumps tell it: seconds since 1970, or as RFC 3339 has it.
public struct DumpTime: Hashable, Sendable, Decodable {
  /// Seconds since 1970.
  public var seconds: Int64

  public init(seconds: Int64) { self.seconds = seconds }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let seconds = try? container.decode(Int64.self) {
      self.seconds = seconds
      return
    }
    let text = try container.decode(String.self)
    guard let date = try? Date(text, strategy: .iso8601) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is no time")
    }
    seconds = Int64(date.timeIntervalSince1970)
  }

  /// RFC 3339, in UTC.
  public var text: String {
    Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
  }
}
