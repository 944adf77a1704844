/// What being root means here, read from the texts of `/proc`.
enum Privileges {
  /// CAP_NET_ADMIN and CAP_SYS_ADMIN (capabilities(7)).
  private static let needed: UInt64 = 1 << 12 | 1 << 21

  /// `status`: of `/proc/self/status`.
  static func suffice(_ status: String) -> Bool {
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
    let held = line?.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
    return held & needed == needed
  }

  /// Whether users are those of the machine, not of a user namespace. `map`: of `/proc/self/uid_map`.
  static func isWholeMachine(_ map: String) -> Bool {
    map.split(whereSeparator: \.isWhitespace).map(String.init) == ["0", "0", "4294967295"]
  }
}
