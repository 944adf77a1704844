import CBPF

/// Which libbpf this process runs with.
public enum LibbpfVersion {
  /// For example "1.1".
  public static var text: String { "\(libbpf_major_version()).\(libbpf_minor_version())" }
}
