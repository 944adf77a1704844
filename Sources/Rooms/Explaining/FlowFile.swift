import FoundationEssentials
public import MeshModel

/// The flow history of one agent, as its page `/debug/flows` gave it.
public struct FlowFile: Hashable, Sendable {
  /// The largest file that is read: over ten times what an agent gives.
  public static let bytesLimit = 32 << 20
  /// Flows in one file: what eight agents give, should somebody have joined theirs.
  public static let flowsLimit = 65_536
  /// The version of the form that this one understands.
  public static let version = 1

  /// As findings name it.
  public var name: String
  /// The agent's node; empty when the file does not say.
  public var node: String
  /// How many flows the agent had forgotten for want of room.
  public var evicted: UInt64
  public var flows: [Flow]

  /// - Throws: `FlowFileError` naming the file, the field, and what to do.
  public init(name: String, bytes: [UInt8]) throws(FlowFileError) {
    guard bytes.count <= Self.bytesLimit else {
      throw FlowFileError(
        name, "it is larger than \(Self.bytesLimit >> 20) MiB",
        remedy: "Give what one agent's /debug/flows answers.")
    }
    let document: Document
    do {
      document = try JSONDecoder().decode(Document.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw FlowFileError(name, error, brokenLine: FlowLines.firstBroken(of: bytes))
    } catch {
      throw FlowFileError(name, "it cannot be read: \(error)")
    }
    guard document.kind == "apus-flows" else {
      throw FlowFileError(
        name, "kind is \(document.kind.debugDescription), and not \"apus-flows\"",
        remedy: "Give what an agent's /debug/flows answers.")
    }
    guard document.version == Self.version else {
      throw FlowFileError(
        name, "version \(document.version) is not understood, only \(Self.version)",
        remedy: "Use the apus of the agent's version.")
    }
    guard document.flows.count <= Self.flowsLimit else {
      throw FlowFileError(
        name, "it has \(document.flows.count) flows, and more than \(Self.flowsLimit) are not read",
        remedy: "Give the histories of fewer agents.")
    }
    self.name = name
    node = document.node ?? ""
    evicted = document.evicted ?? 0
    flows = []
    for (index, row) in document.flows.enumerated() {
      do throws(FieldError) {
        flows.append(try row.flow())
      } catch {
        throw FlowFileError(
          name, "flows[\(index)].\(error.field) \(error.problem)", remedy: "Correct or remove that flow.")
      }
    }
  }
}

/// Why a flow history cannot be read: the file, the field, and what to do.
public struct FlowFileError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ file: String, _ problem: String, remedy: String = "") {
    description = "\(file): \(problem).\(remedy.isEmpty ? "" : " \(remedy)")"
  }

  fileprivate init(_ file: String, _ error: DecodingError, brokenLine: Int?) {
    switch error {
    case .keyNotFound(let key, let context):
      self.init(
        file, "\(Self.path(context.codingPath + [key])) is missing",
        remedy: "Give what an agent's /debug/flows answers.")
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      self.init(
        file, "\(Self.path(context.codingPath)): \(Self.clause(context.debugDescription))",
        remedy: "Give what an agent's /debug/flows answers.")
    case .dataCorrupted(let context):
      let place = brokenLine.map { "line \($0)" } ?? Self.path(context.codingPath)
      self.init(
        file, "\(place): \(Self.clause(context.debugDescription))",
        remedy: "Give what an agent's /debug/flows answers, whole.")
    @unknown default: self.init(file, "it cannot be read: \(error)")
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    let text = keys.reduce("") { path, key in
      key.intValue.map { "\(path)[\($0)]" } ?? (path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)")
    }
    return text.isEmpty ? "the document" : text
  }

  /// A part of a sentence, of one line and of bounded length.
  private static func clause(_ text: String) -> String {
    let line = text.prefix { !$0.isNewline }.prefix(200)
    return String(line.hasSuffix(".") ? line.dropLast() : line)
  }
}

/// Where a page that is no JSON breaks: an agent writes one line for each flow, and the parser says no place.
private enum FlowLines {
  private struct Anything: Decodable {
    init(from decoder: any Decoder) {}
  }

