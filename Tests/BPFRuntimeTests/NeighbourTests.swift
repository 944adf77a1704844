@testable import BPFRuntime
import CBPF
import Glibc
import MeshModel
import Reactor
import Testing

extension CaptureSuites {
  /// Programs of other tools on our hooks.
  @Suite("Neighbours")
  struct Neighbours {
    @Test("a program attached before ours runs before it, and one attached after it afterwards")
    func both() throws {
      let lab = try Lab()
      defer { try? lab.close() }
      let group = try ControlGroup.open(lab.options.controlGroup)
      let first = try Onlooker()
      try first.attach(to: group, flags: BPF_F_ALLOW_MULTI)
      let capture = try Capture(lab.options)
      let second = try Onlooker()
      try second.attach(to: group, flags: BPF_F_ALLOW_MULTI)

      let agent = try lab.listen()
      try lab.enroll(in: capture, with: agent)
      let wanted = SocketAddress(Lab.outsideV4, 8443)
      let client = try lab.pod.insideAny { try Plug(.v4) }
      try client.connect(to: wanted)
      let accepted = try #require(agent.outbound[.v4]).accept()
      #expect(capture.originalDestination(of: accepted.number) == wanted)
      #expect(first.seenPort == 8443)
      #expect(second.seenPort == MeshPort.outbound)

      // What the second start finds: ours have kept their places.
      let mine = { (one: HookNeighbour) in one.controlGroup == lab.options.controlGroup }
      #expect(capture.neighbours.filter(mine).map(\.runsFirst) == [true])
      let later = try Capture(lab.options).neighbours.filter(mine)
      #expect(later.map(\.runsFirst) == [true, false])
      #expect(later.allSatisfy { $0.hook == "connect4" && $0.program.contains(Onlooker.name) })
      #expect(later[0].description.contains("runs before ours on the hook connect4"))
    }

    @Test("a program of a group above is found, and runs after ours")
    func above() throws {
      let lab = try Lab()
      defer { try? lab.close() }
      let inner = "\(lab.options.controlGroup)/inner"
      #expect(unsafe mkdir(inner, 0o755) == 0)
      defer { _ = unsafe rmdir(inner) }
      let onlooker = try Onlooker()
      try onlooker.attach(to: try ControlGroup.open(lab.options.controlGroup), flags: BPF_F_ALLOW_MULTI)
      var options = lab.options
      options.controlGroup = inner
      let found = try Capture(options).neighbours.filter { $0.controlGroup == lab.options.controlGroup }
      #expect(found.map(\.runsFirst) == [false])
    }

    @Test(
      "one that is attached alone, or gives way, is named and nothing is attached",
      arguments: [UInt32(0), BPF_F_ALLOW_OVERRIDE])
    func alone(_ flags: UInt32) throws {
      let lab = try Lab()
      defer { try? lab.close() }
      let onlooker = try Onlooker()
      try onlooker.attach(to: try ControlGroup.open(lab.options.controlGroup), flags: flags)
      let held = #expect(throws: BPFError.self) { _ = try Capture(lab.options) }
      guard case .hookHeld("connect4", lab.options.controlGroup, let holder) = held else {
        Issue.record("\(String(describing: held))")
        return
      }
      #expect(holder.contains(Onlooker.name))
      #expect(held?.description.contains("BPF_F_ALLOW_MULTI") == true)
      #expect(unsafe access(lab.options.pins, F_OK) != 0)
    }
  }
}

/// A program of somebody else's on connect4 that notes the port it sees, and lets everything pass.
final class Onlooker {
  static let name = "onlooker"
  private let map: BPFRuntime.Descriptor
  private let program: BPFRuntime.Descriptor
  private var group: Int32 = -1

  init() throws {
    map = BPFRuntime.Descriptor(adopting: unsafe bpf_map_create(BPF_MAP_TYPE_ARRAY, "seen", 4, 4, 1, nil))
    // r6 = ctx; r7 = ctx->user_port; *lookup(seen, 0) = r7; return 1
    let code: [UInt64] = [
      Self.instruction(0xbf, 6, 1),  // r6 = r1
      Self.instruction(0x61, 7, 6, offset: 24),  // r7 = *(u32 *)(r6 + 24)
      Self.instruction(0x62, 10, 0, offset: -4),  // *(u32 *)(r10 - 4) = 0
      Self.instruction(0xbf, 2, 10),  // r2 = r10
      Self.instruction(0x07, 2, 0, value: -4),  // r2 += -4
      Self.instruction(0x18, 1, 1, value: map.number), 0,  // r1 = the map
      Self.instruction(0x85, 0, 0, value: 1),  // r0 = bpf_map_lookup_elem(r1, r2)
      Self.instruction(0x15, 0, 0, offset: 1),  // if r0 == 0 skip one
      Self.instruction(0x63, 0, 7),  // *(u32 *)r0 = r7
      Self.instruction(0xb7, 0, 0, value: 1),  // r0 = 1
      Self.instruction(0x95, 0, 0),  // return r0
    ]
    var options = unsafe bpf_prog_load_opts()
    unsafe options.sz = MemoryLayout<bpf_prog_load_opts>.size
    unsafe options.expected_attach_type = BPF_CGROUP_INET4_CONNECT
    let number = unsafe code.withUnsafeBytes { raw -> Int32 in
      guard let first = raw.baseAddress else { return -1 }
      return unsafe bpf_prog_load(
        BPF_PROG_TYPE_CGROUP_SOCK_ADDR, Self.name, "Apache-2.0",
        first.assumingMemoryBound(to: bpf_insn.self), code.count, &options)
    }
    guard number >= 0 else { throw PlugError(call: "bpf_prog_load", code: errno) }
    program = BPFRuntime.Descriptor(adopting: number)
  }

  deinit {
    guard group >= 0 else { return }
    bpf_prog_detach2(program.number, group, BPF_CGROUP_INET4_CONNECT)
    Glibc.close(group)
  }

  func attach(to group: borrowing BPFRuntime.Descriptor, flags: UInt32) throws(PlugError) {
    guard bpf_prog_attach(program.number, group.number, BPF_CGROUP_INET4_CONNECT, flags) == 0 else {
      throw PlugError(call: "bpf_prog_attach", code: errno)
    }
    self.group = fcntl(group.number, F_DUPFD_CLOEXEC, 3)
  }

  /// The port of the last connection that it saw.
  var seenPort: UInt16 {
    UInt16(bigEndian: UInt16(truncatingIfNeeded: map.value(of: UInt32(0), initial: UInt32(0)) ?? 0))
  }

  /// One instruction of struct bpf_insn.
  private static func instruction(
    _ code: UInt8, _ to: UInt8, _ from: UInt8, offset: Int16 = 0, value: Int32 = 0
  ) -> UInt64 {
    UInt64(code) | UInt64(from << 4 | to) << 8 | UInt64(UInt16(bitPattern: offset)) << 16
      | UInt64(UInt32(bitPattern: value)) << 32
  }
}
