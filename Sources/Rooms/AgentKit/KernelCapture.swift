import BPFRuntime
import MeshModel
import Proxying

/// The kernel's capture as the workers see it.
struct KernelCapture: CaptureLookup {
  let capture: Capture

  func originalDestination(of accepted: Int32) -> SocketAddress? { capture.originalDestination(of: accepted) }

  func exempt(_ descriptor: Int32) -> Bool {
    do throws(BPFError) {
      try capture.exempt(descriptor)
      return true
    } catch {
      return false
    }
  }
}
