public import MeshModel

/// Who a workload is, as telemetry tells it across a tunnel: the `baggage` field (W3C Baggage). Claims, not
/// proof: nothing is decided by it.
public struct Baggage: Hashable, Sendable {
  /// What owns the workload; it chooses the key of its name.
  public enum Owner: String, Hashable, Sendable, CaseIterable { case deployment, cronjob, pod, job }

  public var cluster = ""
  public var namespace = ""
  public var owner = Owner.deployment
  public var workloadName = ""
  public var serviceName = ""
  public var serviceVersion = ""
  public var region = ""
  public var zone = ""

  /// The longest field parsed, in bytes; the longest value kept, in bytes after decoding; the most members
  /// read.
  public static let maximumLength = 4_096
  public static let maximumValue = 253
  public static let maximumMembers = 32

  public init() {}

  /// What is known of one of our own workloads.
  public init(_ workload: Workload) {
    cluster = workload.clusterID
    namespace = workload.namespace
    owner = workload.workloadName.isEmpty ? .pod : .deployment
    workloadName = workload.workloadName.isEmpty ? workload.name : workload.workloadName
    serviceName = workload.canonicalName
    serviceVersion = workload.canonicalRevision
  }

  private var members: [(key: String, value: String)] {
    [
      ("k8s.cluster.name", cluster), ("k8s.namespace.name", namespace),
      ("k8s.\(owner.rawValue).name", workloadName),
      ("service.name", serviceName), ("service.version", serviceVersion), ("cloud.region", region),
      ("cloud.availability_zone", zone),
    ]
  }

  /// The comma list, empty values left out; nil when nothing is left.
  public var fieldValue: String? {
    let list = members.filter { !$0.value.isEmpty }.map { "\($0.key)=\(PercentEncoding.encode($0.value))" }
    return list.isEmpty ? nil : list.joined(separator: ",")
  }

  /// Reads what it knows and skips the rest; never fails, for nothing depends on it.
  public init(fieldValue text: String) {
    guard text.utf8.count <= Self.maximumLength else { return }
    for member in text.split(separator: ",", maxSplits: Self.maximumMembers).prefix(Self.maximumMembers) {
      guard let equals = member.firstIndex(of: "=") else { continue }
      let key = member[..<equals].trimmingSpaces
      let raw = member[member.index(after: equals)...].prefix { $0 != ";" }.trimmingSpaces
      guard let value = PercentEncoding.decode(raw), value.utf8.count <= Self.maximumValue else { continue }
      take(key, value)
    }
  }

  private mutating func take(_ key: Substring, _ value: String) {
    switch key {
    case "k8s.cluster.name": cluster = value
    case "k8s.namespace.name": namespace = value
    case "service.name": serviceName = value
    case "service.version": serviceVersion = value
    case "cloud.region": region = value
    case "cloud.availability_zone": zone = value
    default:
      guard let owner = Owner.allCases.first(where: { "k8s.\($0.rawValue).name" == key }) else { return }
      self.owner = owner
      workloadName = value
    }
  }
}

extension Substring {
  fileprivate var trimmingSpaces: Substring {
    var part = drop { $0 == " " || $0 == "\t" }
    while part.last == " " || part.last == "\t" { part.removeLast() }
    return part
  }
}

/// Percent-encoding of values in fields (RFC 3986 section 2.1).
enum PercentEncoding {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// Everything but unreserved bytes is encoded, so that no separator, quote or control byte is left.
  static func encode(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"), UInt8(ascii: "/"), UInt8(ascii: ":"):
        bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Nil for a broken escape, for bytes that are not UTF-8 and for control characters, which would end up in
  /// logs.
  static func decode(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
          return nil
        }
        bytes.append(high << 4 | low)
      } else {
        bytes.append(byte)
      }
    }
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func hexValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
