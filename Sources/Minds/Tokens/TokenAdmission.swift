public import HTTPModel
public import MeshModel

/// What a check of tokens says of a request that it lets pass.
public struct TokenAdmission: Sendable {
  /// Nil without a token.
  public internal(set) var identity: TokenIdentity?
  /// Taken out where it was found, unless the application is to see it.
  var token: String?
  var places: [TokenIssuer.Location] = []
  var added: [Field] = []
  private let reserved: Set<String>

  init(reserved: Set<String>) { self.reserved = reserved }

  /// Takes from the request what the application is not to see, and adds what it is to. Nobody but us says
  /// what a token said.
  public func apply(to head: inout RequestHead) {
    head.fields.removeAll { reserved.contains($0.name) }
    if let token { for place in places { place.remove(token, from: &head) } }
    head.fields += added
  }
}
