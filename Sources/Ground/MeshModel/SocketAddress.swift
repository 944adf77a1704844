/// An IP address and a TCP or UDP port.
public struct SocketAddress: Hashable, Sendable {
  public var ip: IPAddress
  public var port: UInt16

  public init(_ ip: IPAddress, _ port: UInt16) {
    self.ip = ip
    self.port = port
  }
}

extension SocketAddress: CustomStringConvertible, LosslessStringConvertible {
  /// Parses `a.b.c.d:port` or `[v6]:port`; nil for anything else, a name included.
  public init?(_ text: some StringProtocol) {
    var last: String.Index?
    for index in text.utf8.indices where text.utf8[index] == UInt8(ascii: ":") { last = index }
    guard let colon = last else { return nil }
    let digits = text[text.utf8.index(after: colon)...]
    guard digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits) else { return nil }
    let host = text[..<colon]
    if host.utf8.first == UInt8(ascii: "["), host.hasSuffix("]") {
      guard let ip = IPAddress(host.dropFirst().dropLast()), ip.family == .v6 || host.contains("::ffff:")
      else {
        return nil
      }
      self.init(ip, port)
    } else {
      guard !host.utf8.contains(UInt8(ascii: ":")), let ip = IPAddress(host) else { return nil }
      self.init(ip, port)
    }
  }

  public var description: String { ip.family == .v4 ? "\(ip):\(port)" : "[\(ip)]:\(port)" }
}
