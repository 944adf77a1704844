import Testing

@testable import HTTPModel

@Suite("Heads between HTTP/1.1 and HTTP/2") struct HTTP2HeadTests {
  /// `name: value` in lines; a name may begin with a colon.
  private static func section(_ text: String) -> [Field] {
    text.split(separator: "\n").map { line in
      let colon = line.dropFirst().firstIndex(of: ":") ?? line.endIndex
      return Field(String(line[..<colon]), String(line[colon...].dropFirst()))
    }
  }

  private static let get = ":method:GET\n:scheme:https\n:authority:a:1\n:path:/p?q\n"

  @Test("a request there and back")
  func request() throws {
    let head = try RequestHead(http2: Self.section(Self.get + "x:y\ncookie:a=1\nte:trailers\nz:\ncookie:b=2"))
    let fields = [Field("x", "y"), Field("cookie", "a=1; b=2"), Field("te", "trailers"), Field("z", "")]
    #expect(
      head == RequestHead(method: "GET", scheme: "https", authority: "a:1", path: "/p?q", fields: fields))
    #expect(try RequestHead(http2: head.http2Fields(scheme: "http")).fields.count == 4)
    #expect(head.http2Fields(scheme: "http").prefix(4) == Self.section(Self.get)[...].sorted(by: order)[...])
  }

  private func order(_ left: Field, _ right: Field) -> Bool {
    let names = [":method", ":scheme", ":path", ":authority"]
    return (names.firstIndex(of: left.name) ?? 9) < (names.firstIndex(of: right.name) ?? 9)
  }

  @Test("fields of the hop before do not reach HTTP/2")
  func fromHTTP1() {
    let head = RequestHead(
      method: "POST", authority: "a", path: "/",
      fields: [Field("connection", "x-hop"), Field("x-hop", "1"), Field("upgrade", "h2c"), Field("b", "c")])
    #expect(
      head.http2Fields(scheme: "http")
        == Self.section(
          ":method:POST\n:scheme:http\n:path:/\n:authority:a\nb:c"))
    let answer = ResponseHead(status: 200, fields: [Field("keep-alive", "x"), Field("b", "c")])
    #expect(answer.http2Fields == Self.section(":status:200\nb:c"))
  }

  @Test("host stands in for :authority, and CONNECT has neither scheme nor path")
  func variants() throws {
    let host = try RequestHead(http2: Self.section(":method:GET\n:scheme:http\n:path:/\nhost:a"))
    #expect(host.authority == "a" && host.fields.isEmpty)
    let same = try RequestHead(
      http2: Self.section(":method:GET\n:scheme:http\n:path:/\n:authority:A\nhost:a"))
    #expect(same.authority == "A")
    let connect = try RequestHead(http2: Self.section(":method:CONNECT\n:authority:a:1"))
    #expect(connect == RequestHead(method: "CONNECT", authority: "a:1", path: ""))
    #expect(connect.http2Fields(scheme: "http") == Self.section(":method:CONNECT\n:authority:a:1"))
    let socket = ":method:CONNECT\n:scheme:https\n:path:/chat\n:authority:a\n:protocol:websocket"
    let extended = try RequestHead(http2: Self.section(socket))
    #expect(extended.connectProtocol == "websocket" && extended.path == "/chat")
    #expect(extended.http2Fields(scheme: "http") == Self.section(socket))
  }

  @Test(
    "malformed requests",
    arguments: [
      ":scheme:http\n:path:/\n:authority:a", ":method:GET\n:path:/\n:authority:a",
      ":method:GET\n:scheme:http\n:authority:a", ":method:GET\n:scheme:http\n:path:/",
      ":method:G T\n:scheme:http\n:path:/\n:authority:a", get + "connection:close", get + "keep-alive:x",
      get + "proxy-connection:x", get + "transfer-encoding:chunked", get + "upgrade:h2c", get + "te:gzip",
      get + "X:y", get + "x y:z", get + ":path:/", get + "x:y\n:extra:z", get + ":status:200", get + "host:b",
      get + "host:a:1\nhost:a:1", get + "x: y", get + "x:y ", get + "x:a\rb",
      get + "content-length:1\ncontent-length:1", get + ":protocol:websocket",
      ":method:GET\n:scheme:http\n:path:p\n:authority:a", ":method:GET\n:scheme:http\n:path:*\n:authority:a",
      ":method:GET\n:scheme:http\n:path:/a#b\n:authority:a",
      ":method:GET\n:scheme:http\n:path:/a b\n:authority:a",
      ":method:GET\n:scheme:http\n:path:/\n:authority:u@a",
      "x:y\n:method:GET\n:scheme:http\n:path:/\n:authority:a",
      ":method:CONNECT\n:authority:a", ":method:CONNECT\n:authority:a:1\n:path:/", ":method:CONNECT",
    ])
  func malformed(text: String) {
    #expect(throws: HeadError.self) { try RequestHead(http2: Self.section(text)) }
  }

  @Test func responses() throws {
    #expect(try ResponseHead(http2: Self.section(":status:204\na:b")).fields == [Field("a", "b")])
    for text in [":status:20", ":status:+20", ":status:101", "a:b", ":status:200\n:path:/", ":status:099"] {
      #expect(throws: HeadError.self, "\(text)") { try ResponseHead(http2: Self.section(text)) }
    }
    #expect(try [Field].trailers(http2: Self.section("grpc-status:0")) == [Field("grpc-status", "0")])
    #expect(throws: HeadError.self) { try [Field].trailers(http2: Self.section(":status:200")) }
    #expect(try BodySize.of(http2: Self.section("content-length:5"), endStream: false) == .exactly(5))
    #expect(try BodySize.of(http2: [], endStream: false) == .streamed)
    #expect(try BodySize.of(http2: [], endStream: true) == .none)
    #expect(throws: HeadError.self) {
      try BodySize.of(http2: Self.section("content-length:+5"), endStream: false)
    }
  }
}
