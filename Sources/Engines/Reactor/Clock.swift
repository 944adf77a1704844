internal import CLinux
public import Bytes

/// The one place that reads the monotonic clock.
public enum Clock {
  public static func now() -> Instant { Instant(nanoseconds: apus_monotonic_nanoseconds()) }
}
