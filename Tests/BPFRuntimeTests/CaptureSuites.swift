import BPFRuntime
import Testing

/// The parent of all suites that use the kernel's hooks: they move this process between control groups, so
/// they take turns.
@Suite("Capture", .serialized, .enabled(if: isRoot, "capture needs root"))
struct CaptureSuites {
  @Test("every feature is there on this kernel")
  func features() {
    for feature in KernelProbe.features() {
      #expect(feature.isAvailable, "\(feature.name): \(feature.problem ?? "")")
    }
  }
}
