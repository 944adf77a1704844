import Bytes
import MeshModel
import Reactor

/// Starting and stopping parts of the mesh on request, to see what happens without them.
extension DevMesh {
  /// For a process to end, or to be ready.
  private static let operationTimeout = Interval.seconds(15)
  /// Of one attempt to find out whether the control plane serves.
  private static let probeTimeout = Interval.seconds(1)
  private static let reload: Int32 = 1  // SIGHUP

  /// What `apus dev agent` asks for. Returns when it is so, or with why it is not.
  func operate(_ operation: AgentOperation, on name: String) async -> String? {
    guard options.hasMesh else { return "This mesh runs without agents (--no-mesh)." }
    guard let node = nodes.first(where: { $0.name == name }), let agent = node.agent else {
      return "There is no node \(name): the nodes are node-1 to node-\(nodes.count)."
    }
    return await operate(operation, on: agent, log: paths.agentLog(node.number))
  }

  /// What `apus dev control` asks for.
  func operateControl(_ operation: ControlOperation) async -> String? {
    guard options.hasMesh else { return "This mesh runs without a control plane (--no-mesh)." }
    guard operation != .reload else {
      guard let process = control.process else { return "The control plane does not run." }
      process.signal(Self.reload)
      return nil
    }
    guard let same = AgentOperation(rawValue: operation.rawValue) else { return "That is no operation." }
    let watching = Task { await watchControl() }
    defer { watching.cancel() }
    return await operate(same, on: control, log: paths.controlLog)
  }

  private func operate(_ operation: AgentOperation, on one: Supervised, log: String) async -> String? {
    let former = one.process
    one.isHeld = operation == .stop || operation == .kill
    if operation != .start, let former {
      one.isExpected = true
      one.isReady = false
      former.signal(operation == .kill ? 9 : 15)
    }
    bell.ring()
    let wantsRunning = !one.isHeld
    let isDone = await wait(until: Clock.now() + Self.operationTimeout) {
      wantsRunning ? one.isReady && (operation == .start || one.process !== former) : one.process == nil
    }
    guard !isDone else { return nil }
    return wantsRunning ? "\(one.name) is not ready yet: \(lastLine(of: log))" : "\(one.name) does not end."
  }

  /// Tells when the control plane serves: nobody else asks after its start.
  private func watchControl() async {
    let address = SocketAddress(AddressPlan.fabricV4, 15012)
    let place = Fabric.path(options.name.fabricNamespace)
    while !Task.isCancelled, !isClosing {
      if !control.isReady, let process = control.process,
        await Probe.connects(to: address, in: place, on: thread, timeout: Self.probeTimeout),
        control.process === process, !Task.isCancelled
      {
        control.isReady = true
        bell.ring()
      }
      try? await thread.sleep(for: .milliseconds(20))
    }
  }
}
