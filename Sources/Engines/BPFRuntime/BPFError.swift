import Glibc

/// Why capture cannot do what was asked. Each case reads as one sentence.
public enum BPFError: Error, Hashable, Sendable {
  /// Not root: CAP_BPF, CAP_NET_ADMIN or CAP_SYS_ADMIN is missing.
  case unprivileged(operation: String)
  /// This kernel or machine lacks something that capture needs; `detail` is the kernel's or libbpf's last
  /// word.
  case missingFeature(name: String, detail: String)
  /// A program of another tool sits on a hook in a way that excludes ours or would be displaced by it.
  case hookHeld(hook: String, controlGroup: String, holder: String)
  /// The maps pinned here are of another layout: an agent of another version left them.
  case foreignPins(path: String)
  /// The pod asked for cannot be captured.
  case unsuitablePod(reason: String)
  /// A system call failed in a way that none of the above explains.
  case failed(operation: String, code: Int32)
}

extension BPFError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unprivileged(let operation):
      "cannot \(operation) without root (CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN)"
    case .missingFeature(let name, let detail):
      detail.isEmpty ? "this kernel has no \(name)" : "this kernel has no \(name): \(detail)"
    case .hookHeld(let hook, let controlGroup, let holder):
      "the hook \(hook) of \(controlGroup) is held exclusively by \(holder); Apus needs it shared: "
        + "detach that program, or attach it with BPF_F_ALLOW_MULTI"
    case .foreignPins(let path):
      "the maps pinned under \(path) are of another version of Apus; remove them after its pods"
    case .unsuitablePod(let reason):
      "this pod cannot be captured: \(reason)"
    case .failed(let operation, let code):
      "cannot \(operation): \(errnoText(code))"
    }
  }

  /// A failed system call; the refusal of a privilege gets its own case.
  static func system(_ operation: String, _ code: Int32) -> BPFError {
    code == EPERM || code == EACCES
      ? .unprivileged(operation: operation) : .failed(operation: operation, code: code)
  }
}

/// The system's text for an errno.
private func errnoText(_ code: Int32) -> String {
  guard let text = unsafe strerror(code) else { return "error \(code)" }
  return unsafe String(cString: text)
}
