import Bytes
import HTTPExchange
import MeshModel

// What a client may keep waiting, and for how long. Nothing is done for a byte but to note the time of the
// batch in which it came; everything else is found out when a time has passed.
extension Downstream: Timed {
  /// After something has happened.
  func watch() {
    guard !isGone, let due else { return }
    arm(due.when)
  }

  /// What will be done with the connection, and when, if nothing else happens.
  private var due: (when: Instant, end: ConnectionEnd)? {
    if let connection {
      return patience.look(
        at: connection, isBusy: !exchanges.isEmpty || !leaving.isEmpty, lastWritten: lastWritten,
        now: proxy.now)
    }
    // On a port that declares HTTP: which one is not known yet.
    guard let relay else { return ((firstByte ?? lastWritten) + limits.headTimeout, .slowHead) }
    guard relay.isTentative else { return nil }
    if let firstByte { return (firstByte + limits.headTimeout, .slowHead) }
    return relay.isOver ? (lastWritten + limits.idleTimeout, .idle) : nil
  }

  /// Looks at that time at the latest. An alarm that comes too early costs nothing but the look.
  func arm(_ when: Instant) {
    if let alarm {
      guard when < alarm.when else { return }
      proxy.cancel(alarm.token)
    }
    alarm = (when, proxy.wake(self, at: when))
  }

  func deadlinePassed(_ token: UInt64) {
    alarm = nil
    let now = proxy.now
    for exchange in Array(exchanges.values) {
      guard let due = exchange.due(lastWritten: lastWritten) else { continue }
      if due.when <= now { exchange.giveUp(due.end) } else { arm(due.when) }
      guard !isGone else { return }
    }
    endUntaken(now)
    guard !isGone else { return }
    if let due, due.when <= now { carryOut(due.end) }
    guard !isGone else { return }
    // Who waits for the endpoint now may have to wait for the client later.
    if !exchanges.isEmpty || !leaving.isEmpty { arm(now + limits.stallTimeout) }
    watch()
  }

  /// Responses that were given whole, and have their records; only the client's connection keeps them.
  private func endUntaken(_ now: Instant) {
    for (id, since) in leaving {
      guard let connection, connection.isLeaving(id) else {
        leaving[id] = nil
        continue
      }
      let taken = connection.version == .http1 ? max(since, lastWritten) : since
      guard taken + limits.stallTimeout <= now else {
        arm(taken + limits.stallTimeout)
        continue
      }
      leaving[id] = nil
      proxy.counters.requestsEnded[.unreadResponse, default: 0] += 1
      guard connection.version == .http2 else { return close(.unreadResponse) }
      connection.reset(id)
    }
    if connection?.version == .http2 { afterReceiving() }
  }

  private func carryOut(_ end: ConnectionEnd) {
    // It has not even said which HTTP: the answer is one that anybody can read.
    if connection == nil, relay == nil { begin(.http1) }
    guard let connection else { return endUndecided(end) }
    switch end {
    case .slowHead:
      connection.end(end, "the head of a request did not come within \(limits.headTimeout.words)")
    case .idle: connection.end(end, "no request for \(limits.idleTimeout.words)")
    case .slowBody where connection.version == .http2:
      connection.end(end, "no byte of a request's body for \(limits.stallTimeout.words)")
    default: return close(end)
    }
    count(end)
    afterReceiving()
  }

  /// It never said what it speaks.
  private func endUndecided(_ end: ConnectionEnd) {
    relay?.giveUp()
    relay?.leaveRecord(.failed("what the client speaks was not clear within \(limits.headTimeout.words)"))
    close(end)
  }

  func endForMemory() {
    connection?.end(.memory, "too much waited on this worker, and most of it for this connection")
    relay?.giveUp()
    relay?.leaveRecord(.failed("too much waited on this worker, and most of it for this connection"))
    close(.memory)
  }

  /// Ends the client's connection so that nobody takes what there is for whole.
  func close(_ end: ConnectionEnd) {
    count(end)
    close(isClean: false)
  }

  /// The first reason is that for which a connection counts.
  func count(_ end: ConnectionEnd) {
    guard !hasCounted else { return }
    hasCounted = true
    proxy.counters.connectionsEnded[end, default: 0] += 1
  }
}

extension Interval {
  /// For a record: seconds where they are whole.
  var words: String { milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000) s" : "\(milliseconds) ms" }
}
