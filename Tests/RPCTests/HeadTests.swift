import Bytes
import HTTPModel
import Testing

@testable import RPC

@Suite struct HeadTests {
  private static let path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"

  @Test func requestRoundTrips() throws {
    let head = RPCRequestHead(
      path: Self.path, authority: "control", bearerToken: "t.o-k", timeout: .seconds(5))
    #expect(head.fields.first("te") == "trailers")
    #expect(head.fields.first("content-type") == "application/grpc")
    #expect(try RPCRequestHead.read(head.fields).get() == head)
    let bare = RPCRequestHead(path: "/a/b", authority: "c")
    #expect(try RPCRequestHead.read(bare.fields).get() == bare)
  }

  private static func changed(_ name: String, _ value: String?) -> [Field] {
    RPCRequestHead(path: "/a/b", authority: "c").fields.filter { $0.name != name }
      + (value.map { [Field(name, $0)] } ?? [])
  }

  @Test(arguments: [
    (":method", "GET", "405"), (":method", nil, "405"), ("content-type", "text/html", "415"),
    ("content-type", "application/grpc-web", "415"), ("content-type", nil, "415"),
  ])
  func notGRPC(name: String, value: String?, status: String) {
    guard case .failure(let refusal) = RPCRequestHead.read(Self.changed(name, value)) else {
      Issue.record("accepted")
      return
    }
    #expect(refusal.fields == [Field(":status", status)])
  }

  @Test(arguments: [
    (":path", "/", RPCCode.unimplemented), (":path", "a/b", .unimplemented),
    (":path", "/a/b/c", .unimplemented),
    (":path", "/a/", .unimplemented), ("grpc-encoding", "gzip", .unimplemented),
    ("grpc-timeout", "5", .internal),
    ("grpc-timeout", "123456789S", .internal), ("grpc-timeout", "-1S", .internal),
    ("grpc-timeout", "5x", .internal),
  ])
  func badCalls(name: String, value: String, code: RPCCode) {
    guard case .failure(.status(let status)) = RPCRequestHead.read(Self.changed(name, value)) else {
      Issue.record("accepted")
      return
    }
    #expect(status.code == code)
    #expect(RPCRefusal.status(status).fields.first(":status") == "200")
  }

  @Test(arguments: [
    ("Bearer abc", "abc"), ("bearer abc", "abc"), ("Basic abc", nil), ("Bearer", nil), ("Bearer ", nil),
    ("Bearer a b", nil),
  ])
  func bearerTokens(value: String, token: String?) throws {
    #expect(try RPCRequestHead.read(Self.changed("authorization", value)).get().bearerToken == token)
  }

  @Test func twoAuthorizationsAreNone() throws {
    let fields = Self.changed("authorization", "Bearer a") + [Field("authorization", "Bearer b")]
    #expect(try RPCRequestHead.read(fields).get().bearerToken == nil)
  }

  @Test(arguments: [
    ("1n", 1 as UInt64), ("2u", 2_000), ("3m", 3_000_000), ("4S", 4_000_000_000), ("5M", 300_000_000_000),
    ("1H", 3_600_000_000_000), ("99999999H", 360_000_000_000_000_000),
  ])
  func timeouts(text: String, nanoseconds: UInt64) {
    #expect(RPCTimeout.decode(text)?.nanoseconds == nanoseconds)
  }

  @Test func longTimeoutsKeepEightDigits() {
    #expect(RPCTimeout.encode(.milliseconds(1)) == "1m")
    #expect(RPCTimeout.encode(Interval(nanoseconds: 0)) == "1m")
    #expect(RPCTimeout.encode(.seconds(200_000)) == "200000S")
  }
}
