import Bytes
import Glibc
import MeshModel
import Testing

@testable import Proxying
@testable import Reactor

/// What slow and dead applications may not do to others.
@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct PressureTests {
  /// Applications that do not read fill the worker's share of memory; one that does read, through another
  /// tunnel, is served all the same.
  @Test func slowApplicationsDoNotStopTheOthers() async throws {
    let pods = try await TwoPods()
    // What the kernel would hold for applications that do not read is not what is meant here.
    try pods.application.withSocket { (socket: borrowing Socket) throws(SystemError) in
      try socket.set(SOL_SOCKET, SO_RCVBUF, 65_536, "setsockopt(SO_RCVBUF)")
    }
    var held: [AsyncSocket] = []
    var senders: [Task<Void, Never>] = []
    for _ in 0..<40 {
      let client = try await pods.dial()
      senders.append(
        Task {
          let chunk = [UInt8](repeating: 1, count: 1 << 20)
          while !Task.isCancelled, (try? await client.send(chunk)) != nil {}
        })
      held.append(client)
      held.append(try await pods.accept().connection)
    }
    var backlog = 0
    for _ in 0..<1000 where backlog < Limits.workerBacklog {
      try await pods.thread.sleep(for: .milliseconds(10))
      backlog = await pods.serverWorker.report().backlogBytes
    }
    #expect(backlog >= Limits.workerBacklog)

    try await pods.enroll("other", "a", pods.clientIdentity, pods.otherAddress, on: pods.clientWorker)
    let client = try await pods.dial(from: pods.otherAddress)
    let (server, _) = try await pods.accept()
    let size = 40 << 20
    let sending = Task {
      let chunk = [UInt8](repeating: 7, count: 1 << 20)
      for _ in 0..<(size >> 20) { guard (try? await client.send(chunk)) != nil else { return } }
      client.shutdownWrite()
    }
    // A stalled transfer is ended, so that the test fails and does not hang.
    let watchdog = Task {
      try await pods.thread.sleep(for: .seconds(20))
      client.abort()
      server.abort()
    }
    var received = 0
    while let bytes = try? await server.receive(upTo: 1 << 20), !bytes.isEmpty { received += bytes.count }
    watchdog.cancel()
    #expect(received == size)
    for sender in senders { sender.cancel() }
    for socket in held { socket.abort() }
    await sending.value
    for _ in 0..<500 where backlog > 0 {
      try await pods.thread.sleep(for: .milliseconds(10))
      backlog = await pods.serverWorker.report().backlogBytes
    }
    #expect(backlog == 0)
  }

  /// A tunnel full of bulk takes turns with the others of its worker.
  @Test func bulkTakesTurnsWithSmallRequests() async throws {
    let pods = try await TwoPods()
    try await pods.enroll("other", "a", pods.clientIdentity, pods.otherAddress, on: pods.clientWorker)
    var bulk: [Task<Void, Never>] = []
    for _ in 0..<8 {
      let client = try await pods.dial()
      let (server, _) = try await pods.accept()
      bulk.append(
        Task {
          let chunk = [UInt8](repeating: 1, count: 1 << 20)
          while !Task.isCancelled, (try? await client.send(chunk)) != nil {}
          client.abort()
        })
      bulk.append(
        Task { while let bytes = try? await server.receive(upTo: 1 << 20), !bytes.isEmpty {} })
    }
    let client = try await pods.dial(from: pods.otherAddress)
    let (server, _) = try await pods.accept()
    for number in 0..<200 {
      let message = [UInt8(truncatingIfNeeded: number)]
      try await client.send(message)
      #expect(try await server.receive() == message)
      try await server.send(message)
      #expect(try await client.receive() == message)
    }
    for task in bulk { task.cancel() }
    for task in bulk { await task.value }
    let largest = await pods.clientWorker.report().largestFlush
    #expect(largest > 0)
    #expect(largest <= Limits.flushQuantum + Limits.tunnelBacklog + 2 * Limits.staging)
  }

  /// A socket that is over in both directions is reported for ever; while its bytes wait for a shut window,
  /// the worker must sleep.
  @Test func aFinishedApplicationBehindAShutWindowCostsNothing() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    client.shutdownWrite()
    let (server, _) = try await pods.accept()
    #expect(try await server.receive().isEmpty)
    let sending = Task {
      for _ in 0..<24 { try await server.send([UInt8](repeating: 7, count: 1 << 20)) }
      server.shutdownWrite()
    }
    var received = 0
    var busiest: UInt64 = 0
    while true {
      // The client reads a little now and then; between, everything stands still.
      try await pods.thread.sleep(for: .milliseconds(30))
      let before = await pods.serverWorker.report().ticks
      try await pods.thread.sleep(for: .milliseconds(20))
      busiest = max(busiest, await pods.serverWorker.report().ticks - before)
      var step = 0
      while step < 1 << 20 {
        let bytes = try await client.receive(upTo: 1 << 20)
        if bytes.isEmpty { break }
        step += bytes.count
      }
      received += step
      if step < 1 << 20 { break }
    }
    try await sending.value
    #expect(received == 24 << 20)
    #expect(busiest < 1000)
  }
}
