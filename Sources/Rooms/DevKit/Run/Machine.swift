import BPFRuntime
import Reactor

/// What this machine must offer before a mesh can run on it.
struct Machine: Sendable {
  /// Where the version 2 control groups are.
  let cgroups: String

  /// - Throws: `.unprivileged` or `.unsupported`, with the remedy in the sentence.
  static func inspect() throws(DevError) -> Machine {
    try requireRoot()
    guard Files.size("/proc/self/ns/net") != nil else {
      throw .unsupported(
        "This kernel has no network namespaces (CONFIG_NET_NS), in which apus dev runs the pods.")
    }
    guard let cgroups = try mounts().cgroup2 else {
      throw .unsupported(
        "No control group hierarchy of version 2 is mounted: run `mkdir -p /sys/fs/cgroup/unified && "
          + "mount -t cgroup2 none /sys/fs/cgroup/unified`, or boot with it.")
    }
    return Machine(cgroups: cgroups)
  }

  static func requireRoot() throws(DevError) {
    guard ProcessSetup.isRoot else {
      throw .unprivileged(
        "apus dev must run as root: it makes network namespaces and loads eBPF programs; try it with sudo.")
    }
    let status = (try? Files.text("/proc/self/status")) ?? ""
    let users = (try? Files.text("/proc/self/uid_map")) ?? ""
    guard Privileges.isWholeMachine(users), Privileges.suffice(status) else {
      throw .unprivileged(
        "apus dev needs the machine's own root (CAP_SYS_ADMIN and CAP_NET_ADMIN), and this root is that "
          + "of a container or a user namespace: run it on the machine itself, or in a privileged container.")
    }
  }

  /// What the agents need of the kernel, tried by doing it.
  static func requireCapture() throws(DevError) {
    let missing = KernelProbe.features().filter { !$0.isAvailable }
    guard let first = missing.first else { return }
    let names = missing.map(\.name).joined(separator: ", ")
    throw .unsupported(
      "This kernel lacks what capture needs: \(names) (\(first.problem ?? "")); `apus-agent probe` lists "
        + "all of it, and --no-mesh runs the pods without a mesh.")
  }

  static func mounts() throws(DevError) -> MountTable {
    do throws(SystemError) {
      return MountTable(try Files.text("/proc/self/mountinfo"))
    } catch {
      throw .unsupported("The mounts of this machine cannot be read (\(error)): is /proc mounted?")
    }
  }
}

/// Whether a mesh can run here, without starting one.
public enum MachineCheck {
  public static func run() throws(DevError) {
    _ = try Machine.inspect()
    try Machine.requireCapture()
  }
}
