import COpenSSL

/// Seconds since 1970 to and from ASN.1 times.
enum UnixTime {
  /// Zero for a time that does not parse, which no verification accepts either.
  static func read(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
    guard let epoch = unsafe ASN1_TIME_set(nil, 0) else { return 0 }
    defer { unsafe ASN1_TIME_free(epoch) }
    var days: Int32 = 0
    var seconds: Int32 = 0
    guard unsafe ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else {
      ErrorQueue.clear()
      return 0
    }
    return Int64(days) * 86_400 + Int64(seconds)
  }

  /// Calls `body` with the time, or with nil when it cannot be told in ASN.1.
  static func with<Result>(_ seconds: Int64, _ body: (UnsafeMutablePointer<ASN1_TIME>?) -> Result) -> Result {
    let time = unsafe ASN1_TIME_set(nil, Int(seconds))
    defer { unsafe ASN1_TIME_free(time) }
    return unsafe body(time)
  }
}
