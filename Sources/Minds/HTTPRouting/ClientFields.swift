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
public struct ClientFields: Hashable, Sendable {
  /// Proven by the certificate of the client's end of the tunnel; nil outside of the mesh.
  public var identity: Identity?
  public var address: IPAddress
  /// Of the request: `http` or `https`.
  public var scheme: String
  public var host: String?
  /// The workload for whom the request is, named as `By` in `x-forwarded-client-cert`.
  public var destination: Identity?
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
  }

  private static let forwardedFor = "x-forwarded-for"
  private static let forwardedProto = "x-forwarded-proto"
  private static let clientCertificate = "x-forwarded-client-cert"
  private static let forwarded = "forwarded"
  private static let others: Set<String> = ["x-forwarded-host", "x-forwarded-port", "x-real-ip"]

  public func apply(to fields: inout [Field], telling: Telling = .standard) {
    let claims = [Self.forwardedFor, Self.forwardedProto, Self.clientCertificate, Self.forwarded]
    var kept: [String: String] = [:]
    for name in claims { kept[name] = mayForward ? list(name, in: fields) : nil }
    if trustedProxies > 0 { kept[Self.forwardedFor] = list(Self.forwardedFor, in: fields) }
    if let proto = kept[Self.forwardedProto], proto != "http", proto != "https" {
      kept[Self.forwardedProto] = nil
    }
    fields.removeAll { field in
      claims.contains(field.name) || field.name.hasPrefix("x-apus-")
        || !mayForward && Self.others.contains(field.name)
    }
    if telling.contains(.forwardedFor) { append("\(address)", to: Self.forwardedFor, &kept) }
    if telling.contains(.forwardedProto), kept[Self.forwardedProto] == nil {
      kept[Self.forwardedProto] = scheme
    }
    if telling.contains(.clientCertificate), let element = certificateElement {
      append(element, to: Self.clientCertificate, &kept)
    }
    if telling.contains(.forwarded) { append(forwardedElement, to: Self.forwarded, &kept) }
    for name in claims { if let value = kept[name] { fields.append(Field(name, value)) } }
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

  private func append(_ element: String, to name: String, _ kept: inout [String: String]) {
    kept[name] = kept[name].map { "\($0),\(element)" } ?? element
  }

  /// `By=<destination>;URI=<client>`: identities hold no character that would need quotes.
  private var certificateElement: String? { element(naming: destination) }

  /// Names the destination, which is known only when one was picked, in the element for the client. An
  /// element that is not ours, or is gone, is left as it is.
  public func nameDestination(_ destination: Identity, in fields: inout [Field]) {
    guard let unnamed = element(naming: nil), let named = element(naming: destination),
      let place = fields.lastIndex(where: { $0.name == Self.clientCertificate })
    else { return }
    let value = fields[place].value
    guard value == unnamed || value.hasSuffix("," + unnamed) else { return }
    fields[place].value = value.dropLast(unnamed.count) + named
  }

  private func element(naming destination: Identity?) -> String? {
    identity.map { client in destination.map { "By=\($0);URI=\(client)" } ?? "URI=\(client)" }
  }

  private var forwardedElement: String {
    var parts = ["for=" + (address.family == .v6 ? "\"[\(address)]\"" : "\(address)")]
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
