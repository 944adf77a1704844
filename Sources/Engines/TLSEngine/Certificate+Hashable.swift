/// Two certificates are the same when their DER is.
extension Certificate: Hashable {
  public static func == (left: Certificate, right: Certificate) -> Bool {
    left === right || left.der == right.der
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}
