import CBPF
import Glibc

/// Asks who is on the hooks already. A program attached without leave for others would keep ours out, or be
/// displaced by it; neither may happen silently.
enum HookSurvey {
  static func refuseForeign(at controlGroup: String) throws(BPFError) {
    for group in try ControlGroup.lineage(controlGroup) {
      let descriptor = try ControlGroup.open(group)
      for hook in Hook.allCases {
        guard let holder = try exclusiveHolder(hook, descriptor, group) else { continue }
        throw BPFError.hookHeld(hook: hook.rawValue, controlGroup: group, holder: holder)
      }
    }
  }

  /// Who else is on the hooks of the group and of those above it, in the order of the hooks. `ours`: the
  /// numbers of our programs, which are attached. What sits on groups below is not looked for: it runs before
  /// ours.
  static func neighbours(at controlGroup: String, ours: Set<UInt32>) throws(BPFError) -> [HookNeighbour] {
    var found: [HookNeighbour] = []
    for group in try ControlGroup.lineage(controlGroup) {
      let descriptor = try ControlGroup.open(group)
      for hook in Hook.allCases {
        let programs = try programs(hook, descriptor, group).programs
        let own = programs.firstIndex(where: ours.contains)
        for (index, program) in programs.enumerated() where !ours.contains(program) {
          found.append(
            HookNeighbour(
              hook: hook.rawValue, controlGroup: group, program: name(ofProgram: program),
              runsFirst: own.map { index < $0 } ?? false))
        }
      }
    }
    return found
  }

  /// The kernel's number of a program.
  static func identifier(of program: borrowing Descriptor) throws(BPFError) -> UInt32 {
    var information = bpf_prog_info()
    var length = UInt32(MemoryLayout<bpf_prog_info>.size)
    guard unsafe bpf_obj_get_info_by_fd(program.number, &information, &length) == 0 else {
      throw BPFError.system("read a program's number", errno)
    }
    return information.id
  }

  private static func exclusiveHolder(
    _ hook: Hook, _ group: borrowing Descriptor, _ path: String
  ) throws(BPFError) -> String? {
    let (flags, programs) = try programs(hook, group, path)
    guard let first = programs.first, flags & UInt32(BPF_F_ALLOW_MULTI) == 0 else { return nil }
    return name(ofProgram: first)
  }

  /// In the order in which they run, the first 64 of them; and how the first was attached.
  private static func programs(
    _ hook: Hook, _ group: borrowing Descriptor, _ path: String
  ) throws(BPFError) -> (flags: UInt32, programs: [UInt32]) {
    var flags: UInt32 = 0
    var programs = [UInt32](repeating: 0, count: 64)
    var count = UInt32(programs.count)
    let failure = unsafe bpf_prog_query(group.number, hook.attachType, 0, &flags, &programs, &count)
    // ENOSPC: more programs than asked for; the flags are right.
    guard failure == 0 || errno == ENOSPC else {
      if errno == EINVAL { throw BPFError.missingFeature(name: "hook \(hook.rawValue)", detail: "") }
      throw BPFError.system("ask for the programs on \(hook.rawValue) of \(path)", errno)
    }
    return (flags, Array(programs.prefix(Int(count))))
  }

  private static func name(ofProgram identifier: UInt32) -> String {
    let number = bpf_prog_get_fd_by_id(identifier)
    guard number >= 0 else { return "program \(identifier)" }
    let program = Descriptor(adopting: number)
    var information = bpf_prog_info()
    var length = UInt32(MemoryLayout<bpf_prog_info>.size)
    guard unsafe bpf_obj_get_info_by_fd(program.number, &information, &length) == 0 else {
      return "program \(identifier)"
    }
    let name = unsafe withUnsafeBytes(of: information.name) { raw in
      unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
    }
    return "program \(identifier) (\(name))"
  }
}
