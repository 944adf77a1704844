/// What the Kubernetes API sent cannot be read.
public struct ClusterFormatError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }
}

/// One page of a list of objects (Kubernetes API concepts, "Retrieving large results sets in chunks").
public struct ClusterList: Hashable, Sendable {
  public var objects: [ClusterObject]
  /// From which a watch goes on without a gap.
  public var resourceVersion: String
  /// Asks for the next page; empty at the last.
  public var continuation: String

  /// - Throws: when the text is no list, or an object of it has no name.
  public init(_ json: [UInt8], of kind: ClusterKind, version: String) throws(ClusterFormatError) {
    let node: YAMLNode
    do throws(JSONReader.Failure) {
      node = try JSONReader.read(json)
    } catch {
      throw ClusterFormatError("a list of \(kind) is \(error)")
    }
    guard let metadata = node["metadata"], let items = node["items"] else {
      throw ClusterFormatError("a list of \(kind) has no metadata or no items")
    }
    resourceVersion = metadata["resourceVersion"]?.text ?? ""
    continuation = metadata["continue"]?.text ?? ""
    objects = []
    guard !resourceVersion.isEmpty else {
      throw ClusterFormatError("a list of \(kind) has no resourceVersion")
    }
    // Go writes a list without elements as null.
    if items.isNull { return }
    guard case .list(let elements) = items.content else {
      throw ClusterFormatError("the items of a list of \(kind) are no list")
    }
    objects.reserveCapacity(elements.count)
    for element in elements {
      guard let object = ClusterObject(element, kind, version: version) else {
        throw ClusterFormatError("a list of \(kind) holds something without a name")
      }
      objects.append(object)
    }
  }
}

/// One event of a watch.
public enum ClusterEvent: Hashable, Sendable {
  /// It is new, or has changed.
  case present(ClusterObject)
  case gone(ClusterObject)
  /// All events up to this version have been told.
  case bookmark(resourceVersion: String)
  /// The watch cannot go on: 410 when its version is not kept any more.
  case failed(code: Int, message: String)

  /// - Throws: when the text is no event.
  public init(_ json: [UInt8], of kind: ClusterKind, version: String) throws(ClusterFormatError) {
    let node: YAMLNode
    do throws(JSONReader.Failure) {
      node = try JSONReader.read(json)
    } catch {
      throw ClusterFormatError("an event of \(kind) is \(error)")
    }
    guard let type = node["type"]?.text, let body = node["object"] else {
      throw ClusterFormatError("an event of \(kind) has no type or no object")
    }
    switch type {
    case "ADDED", "MODIFIED", "DELETED":
      guard let object = ClusterObject(body, kind, version: version) else {
        throw ClusterFormatError("an event of \(kind) is about something without a name")
      }
      self = type == "DELETED" ? .gone(object) : .present(object)
    case "BOOKMARK":
      guard let version = body["metadata"]?["resourceVersion"]?.text, !version.isEmpty else {
        throw ClusterFormatError("a bookmark of \(kind) has no resourceVersion")
      }
      self = .bookmark(resourceVersion: version)
    case "ERROR":
      self = .failed(
        code: body["code"]?.text.flatMap { Int($0) } ?? 0, message: body["message"]?.text ?? "no message")
    default: throw ClusterFormatError("an event of \(kind) is of the unknown type \(type.debugDescription)")
    }
  }
}

/// What an answer of the Kubernetes API says of itself when it is no success (`Status` of meta/v1).
public struct ClusterStatus: Hashable, Sendable {
  public var reason: String
  public var message: String

  /// Anything that is not a Status reads as its own beginning.
  public init(_ body: [UInt8]) {
    let node = try? JSONReader.read(body, budget: 10_000)
    reason = node?["reason"]?.text ?? ""
    message = node?["message"]?.text ?? String(decoding: body.prefix(200), as: UTF8.self)
  }
}

extension YAMLNode {
  /// The value of a key of an object.
  fileprivate subscript(_ key: String) -> YAMLNode? {
    guard case .map(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }

  fileprivate var text: String? {
    if case .scalar(let text, _) = content { text } else { nil }
  }
}
