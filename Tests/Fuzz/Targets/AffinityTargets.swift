import HTTPModel
import Resilience

extension FuzzTarget {
  /// What keeps a request with one endpoint: found in cookies and queries, whatever else stands there.
  static let affinity: [FuzzTarget] = [
    FuzzTarget("affinity") { bytes in
      let fields = fields(of: bytes)
      if let value = AffinityKey.cookie("id", of: fields) {
        precondition(!value.isEmpty)
        let alone = AffinityKey.cookie("id", of: [Field("cookie", "id=\"\(value)\"")])
        precondition(alone == value, "alone it is another: \(value)")
      }
      for field in fields {
        guard let value = AffinityKey.parameter("id", of: field.value) else { continue }
        precondition(
          AffinityKey.parameter("id", of: "/?id=\(value)") == value, "alone it is another: \(value)")
      }
    }
  ]
}
