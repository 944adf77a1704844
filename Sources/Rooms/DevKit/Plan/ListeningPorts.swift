/// The ports that something listens on, read from the text of `/proc/net/tcp` and `/proc/net/tcp6`.
///
/// Looking does not connect, so a server that counts its connections, or serves one only, is not disturbed.
enum ListeningPorts {
  /// Lines that are not of the expected form are skipped.
  static func parse(_ text: some StringProtocol) -> Set<UInt16> {
    var ports: Set<UInt16> = []
    for line in text.split(separator: "\n").dropFirst() {
      let columns = line.split(separator: " ", maxSplits: 4)
      // Columns: slot, local address, remote address, state; 0A is LISTEN.
      guard columns.count == 5, columns[3] == "0A", let colon = columns[1].lastIndex(of: ":") else {
        continue
      }
      guard let port = UInt16(columns[1][columns[1].index(after: colon)...], radix: 16) else { continue }
      ports.insert(port)
    }
    return ports
  }
}
