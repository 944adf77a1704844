import MeshModel
import Patterns

extension ConnectionRecord {
  /// What a condition may ask of a connection; nothing of requests is known.
  func attribute(_ attribute: Condition.Attribute) -> Condition.Value? {
    switch attribute {
    case .isMutualTLS: .boolean(isMutualTLS)
    case .peerName: (direction == .outbound ? destination : source).identity.map { .text("\($0)") }
    case .terminationDetails: closeReason.map { .text($0) }
    case .sourceAddress: source.address.map { .text("\($0)") }
    case .sourcePort: source.address.map { .number(Double($0.port)) }
    case .destinationAddress: destination.address.map { .text("\($0)") }
    case .destinationPort: destination.address.map { .number(Double($0.port)) }
    case .duration: .duration(Double(duration))
    case .path, .urlPath, .host, .method, .userAgent, .requestID, .version, .requestSize, .code,
      .codeDetails, .grpcStatus, .responseSize:
      nil
    }
  }

  /// Why it ended, as a token or in a clause; nil for an orderly end.
  var closeReason: String? {
    switch outcome {
    case .complete: nil
    case .refused(let reason, _): reason.description
    case .failed(let clause, _): clause
    }
  }
}

extension RequestRecord {
  /// What a condition may ask of a request.
  func attribute(_ attribute: Condition.Attribute) -> Condition.Value? {
    switch attribute {
    case .path: .text(path)
    case .urlPath: .text(String(path.prefix { $0 != "?" }))
    case .host: .text(authority)
    case .method: .text(method)
    case .userAgent: userAgent.isEmpty ? nil : .text(userAgent)
    case .requestID: .text(requestID)
    case .version: .text(version)
    case .requestSize: .number(Double(bytesReceived))
    case .duration: .duration(Double(duration))
    case .code: .number(Double(status))
    case .codeDetails: details.isEmpty ? nil : .text(details)
    case .grpcStatus: grpcStatus.map { .number(Double($0)) }
    case .responseSize: .number(Double(bytesSent))
    case .isMutualTLS: .boolean(source.party.identity != nil)
    case .peerName: source.party.identity.map { .text("\($0)") }
    case .terminationDetails: nil
    case .sourceAddress: .text("\(sourceAddress)")
    case .sourcePort: .number(Double(sourceAddress.port))
    case .destinationAddress: destinationAddress.map { .text("\($0)") }
    case .destinationPort: destinationAddress.map { .number(Double($0.port)) }
    }
  }
}
