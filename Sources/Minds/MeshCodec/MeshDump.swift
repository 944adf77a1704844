import FoundationEssentials
import MeshAPI
public import MeshModel
import SwiftProtobuf

/// A whole mesh in one text of bytes: what an agent's page `/debug/mesh` answers with.
///
/// It is a row of `envoy.service.discovery.v3.DeltaDiscoveryResponse`, each after its length as a varint; the
/// resources are those of discovery. `system_version_info` of the first names the trust domains whose
/// certificates agents accept, separated by commas, the mesh's own first.
public struct MeshDump: Hashable, Sendable {
  /// What the page says it is.
  public static let contentType = "application/vnd.apus.mesh.v1+protobuf"
  /// 64 MiB: some 100,000 workloads. A larger mesh is not told, rather than half of it.
  public static let maximumBytes = 64 << 20
  /// Resources of one message.
  private static let batch = 500

  public var trustDomains: [TrustDomain]
  public var resources: [MeshResource]

  public init(trustDomains: [TrustDomain], resources: [MeshResource]) {
    self.trustDomains = trustDomains
    self.resources = resources
  }

  /// - Throws: when it would be larger than `maximumBytes`.
  public func encoded() throws(MeshDumpError) -> [UInt8] {
    var bytes: [UInt8] = []
    do {
      try Self.append(
        .with { $0.systemVersionInfo = trustDomains.map(\.name).joined(separator: ",") }, to: &bytes)
      for (typeURL, all) in Dictionary(grouping: resources, by: \.key.typeURL).sorted(by: { $0.key < $1.key })
      {
        for start in stride(from: 0, to: all.count, by: Self.batch) {
          let part = all[start..<min(start + Self.batch, all.count)]
          try Self.append(try Self.message(typeURL, part), to: &bytes)
          guard bytes.count <= Self.maximumBytes else { throw MeshDumpError.tooLarge }
        }
      }
    } catch let error as MeshDumpError {
      throw error
    } catch {
      throw .unreadable("\(error)")
    }
    return bytes
  }

  private typealias Message = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse

  private static func message(_ typeURL: String, _ resources: ArraySlice<MeshResource>) throws -> Message {
    var message = Message()
    message.typeURL = typeURL
    message.resources = try resources.map { resource in
      let encoded = try EncodedResource(resource)
      return .with {
        $0.name = encoded.name
        $0.resource.typeURL = typeURL
        $0.resource.value = Data(encoded.bytes)
      }
    }
    return message
  }

  private static func append(_ message: Message, to bytes: inout [UInt8]) throws {
    let content: [UInt8] = try message.serializedBytes()
    var length = UInt64(content.count)
    while length >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: length) | 0x80)
      length >>= 7
    }
    bytes.append(UInt8(length))
    bytes += content
  }

  // MARK: Reading

  /// - Throws: when any part cannot be understood: half a mesh would give wrong answers.
  public init(decoding bytes: [UInt8]) throws(MeshDumpError) {
    guard bytes.count <= Self.maximumBytes else { throw .tooLarge }
    var rest = bytes[...]
    guard let head = try Self.next(&rest) else { throw .unreadable("it is empty") }
    trustDomains = []
    for name in head.systemVersionInfo.split(separator: ",", omittingEmptySubsequences: false) {
      do throws(IdentityError) { trustDomains.append(try TrustDomain(String(name))) } catch {
        throw .unreadable("\(error)")
      }
    }
    resources = []
    while let message = try Self.next(&rest) {
      for resource in message.resources {
        do throws(MalformedResource) {
          resources.append(
            try MeshResource(
              name: resource.name, typeURL: message.typeURL, bytes: Array(resource.resource.value)))
        } catch {
          throw .unreadable("\(error)")
        }
      }
    }
  }

  /// The next message; nil at the end.
  private static func next(_ rest: inout ArraySlice<UInt8>) throws(MeshDumpError) -> Message? {
    guard !rest.isEmpty else { return nil }
    var length = 0
    // Four bytes hold more than the largest length that is taken.
    for shift in stride(from: 0, through: 21, by: 7) {
      guard let byte = rest.popFirst() else { throw .unreadable("it is cut off") }
      length |= Int(byte & 0x7f) << shift
      guard byte & 0x80 != 0 else {
        guard length <= rest.count else { throw .unreadable("it is cut off") }
        let content = Array(rest.prefix(length))
        rest = rest.dropFirst(length)
        guard let message = try? Message(serializedBytes: content) else {
          throw .unreadable("it holds something else than a mesh")
        }
        return message
      }
    }
    throw .unreadable("it holds something else than a mesh")
  }
}

/// Why a mesh cannot be told, or read.
public enum MeshDumpError: Error, Hashable, Sendable, CustomStringConvertible {
  case tooLarge
  case unreadable(String)

  public var description: String {
    switch self {
    case .tooLarge: "the mesh takes more than \(MeshDump.maximumBytes >> 20) MiB"
    case .unreadable(let why): "the mesh cannot be read: \(why)"
    }
  }
}
