/// One call of the plugin by a container runtime: the environment and what came on standard input (CNI
/// specification 0.3 to 1.1, sections 2 and 3).
public struct PluginCall: Sendable {
  /// What the runtime asks for (`CNI_COMMAND`).
  public enum Command: String, Sendable {
    case add = "ADD"
    case delete = "DEL"
    case check = "CHECK"
    case version = "VERSION"
    case collect = "GC"
    case status = "STATUS"
  }

  /// Answered as JSON on standard output; the codes are those of the specification, section 5.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    public let code: Int
    public let description: String

    public init(_ code: Int, _ description: String) {
      self.code = code
      self.description = description
    }
  }

  public static let versions = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]
  /// The most that standard input may say, in bytes.
  public static let limit = 1 << 20

  public let command: Command
  public private(set) var cniVersion = "1.1.0"
  /// Of the agent, from the configuration (`agentSocket`).
  public private(set) var socket = "/run/apus/cni.sock"
  /// Namespaces whose pods are started without asking (`excludeNamespaces`): those without which no agent
  /// and no control plane could start.
  public private(set) var excluded = ["kube-system", "apus-system"]
  /// `prevResult`, byte for byte.
  public private(set) var previous: [UInt8]?
  public private(set) var networkNamespace = ""
  public private(set) var container = ""
  public private(set) var namespace = ""
  public private(set) var name = ""
  public private(set) var uid = ""

  public init(environment: [String: String], input: [UInt8]) throws(Failure) {
    guard let command = Command(rawValue: environment["CNI_COMMAND"] ?? "") else {
      throw Failure(4, "CNI_COMMAND is none of ADD, DEL, CHECK, GC, STATUS and VERSION")
    }
    self.command = command
    try read(input)
    networkNamespace = environment["CNI_NETNS"] ?? ""
    container = environment["CNI_CONTAINERID"] ?? ""
    for pair in (environment["CNI_ARGS"] ?? "").split(separator: ";") {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { continue }
      switch parts[0] {
      case "K8S_POD_NAMESPACE": namespace = parts[1]
      case "K8S_POD_NAME": name = parts[1]
      case "K8S_POD_UID": uid = parts[1]
      default: break
      }
    }
  }

  private mutating func read(_ input: [UInt8]) throws(Failure) {
    guard input.count <= Self.limit else {
      throw Failure(6, "the configuration is larger than \(Self.limit) bytes")
    }
    // VERSION may come with little, and DEL must not fail for it.
    guard !input.isEmpty else { return }
    let span = JSONSpan(input)
    do throws(JSONSpan.Failure) {
      let members = try span.members(of: try span.root())
      for member in members {
        switch member.key {
        case "cniVersion": cniVersion = try span.text(member.value)
        case "agentSocket": socket = try span.text(member.value)
        case "prevResult": previous = Array(input[member.value])
        case "excludeNamespaces":
          excluded = []
          for element in try span.elements(of: member.value) { excluded.append(try span.text(element)) }
        default: break
        }
      }
    } catch {
      throw Failure(6, "the configuration is \(error)")
    }
    guard Self.versions.contains(cniVersion) else {
      throw Failure(1, "CNI version \(cniVersion) is none of \(Self.versions.joined(separator: ", "))")
    }
  }

  /// What an ADD must have.
  public func checkAdd() throws(Failure) {
    guard previous != nil else {
      throw Failure(7, "there is no prevResult: apus-cni is a chained plugin and comes after others")
    }
    guard !networkNamespace.isEmpty else { throw Failure(4, "CNI_NETNS is not set") }
    try checkPod()
  }

  public func checkPod() throws(Failure) {
    guard !namespace.isEmpty, !name.isEmpty, !uid.isEmpty else {
      throw Failure(
        4,
        "CNI_ARGS does not name the pod by K8S_POD_NAMESPACE, K8S_POD_NAME and K8S_POD_UID: the container runtime is too old"
      )
    }
  }

  /// It is started without asking anybody.
  public var isExcluded: Bool { excluded.contains(namespace) }

  /// The call to the agent, as JSON.
  public var question: [UInt8] {
    let fields = [
      ("command", command == .add ? "add" : command == .delete ? "del" : "check"), ("namespace", namespace),
      ("name", name), ("uid", uid), ("container", container), ("path", networkNamespace),
    ]
    let pairs = fields.map { "\(CNIText.quoted($0)):\(CNIText.quoted($1))" }
    return Array("{\(pairs.joined(separator: ","))}".utf8)
  }

  /// What a failure is told as.
  public func text(of failure: Failure) -> [UInt8] { CNIText.error(failure, version: cniVersion) }

  /// The answer to VERSION.
  public var versionText: [UInt8] {
    let versions = Self.versions.map(CNIText.quoted).joined(separator: ",")
    return Array("{\"cniVersion\":\(CNIText.quoted(cniVersion)),\"supportedVersions\":[\(versions)]}\n".utf8)
  }
}

/// The agent's answer to a call.
public struct AgentAnswer: Hashable, Sendable {
  public let isOK: Bool
  /// Why not.
  public let error: String

  /// Nil when it is no answer.
  public init?(_ bytes: [UInt8]) {
    let span = JSONSpan(bytes)
    guard let root = try? span.root(), let ok = try? span.value("ok", of: root) else { return nil }
    isOK = Array(bytes[ok]) == Array("true".utf8)
    let said = (try? span.value("error", of: root)).flatMap { range in
      range.flatMap { try? span.text($0) }
    }
    error = said ?? ""
  }
}

/// JSON that this plugin writes.
public enum CNIText {
  public static func error(_ failure: PluginCall.Failure, version: String) -> [UInt8] {
    let fields =
      "\"cniVersion\":\(quoted(version)),\"code\":\(failure.code),\"msg\":\(quoted("apus-cni")),"
      + "\"details\":\(quoted(failure.description))"
    return Array("{\(fields)}\n".utf8)
  }

  /// A JSON text (RFC 8259 section 7).
  public static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
