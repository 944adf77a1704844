/// Bounds on what manifests may ask of memory; past them the file is refused with a finding.
public enum Limits {
  /// A file: 8 MiB, eight times what the Kubernetes API takes as one object.
  public static let bytesPerFile = 8 << 20
  /// Files of one set of directories.
  public static let files = 20_000
  /// Values of a file, after aliases are expanded.
  public static let nodesPerFile = 1_000_000
  /// Nesting of values: deeper than any kind, shallow enough for a small stack.
  static let depth = 64
  /// Findings kept for one file; a broken file need not say so a thousand times.
  static let findingsPerFile = 100
}
