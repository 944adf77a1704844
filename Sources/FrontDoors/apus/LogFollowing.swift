import DevKit
import Foundation

/// Prints what several parts say as they say it, until it is interrupted.
enum LogFollowing {
  /// Between two looks: no line is later than this.
  private static let pause = 0.2

  /// With several parts each line begins with the name of its own.
  static func run(_ parts: [LogFiles.Part]) -> Never {
    var tails = parts.flatMap { part in part.paths.map { (part.name, LogTail($0)) } }
    let width = parts.count > 1 ? parts.map(\.name.count).max() ?? 0 : 0
    while true {
      var hasNews = false
      for index in tails.indices {
        let name = tails[index].0
        let mark = Data(
          width == 0 ? "".utf8 : "\(name)\(String(repeating: " ", count: width - name.count)) | ".utf8)
        for line in tails[index].1.lines() {
          hasNews = true
          guard (try? FileHandle.standardOutput.write(contentsOf: mark + line)) != nil else { exit(0) }
        }
      }
      if !hasNews { Thread.sleep(forTimeInterval: pause) }
    }
  }
}
