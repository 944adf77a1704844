import HTTPModel
import HTTPRouting
import MeshModel
import PolicyEngine
import Tokens

/// A request as tokens and policies are asked about it: as it came, before any rule changed it.
struct AskedRequest {
  /// Its path is in normal form.
  let head: RequestHead
  /// Without the query.
  let path: String
  /// The client's address as far as proxies before the mesh are believed; nil when they should say and do
  /// not.
  let remote: IPAddress?
}

extension RequestFacts {
  /// What is asked of a request that its token, if it has one, says to be somebody's.
  init(_ asked: AskedRequest, _ admission: TokenAdmission?) {
    self.init(
      method: asked.head.method, path: asked.path, host: asked.head.authority, fields: asked.head.fields,
      remote: asked.remote, token: admission?.identity)
    isRemoteUnknown = asked.remote == nil
    // Of what goes through its tunnel no path is seen.
    isPathUnknown = asked.head.method == "CONNECT"
    guard let admission else { return }
    var head = asked.head
    admission.apply(to: &head)
    fields = head.fields
  }
}

extension PathForm {
  var normalisation: PathNormalisation {
    switch self {
    case .none: .none
    case .base: .standard
    case .mergeSlashes: .mergesSlashes
    case .decodeAndMergeSlashes: .decodesAndMergesSlashes
    }
  }
}
