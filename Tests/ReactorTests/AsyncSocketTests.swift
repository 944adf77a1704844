import Bytes
import MeshModel
import Testing

@testable import Reactor

@Suite struct AsyncSocketTests {
  let thread = try! ReactorThread(name: "test-reactor")

  @Test func echoesBetweenTasks() async throws {
    let listener = try AsyncSocket(.listener(on: SocketAddress(.loopback(.v4), 0)), on: thread)
    let address = try listener.localAddress()
    let server = Task(executorPreference: thread) {
      let connection = try await AsyncSocket(listener.accept().take(), on: listener.thread)
      while true {
        let bytes = try await connection.receive()
        if bytes.isEmpty { break }
        try await connection.send(bytes)
      }
      connection.close()
    }
    let client = try await AsyncSocket.connect(to: address, on: thread)
    let message = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    async let sending: Void = client.send(message)
    var echoed: [UInt8] = []
    while echoed.count < message.count { echoed += try await client.receive() }
    try await sending
    #expect(echoed == message)
    client.shutdownWrite()
    #expect(try await client.receive().isEmpty)
    try await server.value
  }

  @Test func refusedConnectThrows() async throws {
    let listener = try Socket.listener(on: SocketAddress(.loopback(.v6), 0))
    let address = try listener.localAddress()
    _ = consume listener
    await #expect(throws: SystemError.self) { _ = try await AsyncSocket.connect(to: address, on: thread) }
  }

  @Test func cancellationEndsAWait() async throws {
    let listener = try AsyncSocket(.listener(on: SocketAddress(.loopback(.v4), 0)), on: thread)
    let waiting = Task { try await listener.accept().take().descriptor }
    waiting.cancel()
    await #expect(throws: SystemError.cancelled) { try await waiting.value }
    let sleeping = Task { [thread] in try await thread.sleep(for: .seconds(3600)) }
    sleeping.cancel()
    await #expect(throws: SystemError.cancelled) { try await sleeping.value }
  }

  @Test func closeWakesAReader() async throws {
    let listener = try AsyncSocket(.listener(on: SocketAddress(.loopback(.v4), 0)), on: thread)
    let client = try await AsyncSocket.connect(to: listener.localAddress(), on: thread)
    let reading = Task { try await client.receive() }
    await Task.yield()
    client.close()
    let result = await reading.result
    if case .success(let bytes) = result { #expect(bytes.isEmpty) }
  }

  @Test func childProcessesReportTheirEnd() async throws {
    let good = try ChildProcess(
      .init(path: "/bin/sh", arguments: ["sh", "-c", "exit 7"], descriptors: [0, 1, 2]))
    #expect(try await good.exited(on: thread) == 7)
    let killed = try ChildProcess(
      .init(path: "/bin/sleep", arguments: ["sleep", "60"], descriptors: [0, 1, 2]))
    killed.signal(9)
    #expect(try await killed.exited(on: thread) == 137)
  }
}

@Suite struct ReadinessTests {
  let thread: ReactorThread

  init() throws { thread = try ReactorThread(name: "test-ready") }

  /// An event of an earlier arming, perhaps of another file under the same number, is nobody's: whoever waits
  /// now still does.
  @Test(.timeLimit(.minutes(1))) func aStaleEventLeavesThoseWhoWait() async throws {
    let listener = try AsyncSocket(.listener(on: SocketAddress(.loopback(.v4), 0)), on: thread)
    let descriptor = try listener.withSocket { (socket: borrowing Socket) in socket.descriptor }
    let waiting = Task { [thread] in try await thread.ready(descriptor, for: .readable) }
    while !thread.isWatched(descriptor) { await Task.yield() }
    let woken = thread.takeWaiters(UInt64(UInt32(bitPattern: descriptor)), .readable)
    #expect(woken.isEmpty)
    #expect(thread.isWatched(descriptor))
    let client = try await AsyncSocket.connect(to: listener.localAddress(), on: thread)
    #expect(try await waiting.value.contains(.readable))
    client.close()
  }

  @Test func severalTasksMayWaitForOneDescriptor() async throws {
    let listener = try AsyncSocket(.listener(on: SocketAddress(.loopback(.v4), 0)), on: thread)
    let client = try await AsyncSocket.connect(to: listener.localAddress(), on: thread)
    let server = try await AsyncSocket(listener.accept().take(), on: thread)
    let readers = (0..<3).map { _ in Task { try await server.receive(upTo: 1) } }
    let chunk = [UInt8](repeating: 1, count: 4 << 20)
    let writers = (0..<3).map { _ in Task { try await client.send(chunk) } }
    for reader in readers { #expect(try await reader.value == [1]) }
    var received = 3
    while received < 3 * chunk.count { received += try await server.receive(upTo: 1 << 20).count }
    for writer in writers { try await writer.value }
    #expect(received == 3 * chunk.count)
  }
}
