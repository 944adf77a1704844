import Bytes
import HTTPExchange
import HTTPModel
import HTTPRouting
import MeshIndex
import MeshModel
import Resilience
import Tokens

extension RequestExchange {
  /// Copies of the request whose answers nobody waits for; begun with the request, fed with its body.
  func mirror(_ forwarding: Forwarding) {
    guard let asked else { return }
    shadows = forwarding.mirrors.compactMap { Shadow($0, request, asked: asked, downstream) }
    for shadow in shadows { shadow.start() }
  }
}

/// One copy of a request. Whatever comes of it never reaches the client.
final class Shadow: UpstreamUser {
  private let mirroring: HTTPRouting.Mirroring
  private let request: IncomingRequest
  private let asked: RequestHead
  private var admission: TokenAdmission?
  private let downstream: Downstream
  private var lease: Lease?
  private var upstream: Upstream?
  private var id: ExchangeID?
  private var body: [UInt8] = []
  private var trailers: [Field]?
  private var isOver = false

  /// Of a body that may wait for the shadow; a longer one ends the copy.
  private static let maximumBody = 1 << 20

  init?(
    _ mirroring: HTTPRouting.Mirroring, _ request: IncomingRequest, asked: RequestHead,
    _ downstream: Downstream
  ) {
    guard request.upgrade == nil, request.head.method != "CONNECT" else { return nil }
    self.mirroring = mirroring
    self.request = request
    self.asked = asked
    self.downstream = downstream
  }

  func start() {
    let proxy = downstream.proxy
    let key = DestinationKey(service: mirroring.service, port: mirroring.port, subset: mirroring.subset)
    guard let destination = proxy.destination(key, downstream.tables),
      let picked = destination.balancer.pick(now: proxy.now, using: &proxy.random),
      let endpoint = destination.endpoint(picked.endpoint.id)
    else { return end(nil) }
    lease = consume picked
    do throws(Denial) {
      admission = try proxy.admission(
        of: asked, from: downstream.origin, at: endpoint, downstream.tables)
    } catch {
      return end(nil)
    }
    guard let way = proxy.way(to: endpoint),
      let found = try? proxy.pool(of: destination).connection(
        to: way, for: downstream.origin, downstream.upstreamVersion(destination.policy.pool))
    else { return end(nil) }
    upstream = found.upstream
    found.upstream.take(self)
  }

  func body(_ bytes: Span<UInt8>) {
    guard !isOver else { return }
    if let upstream, let id { return upstream.send(id, bytes) }
    guard body.count + bytes.count <= Self.maximumBody else { return end(nil) }
    for index in bytes.indices { body.append(bytes[index]) }
  }

  func requestEnded(_ trailers: [Field]) {
    self.trailers = trailers
    if let upstream, let id { upstream.end(id, trailers: trailers) }
  }

  /// The client broke its request off: a part of it must not be taken for the whole.
  func cut() { if trailers == nil { end(nil) } }

  private func end(_ observation: Observation?) {
    guard !isOver else { return }
    isOver = true
    if let lease = lease.take(), let observation {
      lease.finish(observation, now: downstream.proxy.now)
    }
    body = []
    let (upstream, id) = (upstream, id)
    self.upstream = nil
    self.id = nil
    upstream?.leave(self, id)
  }

  func opened(_ upstream: Upstream) {
    var head = mirroring.head
    admission?.apply(to: &head)
    guard let id = try? upstream.request(head, body: request.body, upgrade: nil, for: self) else {
      return end(nil)
    }
    self.id = id
    if !body.isEmpty { upstream.send(id, body.span) }
    body = []
    if let trailers { upstream.end(id, trailers: trailers) }
  }

  func informed(_ head: ResponseHead) {}
  func answered(_ response: IncomingResponse) { if response.isTunnel { end(nil) } }
  func received(_ bytes: Span<UInt8>) { if let id { upstream?.consumed(id, bytes.count) } }
  func sent(_ count: Int) {}

  func ended(trailers: [Field]) {
    id = nil
    end(nil)
  }

  func failed(_ failure: UpstreamFailure) {
    id = nil
    end(.failed)
  }
}
