public import HTTPModel
public import MeshModel

/// A CONNECT for one tunnel: what the outbound side asks and the inbound side reads.
public struct ConnectRequest: Hashable, Sendable {
  public var authority: Authority
  /// Who the dialing workload says it is (`Baggage`), as it came: it is read by whoever wants to know.
  public var baggage: String?
  public var forwarded: Forwarded?
  public var traceparent: Traceparent?
  /// The original client, when a waypoint says so; believed only from a waypoint bound to the destination's
  /// account.
  public var source: Identity?

  public init(
    to authority: Authority, baggage: String? = nil, forwarded: Forwarded? = nil,
    traceparent: Traceparent? = nil, source: Identity? = nil
  ) {
    self.authority = authority
    self.baggage = baggage
    self.forwarded = forwarded
    self.traceparent = traceparent
    self.source = source
  }

  /// The request's fields: a plain CONNECT has neither `:scheme` nor `:path` (RFC 9113 section 8.5).
  public var fields: [Field] {
    var fields = [Field(":method", "CONNECT"), Field(":authority", authority.description)]
    if let value = baggage { fields.append(Field(HBONEField.baggage, value)) }
    if let value = forwarded?.fieldValue { fields.append(Field(HBONEField.forwarded, value)) }
    if let traceparent { fields.append(Field(HBONEField.traceparent, traceparent.description)) }
    if let source { fields.append(Field(HBONEField.source, source.description)) }
    return fields
  }

  /// Reads a request. Method and authority decide, so they are strict; the other fields are claims, and one
  /// that cannot be read is as if it were not there, except `x-apus-source`, which may become an identity.
  public static func read(_ fields: [Field]) -> Result<ConnectRequest, ConnectFault> {
    guard fields.first(":method") == "CONNECT" else { return .failure(.notConnect) }
    guard !fields.contains(where: { $0.name == ":protocol" || $0.name == ":scheme" || $0.name == ":path" })
    else {
      return .failure(.notPlainConnect)
    }
    let authorities = fields.filter { $0.name == ":authority" }
    guard authorities.count == 1, let authority = Authority(authorities[0].value) else {
      return .failure(.badAuthority(authorities.first?.value ?? ""))
    }
    var request = ConnectRequest(to: authority)
    request.baggage = fields.first(HBONEField.baggage)
    if let text = fields.first(HBONEField.forwarded) { request.forwarded = Forwarded(fieldValue: text) }
    if let text = fields.first(HBONEField.traceparent) { request.traceparent = Traceparent(text) }
    let sources = fields.filter { $0.name == HBONEField.source }
    if let text = sources.first?.value {
      guard sources.count == 1, let identity = try? Identity(spiffe: text) else {
        return .failure(.badSource)
      }
      request.source = identity
    }
    return .success(request)
  }
}

/// Why a request is not a tunnel; each is answered with status 400.
public enum ConnectFault: Error, Hashable, Sendable, CustomStringConvertible {
  case notConnect
  case notPlainConnect
  case badAuthority(String)
  case badSource

  public var description: String {
    switch self {
    case .notConnect: "the request is not a CONNECT"
    case .notPlainConnect: "the CONNECT carries a protocol, a scheme or a path"
    case .badAuthority(let text): "\(text.debugDescription) is not an address or a name with a port"
    case .badSource: "\(HBONEField.source) is not one SPIFFE id"
    }
  }
}
