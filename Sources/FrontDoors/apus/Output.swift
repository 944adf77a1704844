import Foundation

/// The two streams of a command; a reader that has left is no reason to fail.
enum Output {
  static func line(_ text: String) { write(text + "\n", to: .standardOutput) }

  static func text(_ text: String) { write(text, to: .standardOutput) }

  static func errorText(_ text: String) { write(text, to: .standardError) }

  static func error(_ text: String) { write(text + "\n", to: .standardError) }

  private static func write(_ text: String, to handle: FileHandle) {
    try? handle.write(contentsOf: Data(text.utf8))
  }
}
