import Glibc

/// What a terminal can be asked.
public enum Terminal {
  /// Whether a descriptor is one.
  public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Characters of a line and lines; nil where there is no terminal, or one that does not know.
  public static func size(of descriptor: Int32) -> (columns: Int, rows: Int)? {
    var size = winsize()
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return nil
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }
}

/// A terminal that hands over each key as it is pressed, echoes nothing and makes no signals of keys, until
/// `end`. Lines that are written to it end as before.
public final class KeyInput: Sendable {
  private let descriptor: Int32
  private let former: termios

  public init(_ descriptor: Int32) throws(SystemError) {
    var settings = termios()
    guard unsafe tcgetattr(descriptor, &settings) == 0 else { throw SystemError("tcgetattr") }
    let former = settings
    settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
    guard unsafe tcsetattr(descriptor, TCSANOW, &settings) == 0 else { throw SystemError("tcsetattr") }
    self.descriptor = descriptor
    self.former = former
  }

  /// Gives the terminal back as it was.
  public func end() {
    var settings = former
    _ = unsafe tcsetattr(descriptor, TCSANOW, &settings)
  }

  /// The bytes of the keys pressed meanwhile; waits for one. Empty when the terminal is gone.
  public func next(on thread: ReactorThread) async throws(SystemError) -> [UInt8] {
    let descriptor = self.descriptor
    while true {
      _ = try await thread.ready(descriptor, for: .readable)
      var buffer = [UInt8](repeating: 0, count: 64)
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 { return Array(buffer.prefix(count)) }
      guard errno == EINTR || errno == EAGAIN else { throw SystemError("read") }
    }
  }
}
