import CBPF
import Glibc

/// Something that capture needs of the kernel, and whether it is there.
public struct KernelFeature: Hashable, Sendable {
  public let name: String
  /// Why it is missing, in the words of the kernel or libbpf; nil when it is there.
  public let problem: String?

  public var isAvailable: Bool { problem == nil }
}

/// Tries what capture needs, feature by feature: by doing it, never by the kernel's version.
public enum KernelProbe {
  /// Leaves nothing behind. Takes some milliseconds; needs root to be meaningful.
  public static func features() -> [KernelFeature] {
    var found = [
      feature("control groups of version 2") { () throws(BPFError) in _ = try ControlGroup.mountPoint() },
      feature("cookies of network namespaces") { () throws(BPFError) in try tryCookie() },
    ]
    for hook in Hook.allCases {
      found.append(feature("hook \(hook.rawValue)") { () throws(BPFError) in try tryLoading(hook.program) })
    }
    found.append(feature("hook sk_lookup") { () throws(BPFError) in try tryLoading("inbound_lookup") })
    return found
  }

  private static func feature(_ name: String, _ attempt: () throws(BPFError) -> Void) -> KernelFeature {
    do {
      try attempt()
      return KernelFeature(name: name, problem: nil)
    } catch {
      return KernelFeature(name: name, problem: error.description)
    }
  }

  private static func tryLoading(_ program: String) throws(BPFError) {
    let object = try CaptureObject()
    object.keepOnly(program: program)
    try object.load()
  }

  private static func tryCookie() throws(BPFError) {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw BPFError.system("make a socket", errno) }
    let owner = Descriptor(adopting: number)
    _ = try Capture.cookie(of: owner.number)
  }
}
