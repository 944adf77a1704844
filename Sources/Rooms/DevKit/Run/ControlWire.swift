import Foundation

/// How requests and replies travel: a request is one message of JSON, a reply JSON in messages of at most
/// this size, until the connection ends.
enum ControlWire {
  static let messageLimit = 32 << 10
  /// A reply of the largest mesh stays far below.
  static let replyLimit = 16 << 20

  static func parts(of reply: DevReply) -> [[UInt8]] {
    // A reply is plain data: encoding it cannot fail.
    let bytes = Array((try? JSONEncoder().encode(reply)) ?? Data())
    return stride(from: 0, to: bytes.count, by: messageLimit).map {
      Array(bytes[$0..<min($0 + messageLimit, bytes.count)])
    }
  }
}
