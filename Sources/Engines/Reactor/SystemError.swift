import Glibc

/// A system call that failed: which one, and errno.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
  public var call: String
  public var code: Int32

  public init(_ call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  /// Reads errno, so it must directly follow the call.
  init(_ call: String) {
    self.init(call, code: errno)
  }

  /// The wait was given up: its task was cancelled or its descriptor closed.
  public static let cancelled = SystemError("wait", code: ECANCELED)
  public static let timedOut = SystemError("wait", code: ETIMEDOUT)

  public var isRefused: Bool { code == ECONNREFUSED }
  public var isUnreachable: Bool { code == EHOSTUNREACH || code == ENETUNREACH }
  public var isReset: Bool { code == ECONNRESET || code == EPIPE || code == ECONNABORTED }
  public var isOutOfDescriptors: Bool { code == EMFILE || code == ENFILE }
  public var isAddressTaken: Bool { code == EADDRINUSE || code == EADDRNOTAVAIL }
  public var isNotPermitted: Bool { code == EPERM || code == EACCES }
  public var isMissing: Bool { code == ENOENT || code == ESRCH }
  public var exists: Bool { code == EEXIST }

  public var description: String {
    var text = [CChar](repeating: 0, count: 128)
    let message = unsafe text.withUnsafeMutableBufferPointer { buffer in
      guard unsafe strerror_r(code, buffer.baseAddress!, buffer.count) == 0 else { return "error \(code)" }
      return unsafe String(cString: buffer.baseAddress!)
    }
    return "\(call): \(message)"
  }
}
