public import HTTPModel
public import MeshModel

/// What becomes of the head of a response on its way to the client.
public struct ResponseChanges: Hashable, Sendable {
  /// Of the backend, then of the rule.
  public var changes: [HeaderChanges.Changes]
  /// What allows a script of another origin to read it; in place of what the application says.
  public var crossOrigin: [Field]

  public init(changes: [HeaderChanges.Changes] = [], crossOrigin: [Field] = []) {
    self.changes = changes
    self.crossOrigin = crossOrigin
  }

  public func apply(to head: inout ResponseHead) {
    if !crossOrigin.isEmpty {
      head.fields.removeAll { CORSVerdict.answersOrigin($0.name) }
      head.fields += crossOrigin
    }
    for changes in changes { head.fields.apply(changes) }
  }

  func applied(to answer: Answer) -> Answer {
    var answer = answer
    apply(to: &answer.head)
    return answer
  }
}

extension HeaderChanges {
  /// Fields that say where a message ends or how its connection goes on: rules do not change them, because
  /// what stands behind us would read another message than we do. `content-length`, `connection` and so on.
  public static func isReserved(_ name: String) -> Bool { reserved.contains(name) }

  private static let reserved: Set<String> = [
    "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
    "upgrade",
  ]
}

extension RequestHead {
  /// `host` and `:authority` among what is set change the authority; no other pseudo-header field can be
  /// changed.
  mutating func apply(_ changes: HeaderChanges.Changes) {
    guard !changes.isEmpty else { return }
    for header in changes.set + changes.add where header.name == "host" || header.name == ":authority" {
      authority = header.value
    }
    fields.apply(changes)
  }
}

extension [Field] {
  fileprivate mutating func apply(_ changes: HeaderChanges.Changes) {
    guard !changes.isEmpty else { return }
    func isOpen(_ name: String) -> Bool {
      !name.hasPrefix(":") && name != "host" && !HeaderChanges.isReserved(name)
    }
    let gone = Set((changes.remove + changes.set.map(\.name)).filter(isOpen))
    if !gone.isEmpty { removeAll { gone.contains($0.name) } }
    for header in changes.set + changes.add where isOpen(header.name) {
      append(Field(header.name, header.value))
    }
  }
}
