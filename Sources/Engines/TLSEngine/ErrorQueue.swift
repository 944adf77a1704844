import COpenSSL

/// The calling thread's queue of OpenSSL errors: cleared before a call whose failure we examine, drained
/// after it.
enum ErrorQueue {
  struct Entry {
    let library: Int32
    let reason: Int32
    /// OpenSSL's own words for the reason, for example "bad record mac".
    let text: String
  }

  /// More entries than this are dropped: a parser may queue one per nested element of hostile input.
  private static let limit = 8

  static func clear() { ERR_clear_error() }

  /// Empties the queue, oldest entry first.
  static func drain() -> [Entry] {
    var entries: [Entry] = []
    while entries.count < limit {
      let code = ERR_get_error()
      if code == 0 { return entries }
      let reason = unsafe ERR_reason_error_string(code)
      let text = if let reason = unsafe reason { unsafe String(cString: reason) } else { "error \(code)" }
      entries.append(Entry(library: ERR_GET_LIB(code), reason: ERR_GET_REASON(code), text: text))
    }
    ERR_clear_error()
    return entries
  }

  /// Empties the queue and answers the oldest entry's words, which name the cause best.
  static func drainText() -> String { drain().first?.text ?? "no reason given" }
}
