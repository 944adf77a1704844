public import HTTPModel
public import MeshModel

/// What an application is told about the client for whom a waypoint speaks to it.
///
/// | field | from a client that may speak for others | from any other client |
/// |-|-|-|
/// | `x-forwarded-for` | kept, the client's address appended | the client's address alone (1) |
/// | `x-forwarded-proto` | kept if it is `http` or `https` | the request's scheme |
/// | `x-forwarded-host`, `x-forwarded-port`, `x-real-ip` | kept | removed |
/// | `x-forwarded-client-cert` | kept, an element for the client appended | an element for the client alone |
/// | `forwarded` (RFC 7239) | kept, an element for the client appended | an element for the client alone |
/// | `x-apus-*` | removed | removed |
///
/// (1) Kept, and the client's address appended, where proxies before the mesh are trusted.
///
/// Fields of which nothing is to be told (`Telling`) are still removed from what an untrusted client sends:
/// an application believes them, whoever wrote them.
public struct ClientFields: Sendable {
  /// Proven by the certificate of the client's end of the tunnel; nil outside of the mesh.
  public let identity: Identity?
  public let address: IPAddress
  /// Of the request: `http` or `https`.
  public var scheme: String
  public var host: String?
  /// The workload for whom the request is, named as `By` in `x-forwarded-client-cert`.
  public let destination: Identity?
  /// The client is a gateway: what it says of the clients behind it is believed.
  public var mayForward: Bool

  /// Proxies before the mesh that append to `x-forwarded-for` (`WaypointConfiguration.trustedProxies`).
  public var trustedProxies = 0

  /// Which fields are written.
  public struct Telling: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public init(_ fields: [ClientField]) {
      self = []
      for field in fields {
        switch field {
        case .forwardedFor: insert(.forwardedFor)
        case .forwardedProto: insert(.forwardedProto)
        case .clientCertificate: insert(.clientCertificate)
        case .forwarded: insert(.forwarded)
        }
      }
    }

    public static let forwardedFor = Telling(rawValue: 1)
    public static let forwardedProto = Telling(rawValue: 2)
    public static let clientCertificate = Telling(rawValue: 4)
    public static let forwarded = Telling(rawValue: 8)
    /// All but `forwarded`, which few read.
    public static let standard: Telling = [.forwardedFor, .forwardedProto, .clientCertificate]
  }

  public init(
    identity: Identity?, address: IPAddress, scheme: String, host: String? = nil,
    destination: Identity? = nil, mayForward: Bool = false
  ) {
    self.identity = identity
    self.address = address
    self.scheme = scheme
    self.host = host
    self.destination = destination
    self.mayForward = mayForward
    addressText = "\(address)"
    unnamed = identity.map { "URI=\($0)" }
  }

  // Written once for a client: every request of it tells them.
  private let addressText: String
  /// `URI=<client>`: identities hold no character that would need quotes.
  private let unnamed: String?
  /// The last destination that was named, and what the element for the client is then.
  private var named: (destination: Identity, element: String)?

  private static let forwardedFor = "x-forwarded-for"
  private static let forwardedProto = "x-forwarded-proto"
  private static let clientCertificate = "x-forwarded-client-cert"
  private static let forwarded = "forwarded"

  public func apply(to fields: inout [Field], telling: Telling = .standard) {
    let saysFor = mayForward || trustedProxies > 0 ? list(Self.forwardedFor, in: fields) : nil
    var saysProto = mayForward ? list(Self.forwardedProto, in: fields) : nil
    if saysProto != "http", saysProto != "https" { saysProto = nil }
    let saysCertificate = mayForward ? list(Self.clientCertificate, in: fields) : nil
    let saysForwarded = mayForward ? list(Self.forwarded, in: fields) : nil
    if fields.contains(where: isClaim) { fields.removeAll(where: isClaim) }
    let told = telling.contains(.forwardedFor) ? addressText : nil
    append(Self.forwardedFor, saysFor, told, to: &fields)
    append(Self.forwardedProto, saysProto ?? (telling.contains(.forwardedProto) ? scheme : nil), nil, to: &fields)
    let element = telling.contains(.clientCertificate) ? element(naming: destination) : nil
    append(Self.clientCertificate, saysCertificate, element, to: &fields)
    append(Self.forwarded, saysForwarded, telling.contains(.forwarded) ? forwardedElement : nil, to: &fields)
  }

  /// By length first: nearly every name is none.
  private func isClaim(_ field: Field) -> Bool {
    let name = field.name
    switch name.utf8.count {
    case 9: if name == Self.forwarded || !mayForward && name == "x-real-ip" { return true }
    case 15: if name == Self.forwardedFor { return true }
    case 16: if !mayForward, name == "x-forwarded-host" || name == "x-forwarded-port" { return true }
    case 17: if name == Self.forwardedProto { return true }
    case 23: if name == Self.clientCertificate { return true }
    default: break
    }
    return name.hasPrefix("x-apus-")
  }

  /// The address of the client, as far as fields may be believed; asked before `apply`. With no
  /// `trustedProxies` in front it is the address of the connection; with n, the n-th of `x-forwarded-for`
  /// from its end. Nil when that says less or no address: whoever asks for it must refuse.
  public func remoteAddress(of fields: [Field]) -> IPAddress? {
    guard trustedProxies > 0 else { return address }
    guard let list = list(Self.forwardedFor, in: fields) else { return nil }
    let elements = list.split(separator: ",", omittingEmptySubsequences: false)
    guard elements.count >= trustedProxies else { return nil }
    let element = elements[elements.count - trustedProxies].drop { $0 == " " }
    return IPAddress(String(element.prefix { $0 != " " }))
  }

  private func list(_ name: String, in fields: [Field]) -> String? {
    let values = fields.filter { $0.name == name && !$0.value.isEmpty }.map(\.value)
    return values.isEmpty ? nil : values.joined(separator: ",")
  }

  /// What was said before, and what is added to it.
  private func append(_ name: String, _ said: String?, _ element: String?, to fields: inout [Field]) {
    guard let value = said.map({ said in element.map { "\(said),\($0)" } ?? said }) ?? element else { return }
    fields.append(Field(name, value))
  }

  /// Names the destination, which is known only when one was picked, in the element for the client. An
  /// element that is not ours, or is gone, is left as it is.
  public mutating func nameDestination(_ destination: Identity, in fields: inout [Field]) {
    guard let unnamed, let place = fields.lastIndex(where: { $0.name == Self.clientCertificate }) else {
      return
    }
    let value = fields[place].value
    guard value == unnamed || value.hasSuffix("," + unnamed) else { return }
    if named?.destination != destination {
      named = element(naming: destination).map { (destination, $0) }
    }
    guard let element = named?.element else { return }
    fields[place].value = value == unnamed ? element : value.dropLast(unnamed.count) + element
  }

  /// `By=<destination>;URI=<client>`.
  private func element(naming destination: Identity?) -> String? {
    unnamed.map { client in destination.map { "By=\($0);\(client)" } ?? client }
  }

  private var forwardedElement: String {
    var parts = ["for=" + (address.family == .v6 ? "\"[\(addressText)]\"" : addressText)]
    if let host, let quoted = quoted(host) { parts.append("host=" + quoted) }
    parts.append("proto=\(scheme)")
    return parts.joined(separator: ";")
  }

  /// Nil for what no quoted string can hold.
  private func quoted(_ text: String) -> String? {
    guard text.utf8.allSatisfy({ (0x20...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c }) else { return nil }
    return "\"\(text)\""
  }
}
