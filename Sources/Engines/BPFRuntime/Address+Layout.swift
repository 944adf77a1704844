import CBPF
import MeshModel

// MeshModel's addresses in the layout of BPF/maps.h, and back.

extension capture_address {
  init(_ ip: IPAddress) {
    let (high, low) = (ip.mappedHigh, ip.mappedLow)
    self.init(
      word: (
        UInt32(truncatingIfNeeded: high >> 32).bigEndian, UInt32(truncatingIfNeeded: high).bigEndian,
        UInt32(truncatingIfNeeded: low >> 32).bigEndian, UInt32(truncatingIfNeeded: low).bigEndian
      ))
  }

  var ip: IPAddress {
    IPAddress(
      high: UInt64(UInt32(bigEndian: word.0)) << 32 | UInt64(UInt32(bigEndian: word.1)),
      low: UInt64(UInt32(bigEndian: word.2)) << 32 | UInt64(UInt32(bigEndian: word.3)))
  }
}

extension capture_pod {
  init(_ pod: CapturedPod) {
    self.init()
    if let ip = pod.v4 {
      flags |= CAPTURE_POD_V4.rawValue
      v4 = capture_address(ip)
    }
    if let ip = pod.v6 {
      flags |= CAPTURE_POD_V6.rawValue
      v6 = capture_address(ip)
    }
  }

  func pod(cookie: UInt64) -> CapturedPod {
    CapturedPod(
      cookie: cookie, v4: flags & CAPTURE_POD_V4.rawValue != 0 ? v4.ip : nil,
      v6: flags & CAPTURE_POD_V6.rawValue != 0 ? v6.ip : nil)
  }
}
