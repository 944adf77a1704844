import Bytes
import Testing

@testable import H1Engine

@Suite struct FollowerTests {
  private static let get = "GET / HTTP/1.1\r\nHost: s\r\n\r\n"
  private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

  /// Requests go in with `>`, answers with `<`.
  private func standing(_ steps: [(Character, String)]) -> (H1Follower.Standing, String) {
    var follower = H1Follower()
    for (side, text) in steps {
      let bytes = Array(text.utf8)
      if side == ">" { follower.sent(bytes.span) } else { follower.answered(bytes.span) }
    }
    var kept: [UInt8] = []
    follower.withKept { span in for index in span.indices { kept.append(span[index]) } }
    return (follower.standing, String(decoding: kept, as: UTF8.self))
  }

  @Test func requestsInTurn() {
    #expect(standing([]) == (.between, ""))
    #expect(standing([(">", Self.get)]) == (.repeatable, Self.get))
    #expect(standing([(">", "GET / HT")]) == (.repeatable, "GET / HT"))
    #expect(standing([(">", Self.get), ("<", "H")]) == (.underway, ""))
    #expect(standing([(">", Self.get), ("<", Self.answer)]) == (.between, ""))
    #expect(
      standing([(">", Self.get), ("<", Self.answer), (">", Self.get)]) == (.repeatable, Self.get))
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    #expect(standing([(">", Self.get), ("<", chunked)]) == (.between, ""))
    #expect(standing([(">", Self.get), ("<", String(chunked.dropLast(2)))]) == (.underway, ""))
    let early = "HTTP/1.1 103 Early Hints\r\n\r\n"
    #expect(standing([(">", Self.get), ("<", early)]) == (.underway, ""))
    #expect(standing([(">", Self.get), ("<", early + Self.answer)]) == (.between, ""))
    let head = "HEAD / HTTP/1.1\r\nHost: s\r\n\r\n"
    #expect(standing([(">", head), ("<", String(Self.answer.dropLast(2)))]) == (.between, ""))
    #expect(
      standing([(">", Self.get), ("<", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")])
        == (.between, ""))
  }

  @Test(arguments: ["POST", "PUT", "DELETE", "PATCH", "get", "PROPFIND"])
  func whatIsNotSafeIsNotKept(method: String) {
    let request = "\(method) / HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n"
    #expect(standing([(">", request)]) == (.underway, ""))
    #expect(standing([(">", request), ("<", Self.answer)]) == (.between, ""))
    // No server can act on half of a head.
    #expect(standing([(">", String(request.dropLast(2)))]) == (.repeatable, String(request.dropLast(2))))
  }

  @Test func aBodyIsNotKept() {
    let request = "GET / HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\n"
    #expect(standing([(">", request)]) == (.underway, ""))
    #expect(standing([(">", request), (">", "hi")]) == (.underway, ""))
    #expect(standing([(">", request), (">", "hi"), ("<", Self.answer)]) == (.between, ""))
  }

  @Test(
    arguments: [
      [(">", get + get)], [(">", get), (">", "G")], [("<", "HTTP/1.1 408 Slow\r\n\r\n")],
      [(">", get), ("<", answer + "x")], [(">", get), ("<", answer), ("<", "x")],
      [(">", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")], [(">", "\u{16}\u{3}\u{1}\n")],
      [(">", "CONNECT s:1 HTTP/1.1\r\nHost: s:1\r\n\r\n")],
      [(">", "GET / HTTP/1.1\r\nHost: s\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")],
      [(">", "GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"), ("<", answer)],
      [(">", "GET / HTTP/1.0\r\n\r\n"), ("<", answer)],
      [(">", get), ("<", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx")],
      [(">", get), ("<", "nonsense\r\n")],
      [(">", "POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\n"), ("<", answer)],
      [(">", "GET /" + String(repeating: "a", count: H1Follower.keptLimit))],
    ] as [[(Character, String)]])
  func whatIsNotSureIsGivenUp(steps: [(Character, String)]) {
    // Except for the last two of a closed connection, which end it all the same.
    let (standing, kept) = standing(steps)
    #expect(kept.isEmpty)
    #expect(standing == .lost || steps.last?.1.hasSuffix("\r\n\r\nx") == true && standing == .underway)
  }

  @Test func givenUpIsForGood() {
    #expect(standing([(">", Self.get + Self.get), ("<", Self.answer), ("<", Self.answer)]).0 == .lost)
  }

  /// Tens of thousands of chunks in one piece are as many events, for a moment.
  @Test func smallChunksLeaveNoRoomBehind() {
    let chunks = String(repeating: "1\r\na\r\n", count: 40_000)
    var follower = H1Follower()
    follower.sent(
      Array("POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\r\n".utf8).span)
    var room = follower.eventRoom
    #expect(room <= 64)
    follower.answered(
      Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\r\n".utf8).span)
    room = follower.eventRoom
    let standing = follower.standing
    #expect(room <= 64 && standing == .between)
  }
}
