import FoundationEssentials

// Single objects.
extension ClusterClient {
  /// Whose fields those are that we apply.
  public static let fieldOwner = "apus-control"

  /// Reads an object; nil when it is not there.
  public func get(_ path: String) async throws(ClusterError) -> JSONValue? {
    do throws(ClusterError) {
      return try Self.decoded(try await send("GET", path))
    } catch {
      guard error.isAbsent else { throw error }
      return nil
    }
  }

  /// Makes an object in the collection at `path`.
  ///
  /// - Throws: a conflict (409) when there is one of that name.
  @discardableResult
  public func create(_ path: String, _ object: JSONValue) async throws(ClusterError) -> JSONValue {
    try Self.decoded(try await send("POST", path, try Self.encoded(object)))
  }

  /// Replaces an object.
  ///
  /// - Throws: a conflict (409) when it has changed since the version that `object` names.
  @discardableResult
  public func replace(_ path: String, _ object: JSONValue) async throws(ClusterError) -> JSONValue {
    try Self.decoded(try await send("PUT", path, try Self.encoded(object)))
  }

  /// Server-side apply: what `object` says becomes true, and fields of ours that it does not say go. Fields
  /// of others become ours.
  @discardableResult
  public func apply(_ path: String, _ object: JSONValue) async throws(ClusterError) -> JSONValue {
    let target = "\(path)?fieldManager=\(Self.fieldOwner)&force=true"
    return try Self.decoded(try await send("PATCH", target, try Self.encoded(object), as: .apply))
  }

  /// Changes the fields that `object` has (RFC 7396).
  @discardableResult
  public func merge(_ path: String, _ object: JSONValue) async throws(ClusterError) -> JSONValue {
    let target = "\(path)?fieldManager=\(Self.fieldOwner)"
    return try Self.decoded(try await send("PATCH", target, try Self.encoded(object), as: .mergePatch))
  }

  /// What is not there any more counts as deleted.
  public func delete(_ path: String) async throws(ClusterError) {
    do throws(ClusterError) {
      _ = try await send("DELETE", path)
    } catch {
      guard error.isAbsent else { throw error }
    }
  }

  private static func encoded(_ object: JSONValue) throws(ClusterError) -> [UInt8] {
    do { return Array(try JSONEncoder().encode(object)) } catch {
      throw .malformed("an object cannot be encoded: \(error)")
    }
  }

  private static func decoded(_ body: [UInt8]) throws(ClusterError) -> JSONValue {
    do { return try JSONDecoder().decode(JSONValue.self, from: Data(body)) } catch {
      throw .malformed("an answer of the Kubernetes API is not JSON")
    }
  }
}
