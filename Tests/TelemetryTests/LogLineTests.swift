import Logging
import Testing

@testable import Telemetry

@Suite("Log lines")
struct LogLineTests {
  static func line(
    _ message: String, _ fields: [(key: String, value: String)] = [], time: Int64 = 1_767_225_599_123_456_789
  ) -> LogLine {
    LogLine(time: time, level: .warning, scope: "access", message: message, fields: fields)
  }

  static func text(_ line: LogLine, _ format: LogFormat = .text) -> String {
    String(decoding: line.encode(format), as: UTF8.self)
  }

  @Test("the text form has tabs between its parts and spaces between fields")
  func shape() {
    let line = Self.line("connection complete", [("src.addr", "10.0.0.1:1"), ("duration", "3ms")])
    #expect(
      Self.text(line)
        == "2025-12-31T23:59:59.123456Z\twarn\taccess\tconnection complete\t"
        + "src.addr=10.0.0.1:1 duration=3ms\n"
    )
    #expect(Self.text(Self.line("ready")) == "2025-12-31T23:59:59.123456Z\twarn\taccess\tready\n")
  }

  @Test(
    "values that a reader could not tell apart are quoted; nothing ends the line or moves the cursor",
    arguments: [
      ("plain", "plain"), ("", "\"\""), ("two words", "\"two words\""), ("a=b", "\"a=b\""),
      ("say \"hi\"", "\"say \\\"hi\\\"\""), ("back\\slash", "\"back\\\\slash\""),
      ("line\nfeed", "\"line\\nfeed\""), ("tab\there", "\"tab\\there\""), ("\u{1b}[2J", "\"\\u{1b}[2J\""),
      ("\u{85}", "\"\\u{85}\""), ("\u{202e}abc", "\"\\u{202e}abc\""), ("größe", "größe"),
    ])
  func values(value: String, written: String) {
    #expect(Self.text(Self.line("m", [("k", value)])).hasSuffix("\tm\tk=\(written)\n"))
  }

  @Test("a message cannot begin another line")
  func message() {
    let text = Self.text(Self.line("a\n2025\tinfo\tfake"))
    #expect(text.filter { $0 == "\n" }.count == 1)
    #expect(text.hasSuffix("\ta\\n2025\\tinfo\\tfake\n"))
  }

  @Test("the JSON form is one object a line")
  func json() {
    let line = Self.line("a \"b\"\n", [("k\u{1}", "v\\\u{7f}"), ("level", "mine")])
    #expect(
      Self.text(line, .json)
        == #"{"level":"warn","time":"2025-12-31T23:59:59.123456Z","scope":"access","message":"a \"b\"\n","#
        + #""k\u0001":"v\\\u007f","field.level":"mine"}"# + "\n")
  }

  @Test("long texts are cut between characters")
  func clipping() {
    let long = String(repeating: "é", count: 5_000)
    let clipped = LogLine.clipped("x" + long)
    #expect(clipped.utf8.count <= LogLine.maximumText + 3)
    #expect(clipped.hasPrefix("xéé") && clipped.hasSuffix("é…"))
    #expect(LogLine.clipped("short") == "short")
  }

  @Test(
    "times are of the calendar, before and after 1970",
    arguments: [
      (0, "1970-01-01T00:00:00.000000Z"), (951_782_400_000_000_000, "2000-02-29T00:00:00.000000Z"),
      (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000Z"), (-1_000, "1969-12-31T23:59:59.999999Z"),
    ] as [(Int64, String)])
  func times(nanoseconds: Int64, text: String) {
    #expect(Timestamp.text(nanoseconds) == text)
  }
}

@Suite("Log settings")
struct LogSettingsTests {
  @Test("levels are of all scopes or of one, and change at run time")
  func levels() throws {
    let levels = LogLevels()
    #expect(levels.level(of: "access") == .info)
    try levels.set("warn,access=debug")
    #expect(levels.level(of: "access") == .debug)
    #expect(levels.level(of: "agent") == .warning)
    #expect(levels.description == "warning,access=debug")
    try levels.set("ERROR")
    #expect(levels.level(of: "access") == .error)
  }

  @Test("wrong flags are told, and change nothing", arguments: ["", "loud", "info,", "info,x=", "a=b=c"])
  func wrong(text: String) throws {
    let levels = LogLevels(.error)
    #expect(throws: LogSettingsError.self) { try levels.set(text) }
    #expect(levels.level(of: "x") == .error)
    #expect(throws: LogSettingsError.self) { try LogSettings(levels: text, format: "text") }
    #expect(throws: LogSettingsError.badFormat("xml")) { try LogSettings(levels: "info", format: "xml") }
  }
}
