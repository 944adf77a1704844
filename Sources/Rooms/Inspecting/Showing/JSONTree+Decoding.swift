import Foundation

extension JSONTree: Decodable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSONTree].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: JSONTree].self))
    }
  }

  /// What a value says as JSON; null for one that has no form there.
  init(encoding value: some Encodable) {
    let bytes = try? JSONEncoder().encode(value)
    self = bytes.flatMap { try? JSONDecoder().decode(JSONTree.self, from: $0) } ?? .null
  }
}
