/// What a reader reads.
enum H1Side: Hashable, Sendable {
  case requests
  case responses

  /// The status of a refusal: whose message it is that is malformed.
  var refusal: Int { self == .requests ? 400 : 502 }
}
