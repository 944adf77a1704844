import Bytes
import Glibc
import MeshModel
import Reactor
import Testing

@testable import Proxying

@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct JudgementTests {
  /// Only connections whose own policies changed are judged again, however much else changes.
  @Test func whatDoesNotConcernAConnectionDoesNotVisitIt() async throws {
    let pods = try await TwoPods()
    var clients: [AsyncSocket] = []
    var servers: [AsyncSocket] = []
    for _ in 0..<20 {
      clients.append(try await pods.dial())
      servers.append(try await pods.accept().connection)
    }
    for number in 0..<50 {
      let elsewhere = Authorization(
        name: "p\(number)", namespace: "elsewhere", scope: .namespace, action: .allow, rules: [])
      pods.publish(endpoints: [pods.serverAddress], policies: [elsewhere])
    }
    #expect(await pods.serverWorker.report().judgements == 0)
    let nobody = Authorization(name: "nobody", namespace: "b", scope: .namespace, action: .allow, rules: [])
    pods.publish(endpoints: [pods.serverAddress], policies: [nobody])
    for client in clients { await #expect(throws: SystemError.self) { _ = try await client.receive() } }
    #expect(await pods.serverWorker.report().judgements == 20)
    for server in servers { server.close() }
  }

  /// Policy that arrives while the application has not yet accepted counts for the connection too.
  @Test func aDenialReachesConnectionsThatAreBeingDialed() async throws {
    let pods = try await TwoPods()
    // An application whose queue is full: the next SYN waits.
    let busy = try AsyncSocket(
      .listener(on: SocketAddress(pods.serverAddress, 0), backlog: 0), on: pods.thread)
    let port = try busy.localAddress().port
    let filler = try await AsyncSocket.connect(to: SocketAddress(pods.serverAddress, port), on: pods.thread)
    pods.publish(endpoints: [pods.serverAddress], port: port)

    let client = try await pods.dial()
    try await client.send([1])
    while await pods.serverWorker.report().connections == 0 {
      try await pods.thread.sleep(for: .milliseconds(5))
    }
    var match = Authorization.Match()
    match.principals = [.exact(pods.clientIdentity.principal)]
    let deny = Authorization(
      name: "no-clients", namespace: "b", scope: .namespace, action: .deny,
      rules: [.init(clauses: [.init(matches: [match])])])
    pods.publish(endpoints: [pods.serverAddress], policies: [deny], port: port)
    let serving = Task {
      var accepted: [AsyncSocket] = []
      while let next = try? await busy.accept() {
        guard let connection = try? AsyncSocket(next.take(), on: pods.thread) else { return }
        try? await connection.send([9])
        accepted.append(connection)
      }
    }
    await #expect(throws: SystemError.self) { _ = try await client.receive() }
    let record = try await pods.record { $0.direction == .outbound }
    guard case .refused(.policy("b/no-clients"), peer: true) = record.outcome else {
      Issue.record("\(record.outcome)")
      return
    }
    filler.close()
    serving.cancel()
    busy.close()
  }
}
