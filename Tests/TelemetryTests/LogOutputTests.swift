import Bytes
import Glibc
import Logging
import Reactor
import Testing

@testable import Telemetry

/// A pipe whose writing end is a log's.
struct Pipe: ~Copyable {
  let reader: Descriptor
  let log: LogOutput

  init(_ format: LogFormat = .text, isBlocking: Bool = true) throws {
    ProcessSetup.harden()
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { throw SystemError("pipe", code: errno) }
    if !isBlocking { for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) } }
    log = try LogOutput(to: Descriptor(adopting: ends[1]), format: format)
    reader = Descriptor(adopting: ends[0])
  }

  /// Reads until the text of a line is there.
  func read(until part: String) -> String {
    var text = ""
    var recent = ""
    while !recent.contains(part) {
      var bytes = [UInt8](repeating: 0, count: 65_536)
      let count = unsafe Glibc.read(reader.number, &bytes, bytes.count)
      if count < 0, errno == EAGAIN { continue }
      guard count > 0 else { return text }
      let chunk = String(decoding: bytes.prefix(count), as: UTF8.self)
      recent = recent.suffix(part.count) + chunk
      text += chunk
    }
    return text
  }
}

@Suite("The log's queue", .timeLimit(.minutes(1)))
struct LogOutputTests {
  @Test("lines come out in order, with metadata of the logger and of the line")
  func order() throws {
    let pipe = try Pipe()
    var log = Logger(label: "agent") { [log = pipe.log] in LineHandler($0, log) }
    log[metadataKey: "node"] = "n1"
    for index in 0..<100 { log.info("line", metadata: ["index": "\(index)"]) }
    log.debug("not written")
    log.notice("last")
    let lines = pipe.read(until: "last").split(separator: "\n")
    #expect(lines.count == 101)
    #expect(lines[7].hasSuffix("\tinfo\tagent\tline\tindex=7 node=n1"))
    #expect(lines[100].hasSuffix("\tnotice\tagent\tlast\tnode=n1"))
  }

  @Test("levels change for loggers that exist already")
  func levels() throws {
    let pipe = try Pipe()
    let log = Logger(label: "agent") { [log = pipe.log] in LineHandler($0, log) }
    log.debug("one")
    try pipe.log.levels.set("debug")
    log.debug("two")
    try pipe.log.levels.set("error")
    log.info("three")
    log.error("four")
    let text = pipe.read(until: "four")
    #expect(!text.contains("one") && text.contains("two") && !text.contains("three"))
  }

  @Test(
    "a reader that stops costs lines and never the writer, and the gap is told", arguments: [true, false])
  func slowReader(isBlocking: Bool) throws {
    let pipe = try Pipe(isBlocking: isBlocking)
    let long = String(repeating: "x", count: 1_000)
    let count = 20_000
    for index in 0..<count {
      pipe.log.write(
        LogLine(time: 0, level: .info, scope: "s", message: "m", fields: [("i", "\(index)"), ("x", long)]))
    }
    #expect(pipe.log.dropped > 0)
    let text = pipe.read(until: "lines were dropped\tcount=")
    #expect(text.hasPrefix("1970-01-01T00:00:00.000000Z\tinfo\ts\tm\ti=0 "))
    #expect(text.utf8.count < LogOutput.maximumBytes + (2 << 20))
  }

  @Test("flush waits until everything is written, but not for ever")
  func flush() throws {
    let pipe = try Pipe()
    pipe.log.flush()
    pipe.log.write(LogLine(time: 0, level: .info, scope: "s", message: "before the end"))
    pipe.log.flush(within: .seconds(30))
    #expect(pipe.read(until: "before the end").hasSuffix("before the end\n"))
    let long = String(repeating: "x", count: 4_000)
    for _ in 0..<100 { pipe.log.write(LogLine(time: 0, level: .info, scope: "s", message: long)) }
    pipe.log.flush(within: .milliseconds(1))
  }
}
