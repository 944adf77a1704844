import MeshModel
import TLSEngine

/// What the authority's answer is worth (`IstioCertificateResponse.cert_chain`).
struct IssuanceAnswer {
  let credentials: Credentials
  let roots: TrustBundle

  /// `chain`: the leaf first, then what is above it, the roots last, each PEM. `now` in seconds since 1970.
  /// The certificate must be of our key and name exactly our identity: an authority that errs shall not make
  /// a pod speak for another.
  init(_ chain: [String], for identity: Identity, key: PrivateKey, now: Int64) throws(IssuanceError) {
    guard chain.count >= 2, let last = chain.last else {
      throw .badAnswer("\(chain.count) elements where certificate and roots are expected")
    }
    let certificates: [Certificate]
    do throws(CredentialError) {
      certificates = try Certificate.chain(pem: chain.dropLast().joined(separator: "\n"))
      roots = try TrustBundle(pem: last)
    } catch {
      throw .badAnswer(error.description)
    }
    let leaf = certificates[0]
    guard leaf.identity == identity else { throw .wrongIdentity(found: leaf.uris, expected: identity) }
    guard now <= leaf.notAfter else { throw .expired(notAfter: leaf.notAfter) }
    do throws(CredentialError) {
      // Peers have the roots: sending one along would only cost bytes.
      let above = certificates.dropFirst().filter { !$0.isSelfIssued }
      credentials = try Credentials(leaf: leaf, chain: above, key: key)
    } catch {
      throw error == .keyMismatch ? .foreignKey : .badAnswer(error.description)
    }
  }
}
