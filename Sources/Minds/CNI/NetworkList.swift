/// A CNI network configuration as a file holds it, with our plugin added or taken out; all else of the text
/// stays byte for byte as it was (CNI specification, section 1).
public struct NetworkList {
  /// Why a file cannot be used, in one sentence.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// The name of our program, by which the runtime finds it.
  public static let type = "apus-cni"
  /// Larger files are refused, in bytes.
  public static let limit = 1 << 20

  private let span: JSONSpan
  private let plugins: [Range<Int>]
  /// Of the list of plugins.
  private let list: Range<Int>

  /// Reads a list of plugins (`.conflist`).
  public init(_ bytes: [UInt8]) throws(Failure) {
    guard bytes.count <= Self.limit else { throw Failure(description: "it is larger than \(Self.limit) bytes") }
    span = JSONSpan(bytes)
    do throws(JSONSpan.Failure) {
      guard let found = try span.value("plugins", of: try span.root()) else {
        throw JSONSpan.Failure(offset: 0, reason: "there is no list of plugins")
      }
      list = found
      plugins = try span.elements(of: found)
    } catch {
      throw Failure(description: "\(error)")
    }
    guard !plugins.isEmpty else { throw Failure(description: "its list of plugins is empty") }
  }

  private func index() -> Int? {
    plugins.lastIndex { plugin in
      guard let type = try? span.value("type", of: plugin) else { return false }
      return (try? span.text(type)) == Self.type
    }
  }

  /// Our plugin is in it.
  public var isOurs: Bool { index() != nil }

  /// With our plugin as the last one; nil when it is there.
  public func adding(socket: String) -> [UInt8]? {
    guard !isOurs, let last = plugins.last else { return nil }
    let bytes = span.bytes
    let lead = bytes[..<plugins[0].lowerBound].reversed().prefix { $0 == 0x20 || $0 == 0x0a || $0 == 0x09 }
    let entry = Array("{\"type\":\"\(Self.type)\",\"agentSocket\":\"\(socket)\"}".utf8)
    return bytes[..<last.upperBound] + [UInt8(ascii: ",")] + lead.reversed() + entry
      + bytes[last.upperBound...]
  }

  /// Without our plugin; nil when it is not there.
  public func removing() -> [UInt8]? {
    guard let index = index() else { return nil }
    let bytes = span.bytes
    // The comma before it goes with it; of the first one, the comma after it.
    if index > 0 {
      return Array(bytes[..<plugins[index - 1].upperBound] + bytes[plugins[index].upperBound...])
    }
    guard plugins.count > 1 else { return Array(bytes[...list.lowerBound] + bytes[plugins[0].upperBound...]) }
    return Array(bytes[..<plugins[0].lowerBound] + bytes[plugins[1].lowerBound...])
  }

  /// A list made of a single plugin's configuration (`.conf`), with ours after it.
  public static func list(of single: [UInt8], socket: String) throws(Failure) -> [UInt8] {
    guard single.count <= limit else { throw Failure(description: "it is larger than \(limit) bytes") }
    let span = JSONSpan(single)
    do throws(JSONSpan.Failure) {
      let root = try span.root()
      guard let name = try span.value("name", of: root), try span.value("type", of: root) != nil else {
        throw JSONSpan.Failure(offset: 0, reason: "a plugin has a name and a type")
      }
      let version =
        try span.value("cniVersion", of: root).map { single[$0] } ?? Array("\"0.3.1\"".utf8)[...]
      let head = Array("{\n  \"cniVersion\": ".utf8) + version + Array(",\n  \"name\": ".utf8) + single[name]
      return head + Array(",\n  \"plugins\": [\n    ".utf8) + single[root]
        + Array(",\n    {\"type\":\"\(type)\",\"agentSocket\":\"\(socket)\"}\n  ]\n}\n".utf8)
    } catch {
      throw Failure(description: "\(error)")
    }
  }
}