  /// Counted from 1; nil when each line by itself is whole.
  static func firstBroken(of bytes: [UInt8]) -> Int? {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let broken = lines.firstIndex { line in
      let isFlow = line.first == UInt8(ascii: "{") && line.last != UInt8(ascii: "[")
      let whole = line.last == UInt8(ascii: ",") ? line.dropLast() : line
      return isFlow && (try? JSONDecoder().decode(Anything.self, from: Data(whole))) == nil
    }
    return broken.map { $0 + 1 }
  }
}

/// What is wrong with one field of one flow.
private struct FieldError: Error {
  let field: String
  let problem: String
}

/// The page as it is written (`FlowHistory.page`). Members that are not known are from a later agent.
private struct Document: Decodable {
  let kind: String
  let version: Int
  let node: String?
  let evicted: UInt64?
  let flows: [Row]

  struct Party: Decodable {
    let identity, workload, address: String?
  }

  struct Row: Decodable {
    let source, destination: Party
    let port: Int
    let mutualTLS: Bool
    let allowed, denied: Int64
    let lastSeen, last: String
    let lastDenial: String?

    /// From 1970 to the end of 9999, in seconds.
    static let times: ClosedRange<Int64> = 0...253_402_300_799

    func flow() throws(FieldError) -> Flow {
      let caller = try source.party("source")
      let address = try source.ip("source")
      let isStranger = caller.identity == nil && caller.workload.isEmpty
      guard let port = UInt16(exactly: port), port > 0 else {
        throw FieldError(field: "port", problem: "is \(port), which is no port")
      }
      // A waypoint brings callers that have no identity over mutual TLS; nobody proves one without.
      guard mutualTLS || caller.identity == nil else {
        throw FieldError(field: "mutualTLS", problem: "is false, which does not fit source.identity")
      }
      var flow = Flow(
        Flow.Key(
          source: caller, strangerAddress: isStranger ? address : nil,
          destination: try destination.party("destination"), port: port, isMutualTLS: mutualTLS))
      guard !flow.key.destination.workload.isEmpty else {
        throw FieldError(field: "destination.workload", problem: "is missing")
      }
      guard ["allowed", "denied"].contains(last) else {
        throw FieldError(field: "last", problem: "is neither \"allowed\" nor \"denied\"")
      }
      guard let date = try? Date(lastSeen, strategy: .iso8601),
        let seconds = Int64(exactly: date.timeIntervalSince1970.rounded(.down)),
        Self.times.contains(seconds)
      else {
        throw FieldError(field: "lastSeen", problem: "is no time such as 2026-11-24T02:01:39Z")
      }
      guard lastDenial.map({ $0.isEmpty || $0.isPlainWord }) ?? true else {
        throw FieldError(field: "lastDenial", problem: "is no reason")
      }
      flow.allowed = try Self.count(allowed, "allowed")
      flow.denied = try Self.count(denied, "denied")
      flow.lastSeen = seconds
      flow.wasLastDenied = last == "denied"
      flow.lastDenial = lastDenial ?? ""
      flow.sourceAddress = address
      flow.destinationAddress = try destination.ip("destination")
      return flow
    }

    private static func count(_ value: Int64, _ field: String) throws(FieldError) -> UInt64 {
      guard let count = UInt64(exactly: value) else {
        throw FieldError(field: field, problem: "is \(value), which is no count")
      }
      return count
    }
  }
}

extension Document.Party {
  fileprivate func party(_ name: String) throws(FieldError) -> Flow.Party {
    var party = Flow.Party()
    if let identity {
      do throws(IdentityError) {
        party.identity = try Identity(spiffe: identity)
      } catch {
        throw FieldError(field: "\(name).identity", problem: "is no identity: \(error)")
      }
    }
    if let workload {
      let parts = workload.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, parts.allSatisfy(\.isPlainWord) else {
        throw FieldError(field: "\(name).workload", problem: "is not NAMESPACE/NAME")
      }
      party.workload = workload
    }
    return party
  }

  fileprivate func ip(_ name: String) throws(FieldError) -> IPAddress? {
    guard let address else { return nil }
    guard let ip = IPAddress(address) else {
      throw FieldError(field: "\(name).address", problem: "is no IP address")
    }
    return ip
  }
}

extension StringProtocol {
  /// Printable ASCII without spaces, of the length that two names of Kubernetes may have: what may be shown
  /// on a terminal.
  fileprivate var isPlainWord: Bool {
    !isEmpty && utf8.count <= 600 && utf8.allSatisfy { (0x21...0x7e).contains($0) }
  }
}
