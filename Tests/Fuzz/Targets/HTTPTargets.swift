import Bytes
import H1Engine
import HTTPModel

extension FuzzTarget {
  /// HTTP/1.x both ways, what we write read again, and heads between HTTP/1.x and HTTP/2.
  static let http: [FuzzTarget] = [
    FuzzTarget("http1-request") { bytes in
      let whole = requests([bytes])
      precondition(requests(bytes.map { [$0] }) == whole, "how the bytes were cut made a difference")
      precondition(requests(pieces(of: bytes)) == whole, "how the bytes were cut made a difference")
      for request in whole.messages { rewrite(request) }
    },
    FuzzTarget("http1-response") { bytes in
      for method in ["GET", "HEAD", "CONNECT"] {
        let whole = response([bytes], to: method)
        precondition(response(bytes.map { [$0] }, to: method) == whole, "how the bytes were cut mattered")
        precondition(response(pieces(of: bytes), to: method) == whole, "how the bytes were cut mattered")
      }
    },
    FuzzTarget("http1-follower") { bytes in
      // The first byte of each line says who speaks; how its bytes are cut makes no difference.
      let steps = bytes.split(separator: 0xff).map { ($0.first.map { $0 & 1 == 0 } ?? true, $0.dropFirst()) }
      var whole = H1Follower()
      var cut = H1Follower()
      for (isSent, said) in steps {
        follow(&whole, isSent, Array(said))
        for byte in said { follow(&cut, isSent, [byte]) }
        precondition(whole.standing == cut.standing, "how the bytes were cut made a difference")
        precondition(kept(whole) == kept(cut), "how the bytes were cut made a difference")
        precondition(whole.standing == .repeatable || kept(whole).isEmpty, "kept for nothing")
        precondition(kept(whole).count <= H1Follower.keptLimit, "more is kept than the limit")
      }
    },
    FuzzTarget("http2-heads") { bytes in
      let fields = fields(of: bytes)
      _ = try? ResponseHead(http2: fields)
      _ = try? [Field].trailers(http2: fields)
      guard let head = try? RequestHead(http2: fields) else { return }
      let again = try? RequestHead(http2: head.http2Fields(scheme: "http"))
      precondition(again.map(inOrder) == inOrder(head), "written for HTTP/2, the head became another")
      guard head.connectProtocol == nil else { return }
      rewrite(Message(head: head, body: .none, bytes: [], trailers: []))
    },
  ]

  private static func follow(_ follower: inout H1Follower, _ isSent: Bool, _ bytes: [UInt8]) {
    if isSent { follower.sent(bytes.span) } else { follower.answered(bytes.span) }
  }

  private static func kept(_ follower: borrowing H1Follower) -> [UInt8] {
    var kept: [UInt8] = []
    follower.withKept { span in for index in span.indices { kept.append(span[index]) } }
    return kept
  }

  struct Message: Hashable {
    var head: RequestHead
    var body: BodySize
    var bytes: [UInt8]
    var trailers: [Field]
  }

  struct Requests: Hashable {
    var messages: [Message] = []
    var started: [H1Request] = []
    var refusal: H1Error?
  }

  /// TE goes to the end when the fields of one hop are taken away.
  private static func inOrder(_ head: RequestHead) -> RequestHead {
    var head = head
    head.fields = head.fields.filter { $0.name != "te" } + head.fields.filter { $0.name == "te" }.prefix(1)
    return head
  }

  /// The requests of a connection whose every request is answered when it has ended.
  static func requests(_ pieces: [[UInt8]]) -> Requests {
    var server = H1Server()
    var said = Requests()
    var trailers: [Field] = []
    var body: [UInt8] = []
    for piece in pieces {
      var rest = piece
      while !rest.isEmpty, !server.isOver {
        var events: [H1Event] = []
        var taken = rest.count
        do throws(H1Error) { taken = try server.receive(rest.span, into: &events) } catch {
          said.refusal = error
        }
        for event in events {
          switch event {
          case .request(let request): said.started.append(request)
          case .body(let range): body += rest[range]
          case .trailers(let fields): trailers = fields
          case .response: preconditionFailure("a response of a client")
          case .end:
            guard let request = said.started.last else { preconditionFailure("an end without a beginning") }
            said.messages.append(
              Message(head: request.head, body: request.body, bytes: body, trailers: trailers))
            (body, trailers) = ([], [])
          }
        }
        guard said.refusal == nil else { return said }
        if events.last == .end { answer(&server) }
        rest.removeFirst(taken)
      }
    }
    return said
  }

  private static func answer(_ server: inout H1Server) {
    var out = ByteQueue()
    do throws(H1Error) {
      try server.respond(ResponseHead(status: 400), body: .none, into: &out)
      try server.end(into: &out)
    } catch {
      preconditionFailure("an answer that may not be sent: \(error)")
    }
  }

  /// Passes a request on as a proxy does: what the next hop reads must be the same request.
  private static func rewrite(_ message: Message) {
    var head = message.head
    head.fields = HopByHop.removed(from: head.fields)
    var client = H1Client()
    var out = ByteQueue()
    do throws(H1Error) {
      try client.request(head, body: message.body, into: &out)
      try client.send(message.bytes.span, into: &out)
      try client.end(trailers: message.trailers, into: &out)
    } catch {
      preconditionFailure("read, but not to be written: \(error)")
    }
    let again = requests([out.takeAll()])
    guard again.refusal == nil, again.messages.count == 1, let copy = again.messages.first else {
      preconditionFailure("written, but not read as one: \(String(describing: again.refusal))")
    }
    let isOurs = { (field: Field) in
      ["content-length", "transfer-encoding", "connection"].contains(field.name)
    }
    head.fields.removeAll(where: isOurs)
    var copied = copy.head
    copied.fields.removeAll(where: isOurs)
    precondition(inOrder(copied).fields == inOrder(head).fields, "other fields")
    precondition(copied.method == head.method && copied.path == head.path, "another request")
    precondition((copied.authority ?? "") == (head.authority ?? ""), "another server")
    precondition(copy.bytes == message.bytes && copy.body == message.body, "another body")
    let kept = HopByHop.removed(from: message.trailers).filter { $0.name != "te" }
    precondition(HopByHop.removed(from: copy.trailers).filter { $0.name != "te" } == kept, "other trailers")
  }

  /// What a client understands of the answer to a request, in a form that does not show the cuts.
  private static func response(_ pieces: [[UInt8]], to method: String) -> [String] {
    var client = H1Client()
    var out = ByteQueue()
    let head = RequestHead(method: method, authority: "a:1", path: method == "CONNECT" ? "" : "/")
    var said: [String] = []
    var body: [UInt8] = []
    do throws(H1Error) {
      try client.request(head, body: .none, upgrade: method == "GET" ? "x" : nil, into: &out)
      try client.end(into: &out)
    } catch {
      preconditionFailure("our own request: \(error)")
    }
    for (index, piece) in (pieces + [[]]).enumerated() {
      var events: [H1Event] = []
      var refusal: H1Error?
      do throws(H1Error) {
        if index < pieces.count {
          try client.receive(piece.span, into: &events)
        } else {
          try client.finish(into: &events)
        }
      } catch {
        refusal = error
      }
      for event in events {
        switch event {
        case .body(let range): body += piece[range]
        case .end: said.append("end after \(body)")
        default: said.append("\(event)")
        }
      }
      if let refusal { return said + ["\(refusal)", "\(body)"] }
    }
    return said
  }
}
