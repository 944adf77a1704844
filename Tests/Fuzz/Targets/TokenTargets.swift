import HTTPModel
import MeshModel
import Tokens

extension FuzzTarget {
  /// Tokens of clients, and the key sets of issuers.
  static let tokens: [FuzzTarget] = [
    // Nobody can sign for the key, so nothing may be believed; a request without a token stays as it came.
    FuzzTarget("token") { bytes in
      guard let check = TokenSample.check else { return }
      let text = String(decoding: bytes, as: UTF8.self)
      let heads = [
        RequestHead(
          method: "GET", authority: nil, path: "/", fields: [Field("authorization", "Bearer " + text)]),
        RequestHead(method: "GET", authority: nil, path: "/?" + text, fields: [Field("cookie", text)]),
      ]
      for before in heads {
        var head = before
        do throws(TokenFault) {
          let admission = try check.admission(of: head, keys: .none, now: 0)
          precondition(admission.identity == nil, "a token that nobody signed is believed: \(text)")
          admission.apply(to: &head)
          precondition(head == before, "a request without a token was changed")
        } catch {}
      }
    },
    FuzzTarget("key-set") { bytes in
      guard let keys = try? KeySet(bytes) else { return }
      precondition(keys.count > 0, "a key set without keys")
    },
  ]
}

private enum TokenSample {
  /// The key of RFC 8037 appendix A.2.
  private static let keys =
    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"

  static let check: TokenCheck? = {
    let rule = TokenIssuer(
      issuer: "https://issuer.test", keys: .inline(keys),
      locations: TokenIssuer.standardLocations + [.cookie("session")], payloadHeader: "x-payload")
    let authentication = TokenAuthentication(origin: "fuzz", namespace: "n", issuers: [rule])
    return try? TokenChecks([authentication]).check(naming: [])
  }()
}
