internal import CLinux
public import Bytes

/// The one place that reads the clocks.
public enum Clock {
  public static func now() -> Instant { Instant(nanoseconds: apus_monotonic_nanoseconds()) }

  /// Wall time in nanoseconds since 1970 (UTC). For certificates and log lines only: it may step.
  public static func wall() -> Int64 { apus_wall_nanoseconds() }
}
