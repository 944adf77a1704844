public import Bytes
import Foundation
import Manifests
import MeshModel
import Reactor

/// The control socket: what the other commands of `apus dev` ask the running mesh.
extension DevMesh {
  /// Commands served at a time.
  private static let maximumConnections = 64
  /// For a command to say what it wants.
  private static let requestTimeout = Interval.seconds(5)

  func startServing() throws {
    let listener = ControlListener(try SeqPacket.listen(on: paths.control))
    tasks.append(Task { await self.serve(listener) })
  }

  private func serve(_ listener: ControlListener) async {
    while !isClosing, !Task.isCancelled {
      do throws(SystemError) {
        if let packets = try listener.packets.accept() {
          guard connections < Self.maximumConnections else { continue }
          connections += 1
          let connection = ControlListener(packets)
          Task {
            await self.answer(connection)
            self.connections -= 1
          }
        } else {
          _ = try await thread.ready(listener.packets.descriptor, for: .readable)
        }
      } catch {
        guard error != .cancelled else { return }
        try? await thread.sleep(for: .milliseconds(100))
      }
    }
  }

  private func answer(_ connection: ControlListener) async {
    let waiting = Task { [thread] in
      while true {
        if let message = try connection.packets.receive(upTo: ControlWire.messageLimit) {
          return message.bytes
        }
        _ = try await thread.ready(connection.packets.descriptor, for: [.readable, .peerClosed])
      }
    }
    let timer = Task { [thread] in
      try await thread.sleep(for: Self.requestTimeout)
      waiting.cancel()
    }
    defer { timer.cancel() }
    guard let bytes = try? await waiting.value, !bytes.isEmpty else { return }
    let reply: DevReply
    if let request = try? JSONDecoder().decode(DevRequest.self, from: Data(bytes)) {
      reply = await self.reply(to: request)
    } else {
      reply = DevReply(error: "The request is not understood: is this the same version of apus?")
    }
    for part in ControlWire.parts(of: reply) {
      do throws(SystemError) {
        while try !connection.packets.send(part) {
          _ = try await thread.ready(connection.packets.descriptor, for: .writable)
        }
      } catch {
        return
      }
    }
  }

  private func reply(to request: DevRequest) async -> DevReply {
    switch request.action {
    case .list: return listing()
    case .wait:
      return await awaitReadiness(atMost: .seconds(max(0, min(request.timeout ?? 60, 3600))))
    case .agent:
      guard let target = request.target, let operation = request.operation else {
        return DevReply(error: "The node or the operation is missing.")
      }
      return DevReply(error: await operate(operation, on: target))
    case .control:
      guard let operation = request.control else { return DevReply(error: "The operation is missing.") }
      return DevReply(error: await operateControl(operation))
    case .find: return find(request.target ?? "", namespace: request.namespace)
    }
  }

  // MARK: Answers

  func listing() -> DevReply {
    DevReply(pods: pods.map(report(on:)), nodes: nodes.map(report(on:)), page: page?.url)
  }

  private func report(on node: DevNode) -> NodeReport {
    let state =
      node.agent.map { agent in
        agent.isHeld ? "held" : agent.process == nil ? "down" : agent.isReady ? "ready" : "starting"
      } ?? "none"
    return NodeReport(
      name: node.name,
      addresses: [AddressPlan.nodeV4(node.number).description, AddressPlan.nodeV6(node.number).description],
      agent: state, agentProcess: node.agent?.process?.pid, restarts: node.agent?.restarts ?? 0)
  }

  private func report(on pod: DevPod) -> PodReport {
    PodReport(
      namespace: pod.namespace, name: pod.name, node: "node-\(pod.node)",
      addresses: pod.addresses.map(\.description), state: pod.phase.rawValue, isReady: pod.isReady,
      restarts: pod.restarts, capturedBy: pod.isCaptured ? "node-\(pod.node)" : nil,
      reason: reason(of: pod), owner: pod.owner.kind == "Pod" ? nil : "\(pod.owner.kind)/\(pod.owner.name)",
      id: pod.id)
  }

