/// Which pod a process belongs to, by the name of its control group: the ways of cgroupfs and of systemd
/// (Kubernetes, "cgroup drivers").
public enum PodCgroup {
  /// Whether a process whose `/proc/PID/cgroup` says `text` is one of the pod with that uid. A uid is
  /// compared whole, so that none stands for another.
  public static func names(_ uid: String, in text: String) -> Bool {
    guard uid.utf8.count >= minimumLength else { return false }
    let plain = "pod\(uid)"
    // systemd takes a hyphen for a separator, so the kubelet writes an underscore.
    let slice = "pod\(String(uid.map { $0 == "-" ? "_" : $0 })).slice"
    return text.split(separator: "\n").contains { line in
      // `hierarchy:controllers:path`; a path may hold colons.
      let path = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).dropFirst(2).first
      return path?.split(separator: "/").contains { part in
        part == plain || part == slice || part.hasSuffix("-\(slice)")
      } ?? false
    }
  }

  /// Shorter ones could be part of another name.
  private static let minimumLength = 8
}
