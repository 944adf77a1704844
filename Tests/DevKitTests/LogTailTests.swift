import Foundation
import Testing

@testable import DevKit

@Suite struct LogTailTests {
  @Test func givesWholeLinesOnceAndGoesOnAfterTheFileIsEmptied() throws {
    let path = NSTemporaryDirectory() + "tail-\(UUID().uuidString).log"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var tail = LogTail(path)
    func next() -> [String] { tail.lines().map { String(decoding: $0, as: UTF8.self) } }
    #expect(next().isEmpty)
    DevLog.append("one\n\ntw", to: path)
    #expect(next() == ["one\n", "\n"])
    #expect(next().isEmpty)
    DevLog.append("o\nthree\n", to: path)
    #expect(next() == ["two\n", "three\n"])
    // As a log that has become long is: copied beside, and emptied in place.
    try Data().write(to: URL(fileURLWithPath: path))
    DevLog.append("four\n", to: path)
    #expect(next() == ["four\n"])
  }
}