  private func reason(of pod: DevPod) -> String? {
    if let reason = pod.reason { return reason }
    if pod.isCaptured {
      return nodes[pod.node - 1].agent?.process == nil ? "the agent is down: connections are refused" : nil
    }
    if !options.hasMesh { return "started with --no-mesh" }
    if pod.isEnrolled { return "waits for the agent" }
    return "not enrolled: no label istio.io/dataplane-mode=ambient"
  }

  /// Every pod that can be ready is, and every agent that is not held.
  public func awaitReadiness(atMost limit: Interval) async -> DevReply {
    let isDone = await wait(until: Clock.now() + limit) { self.unready.isEmpty }
    var reply = listing()
    if !isDone {
      reply.error = "Not ready after \(limit.milliseconds / 1000) s: \(unready.joined(separator: ", "))."
    }
    return reply
  }

  private var unready: [String] {
    guard let desired else { return ["the manifests"] }
    var names: [String] = []
    for node in nodes {
      if let agent = node.agent, !agent.isHeld, !agent.isReady { names.append(agent.name) }
    }
    for wanted in desired.mesh.wanted where !wanted.spec.usesHostNetwork {
      let owner = OwnerKey(kind: wanted.kind, namespace: wanted.namespace, name: wanted.name)
      let mine = pods.filter { $0.owner == owner && !$0.isStopping }
      if mine.count < wanted.replicas { names.append("\(wanted.kind) \(wanted.key)") }
    }
    for pod in pods where !pod.isReady && pod.phase != .paused {
      names.append("\(pod.title) (\(pod.phase.rawValue))")
    }
    return names
  }

  // MARK: Places

  /// A pod by its name, by `NAMESPACE/NAME` or by its Deployment; a node; or `fabric`.
  private func find(_ target: String, namespace: String?) -> DevReply {
    let parts = target.split(separator: "/", maxSplits: 1).map(String.init)
    let wantedNamespace = parts.count == 2 ? parts[0] : namespace
    guard let name = parts.last else { return DevReply(error: "Which pod?") }
    let inside = pods.filter { wantedNamespace == nil || $0.namespace == wantedNamespace }
    var found = inside.filter { $0.name == name }
    if found.isEmpty { found = inside.filter { $0.owner.name == name && !$0.isStopping } }
    guard let pod = found.first(where: \.isReady) ?? found.first else {
      if wantedNamespace == nil, let place = machinePlace(name) { return DevReply(place: place) }
      return DevReply(
        error: "There is no pod \(target)\(namespace.map { " in the namespace \($0)" } ?? ""); "
          + "`apus dev ps --name \(options.name)` lists them.")
    }
    let namespaces = Set(found.map(\.namespace))
    guard namespaces.count == 1 else {
      return DevReply(
        error: "\(name) is in several namespaces (\(namespaces.sorted().joined(separator: ", "))): say -n.")
    }
    let container = pod.programs.first?.container
    let environment =
      container.map { PodEnvironment.variables(of: $0, in: pod.facts) } ?? PodEnvironment.common(pod.facts)
    let entry = self.entry(pod, directory: container?.workingDir)
    return DevReply(
      place: PodPlace(
        network: entry.network, cgroup: entry.cgroup, hosts: entry.hosts, resolver: entry.resolver,
        hostname: pod.name, directory: entry.directory,
        environment: environment.map { "\($0.key)=\($0.value)" }.sorted(),
        logs: pod.programs.map { paths.log(pod.id, container: $0.container.name) }))
  }

  private func machinePlace(_ name: String) -> PodPlace? {
    let network: String
    let group: ControlGroup
    if let node = nodes.first(where: { $0.name == name }) {
      network = options.name.nodeNamespace(node.number)
      // Not below the node's own group, where connections are captured.
      group = cgroup.child("visitors")
    } else if name == "fabric" {
      network = options.name.fabricNamespace
      group = cgroup.child("visitors")
    } else {
      return nil
    }
    try? group.create()
    return PodPlace(
      network: Fabric.path(network), cgroup: group.path, hosts: nil, resolver: nil, hostname: "",
      directory: options.directory, environment: PodEnvironment.inherited.map { "\($0.key)=\($0.value)" },
      logs: [])
  }
}

/// A socket of the control protocol, shared by the tasks that use it.
final class ControlListener: Sendable {
  let packets: SeqPacket

  init(_ packets: consuming SeqPacket) { self.packets = packets }
}
