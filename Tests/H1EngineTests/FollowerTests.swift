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
    #expect(standing([]) == (.silent, ""))
    #expect(standing([(">", Self.get)]) == (.repeatable, Self.get))
    let part = "GET / HTTP/1.1\r\nHo"
    #expect(standing([(">", part)]) == (.repeatable, part))
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
      [(">", get), ("<", "nonsense\r\n")],
      [(">", "POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\n"), ("<", answer)],
      [(">", "GET /" + String(repeating: "a", count: H1Follower.keptLimit))],
    ] as [[(Character, String)]])
  func whatIsNotSureIsGivenUp(steps: [(Character, String)]) {
    #expect(standing(steps) == (.lost, ""))
  }

  @Test func givenUpIsForGood() {
    #expect(standing([(">", Self.get + Self.get), ("<", Self.answer), ("<", Self.answer)]).0 == .lost)
  }

  /// What has not shown itself to be HTTP may be anything, also a request of which the server has had enough.
  @Test(arguments: ["\0\0\0\u{9}kafka", "GET key;", "GET / HT", "\r\n", "\r"])
  func whatMayNotBeHTTPIsNotSentAgain(said: String) {
    #expect(standing([(">", said)]) == (.underway, ""))
    // After an answer it can be nothing else.
    #expect(standing([(">", Self.get), ("<", Self.answer), (">", said)]) == (.repeatable, said))
  }

  @Test func itMayBeKnownByTheRestOfTheLine() {
    #expect(standing([(">", "GET / HT"), (">", "TP/1.1\r\n")]) == (.repeatable, "GET / HTTP/1.1\r\n"))
  }

  private func halves(_ text: String, _ cut: Int) -> (String, String) {
    let bytes = Array(text.utf8)
    return (String(decoding: bytes[..<cut], as: UTF8.self), String(decoding: bytes[cut...], as: UTF8.self))
  }

  /// The bytes, cut anywhere, mean the same.
  @Test func howItIsCutMakesNoDifference() {
    let chunked =
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: a\r\n\r\n"
      + "2;x=y\r\nok\r\n0\r\na: b\r\n\r\n"
    for cut in 1..<chunked.utf8.count {
      let (one, other) = halves(chunked, cut)
      #expect(standing([(">", Self.get), ("<", one)]) == (.underway, ""))
      #expect(standing([(">", Self.get), ("<", one), ("<", other)]) == (.between, ""))
    }
    let request =
      "POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\na: b\r\n\r\n"
    for cut in 1..<request.utf8.count {
      let (one, other) = halves(request, cut)
      #expect(standing([(">", one), (">", other)]) == (.underway, ""))
      #expect(standing([(">", one), (">", other), ("<", Self.answer)]) == (.between, ""))
    }
  }

  @Test func whoIsToldToGoOnIsFollowed() {
    let head = "POST / HTTP/1.1\r\nHost: s\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    let goOn = "HTTP/1.1 100 Continue\r\n\r\n"
    #expect(standing([(">", head), ("<", goOn)]) == (.underway, ""))
    #expect(standing([(">", head), ("<", goOn), (">", "hi"), ("<", Self.answer)]) == (.between, ""))
    #expect(
      standing([(">", head), ("<", String(goOn.prefix(9))), (">", "hi"), ("<", String(goOn.dropFirst(9)))])
        == (.underway, ""))
    // Whether the rest of the body comes is for the client to say.
    #expect(standing([(">", head), ("<", Self.answer)]) == (.lost, ""))
    #expect(standing([(">", head), ("<", goOn), ("<", Self.answer)]) == (.lost, ""))
  }

  @Test func theLastAnswerIsTheEnd() {
    let closing = "GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"
    let closed = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    for steps in [
      [(">", closing), ("<", Self.answer)], [(">", "GET / HTTP/1.0\r\n\r\n"), ("<", Self.answer)],
      [(">", Self.get), ("<", closed)],
    ] as [[(Character, String)]] {
      #expect(standing(steps) == (.over, ""))
      #expect(standing(steps + [("<", "x")]) == (.lost, ""))
      #expect(standing(steps + [(">", "x")]) == (.lost, ""))
    }
    var follower = H1Follower()
    follower.sent(Array(Self.get.utf8).span)
    follower.answered(Array("HTTP/1.1 200 OK\r\n".utf8).span)
    var endsByClose = follower.endsByClose
    #expect(!endsByClose)
    follower.answered(Array("\r\nx".utf8).span)
    endsByClose = follower.endsByClose
    let standing = follower.standing
    #expect(endsByClose && standing == .underway)
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
