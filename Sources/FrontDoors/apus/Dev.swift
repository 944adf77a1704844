import ArgumentParser
import DevKit

struct Dev: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a mesh on this machine, from manifests, without a cluster.",
    discussion: """
      Nodes and pods are network namespaces joined by virtual cables; a pod's `command` runs as a \
      local process (its image is ignored), as root and without a sandbox: only run manifests that you \
      trust. Addresses: nodes 172.30.0.N, pods 10.244.N.x, services 10.96.0.0/12, and 172.30.255.254 \
      outside the mesh (where the control plane runs); the same in IPv6 below fd00:172:30::, \
      fd00:10:244:N:: and fd00:10:96::.

      A first round, as root:

        apus dev up Deploy/examples/shop --detach
        apus dev ps
        apus dev exec web -- curl -s http://order-service/
        apus dev logs agent node-1
        apus dev down

      State is kept in /run/apus/NAME. Several meshes run beside each other under different names.
      """,
    subcommands: [
      DevUp.self, DevExec.self, DevPs.self, DevAgent.self, DevControl.self, DevLogs.self,
      DevWait.self, DevDownCommand.self,
    ])
}

/// Which mesh a command is about.
struct MeshOption: ParsableArguments {
  @Option(
    name: [.customLong("name"), .customLong("mesh")], help: "The name of the mesh.",
    completion: .custom { _, _, _ in DevClient.meshes })
  var name = "dev"

  var mesh: MeshName {
    get throws { try MeshName(name) }
  }
}

/// Runs a command's body; a failure is one sentence on standard error and an exit code.
func reporting(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as DevError {
    Output.error("apus: \(error)")
    throw ExitCode(error.exitCode)
  }
}

/// Fails with what the mesh says is wrong.
func checked(_ reply: DevReply) throws -> DevReply {
  if let error = reply.error { throw DevError.failed(error) }
  return reply
}
