import FoundationEssentials

/// What of ours travels as one document inside a message.
enum JSONDocument {
  /// The keys are sorted, so that equal values have equal versions.
  static func data(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }

  /// `what` names it in errors.
  static func value<Value: Decodable>(
    _ document: Data, _ revision: UInt32, expecting known: Int, _ what: String
  ) throws -> Value {
    guard revision == UInt32(known) else { throw Unreadable("\(what) has form \(revision), not \(known)") }
    do {
      return try JSONDecoder().decode(Value.self, from: document)
    } catch {
      throw Unreadable("the document of \(what) cannot be read: \(error)")
    }
  }
}
