import Foundation
import Testing

@testable import H1Engine

/// Holds the parser against the tables of docs/HTTP1.md, which are its contract.
@Suite("The table of oddities") struct OddityTests {
  struct Row: CustomTestStringConvertible, Sendable {
    let section: String
    let bytes: [UInt8]
    let answers: [String]
    let testDescription: String
  }

  static let rows: [Row] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/HTTP1.md")
    guard let text = try? String(contentsOf: file.standardized, encoding: .utf8) else { return [] }
    var section = ""
    var rows: [Row] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("## ") { section = String(line.dropFirst(3)) }
      guard line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") else { continue }
      let quoted = line[line.index(line.startIndex, offsetBy: 3)..<end]
      let cells = line[end...].split(separator: "|", omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      rows.append(
        Row(
          section: section, bytes: unescaped(quoted), answers: Array(cells.dropFirst()),
          testDescription: "\(section): \(quoted)"))
    }
    return rows
  }()

  private static func unescaped(_ text: Substring) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let kind = rest.popFirst() else {
        bytes.append(byte)
        continue
      }
      switch kind {
      case UInt8(ascii: "r"): bytes.append(13)
      case UInt8(ascii: "n"): bytes.append(10)
      case UInt8(ascii: "t"): bytes.append(9)
      case UInt8(ascii: "0"): bytes.append(0)
      default:
        bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
        rest = rest.dropFirst(2)
      }
    }
    return bytes
  }

  @Test("every section is there")
  func sections() {
    let counts = Dictionary(grouping: Self.rows, by: \.section).mapValues(\.count)
    #expect(
      counts.filter { $0.value > 10 }.keys.sorted() == [
        "Chunked bodies", "Fields of requests", "Fields of responses", "Hosts", "Request lines",
        "Status lines",
      ])
  }

  @Test("a row, however it is cut", arguments: rows)
  func row(_ row: Row) {
    let chunked = Array("Transfer-Encoding: chunked\r\n\r\n".utf8)
    let post = Array("POST / HTTP/1.1\r\nHost: a\r\n".utf8)
    let end = Array("\r\n\r\n".utf8)
    switch row.section {
    case "Request lines": request(row.bytes + Array("\r\nHost: a\r\n\r\n".utf8), row)
    case "Hosts": request(Array("GET / HTTP/1.1\r\n".utf8) + row.bytes + end, row)
    case "Fields of requests": request(post + row.bytes + end, row)
    case "Chunked bodies":
      request(post + chunked + row.bytes, row)
      response(Array("HTTP/1.1 200 OK\r\n".utf8) + chunked + row.bytes, row, row.answers[1])
    case "Status lines":
      response(row.bytes + Array("\r\nContent-Length: 0\r\n\r\n".utf8), row, row.answers[0])
    case "Fields of responses":
      response(Array("HTTP/1.1 200 OK\r\n".utf8) + row.bytes + end, row, row.answers[0], finishing: true)
    default: break
    }
  }

  private func request(_ bytes: [UInt8], _ row: Row) {
    let whole = Reading.requests(bytes)
    check(whole, row.answers[0], messages: whole.requests.count)
    for cut in 1..<max(bytes.count, 2) {
      #expect(Reading.requests(bytes, size: cut) == whole, "in pieces of \(cut)")
    }
  }

  private func response(_ bytes: [UInt8], _ row: Row, _ answer: String, finishing: Bool = false) {
    let whole = Reading.response(bytes, finishing: finishing)
    check(whole, answer, messages: whole.responses.count)
    for cut in 1..<max(bytes.count, 2) {
      #expect(Reading.response(bytes, size: cut, finishing: finishing) == whole, "in pieces of \(cut)")
    }
  }

  private func check(_ reading: Reading, _ answer: String, messages: Int) {
    if answer == "accepted" {
      #expect(reading.failure == nil)
      #expect(messages == 1 && reading.bodies.count == 1)
    } else {
      #expect(reading.failure.map { "\($0.status)" } == answer, "\(String(describing: reading.failure))")
      #expect(reading.bodies.isEmpty, "a refused message was delivered whole")
    }
  }
}
