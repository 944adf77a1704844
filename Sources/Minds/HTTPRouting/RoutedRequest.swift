public import HTTPModel

/// A request as rules see it.
public final class RoutedRequest: Sendable {
  /// As it came, but with its path in normal form.
  public let head: RequestHead
  /// In normal form, without the query.
  public let path: String
  /// As sent: neither decoded nor put in order.
  public let query: String?
  /// Names and values of the query as sent; a value is empty without an equals sign.
  let parameters: [(Substring, Substring)]
  /// Port of the service to which it was addressed.
  public let port: UInt16
  /// Of the client's workload, as the mesh knows it; nil for a client outside of the mesh.
  public let sourceNamespace: String?

  /// Nil when the path has no normal form: such a request is answered 400.
  public init?(
    _ head: RequestHead, port: UInt16, sourceNamespace: String? = nil,
    normalisation: PathNormalisation = .standard
  ) {
    guard let path = normalisation.normalised(head.pathOnly) else { return nil }
    self.path = path
    query = head.query.map(String.init)
    parameters = query.map(Self.parameters) ?? []
    self.head = query == nil && path == head.path ? head : head.with(path: path, query: query)
    self.port = port
    self.sourceNamespace = sourceNamespace
  }

  /// `http` when the request does not say.
  public var scheme: String { head.scheme ?? "http" }

  /// The values of all fields of that name, as one list; nil for none.
  func value(_ name: String) -> String? {
    var value: String?
    for field in head.fields where field.name == name {
      if value == nil { value = field.value } else { value?.append("," + field.value) }
    }
    return value
  }

  /// The value of the first parameter of that name.
  func parameter(_ name: String) -> Substring? {
    for (key, value) in parameters where key == name { return value }
    return nil
  }

  private static func parameters(of query: String) -> [(Substring, Substring)] {
    query.utf8.split(separator: UInt8(ascii: "&")).map { part in
      let key = part.prefix { $0 != UInt8(ascii: "=") }
      return (Substring(key), Substring(part[key.endIndex...].dropFirst()))
    }
  }
}

extension RequestHead {
  /// With another path; the query is what is given.
  func with(path: String, query: String?) -> RequestHead {
    var head = self
    head.path = query.map { "\(path)?\($0)" } ?? path
    return head
  }
}
