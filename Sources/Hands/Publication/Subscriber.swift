import Logging
import MeshAPI
import RPC
import SwiftProtobuf
import Synchronization
import Transport

/// One open stream: one task takes requests, one sends what is due. What they share is the mind.
final class Subscriber: Sendable {
  let node: String
  /// Kept to ask again whether it is valid; never logged.
  let token: String
  let bell = Bell()
  private let stream: RPCStream
  private let publisher: Publisher
  private let log: Logger
  private let state = Mutex(State())

  private struct State {
    var mind = PublicationMind()
    var isOver = false
    /// The last generation that it was known to hold; 0 before it held any.
    var held: UInt64 = 0
  }

  /// The longest reason of a refusal that is logged, in characters.
  private static let maximumReason = 1_024

  init(
    _ stream: RPCStream, node: String, token: String, peer: String, of publisher: Publisher, log: Logger
  ) {
    self.stream = stream
    self.node = node
    self.token = token
    self.publisher = publisher
    var log = log
    log[metadataKey: "node"] = "\(node)"
    log[metadataKey: "peer"] = "\(peer)"
    self.log = log
  }

  /// Waypoints are called by their account, nodes by their name.
  var isWaypoint: Bool { node.contains("/") }

  /// Until the subscriber leaves, breaks the protocol or is ended.
  func serve() async throws(RPCStatus) {
    log.info("subscriber connected")
    async let pushing: Void = push()
    let failure = await pull()
    state.withLock { $0.isOver = true }
    bell.ring()
    await pushing
    log.info("subscriber left", metadata: failure.map { ["reason": "\($0.message)"] })
    if let failure { throw failure }
  }

  /// Ends the stream from our side.
  func end(_ reason: String) {
    log.warning("subscriber is sent away", metadata: ["reason": "\(reason)"])
    Task { await stream.cancel() }
  }

  /// True when everything was sent and answered.
  func holds(_ catalog: Catalog) -> Bool { state.withLock { $0.mind.isCurrent(catalog) } }

  // MARK: Requests

  /// Takes requests; returns why they ended, nil for an orderly end.
  private func pull() async -> RPCStatus? {
    do throws(RPCStatus) {
      while let bytes = try await stream.receive() {
        try take(bytes)
        bell.ring()
      }
      return nil
    } catch {
      return error
    }
  }

  private func take(_ bytes: [UInt8]) throws(RPCStatus) {
    guard let request = try? Envoy_Service_Discovery_V3_DeltaDiscoveryRequest(serializedBytes: bytes) else {
      throw RPCStatus(.invalidArgument, "not a DeltaDiscoveryRequest")
    }
    let answer: Answer
    do throws(SubscriberFault) {
      answer = try state.withLock { (state) throws(SubscriberFault) in try state.mind.receive(request) }
    } catch {
      switch error {
      case .tooManyTypes:
        throw RPCStatus(.resourceExhausted, "more than \(PublicationMind.maximumTypes) resource types")
      case .tooManyNames:
        throw RPCStatus(.resourceExhausted, "more than \(PublicationMind.maximumNames) names of one type")
      }
    }
    switch answer {
    case .none: break
    case .accepted(let typeURL):
      log.debug("accepted", metadata: ["type": "\(typeURL)"])
    case .rejected(let typeURL, let reason):
      publisher.countRejection(typeURL)
      log.warning(
        "a subscriber refuses what was sent",
        metadata: ["type": "\(typeURL)", "reason": "\(reason.prefix(Self.maximumReason))"])
    }
  }

  // MARK: Responses

  /// Sends what is due, always of the newest catalog, until the stream is over.
  private func push() async {
    while true {
      let catalog = publisher.catalog
      let (isOver, response, converged) = state.withLock { state in
        let response = state.isOver ? nil : catalog.flatMap { state.mind.next($0) }
        let holds = response == nil && !state.isOver && !state.mind.awaitsAnswer && state.mind.isSubscribed
        let last = state.held
        if holds, let catalog { state.held = catalog.generation }
        // The first time tells when it came, not how long we took.
        return (state.isOver, response, last > 0 && state.held > last ? state.held : nil)
      }
      if let converged { publisher.countConverged(converged) }
      guard !isOver else { return }
      guard let response else {
        await bell.rung()
        continue
      }
      do {
        let bytes: [UInt8] = try response.serializedBytes()
        publisher.countResponse(response.typeURL, bytes: bytes.count)
        log.debug(
          "sent",
          metadata: [
            "type": "\(response.typeURL)", "changed": "\(response.resources.count)",
            "removed": "\(response.removedResources.count)", "generation": "\(response.systemVersionInfo)",
          ])
        try await stream.send(bytes)
      } catch {
        // The other task learns the same from the stream, and says it.
        await stream.cancel()
        return
      }
    }
  }
}
