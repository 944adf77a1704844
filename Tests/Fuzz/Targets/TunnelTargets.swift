import HBONE
import HTTPModel

extension FuzzTarget {
  /// What travels in the fields of a CONNECT and of its answer.
  static let tunnels: [FuzzTarget] = [
    FuzzTarget("connect-request") { bytes in
      if case .success(let request) = ConnectRequest.read(fields(of: bytes)) {
        // What was understood is what we would have said, and is understood again the same.
        precondition(ConnectRequest.read(request.fields) == .success(request), "\(request)")
      }
    },
    FuzzTarget("connect-answer") { bytes in
      if let answer = ConnectAnswer.read(fields(of: bytes)), answer.isOpened {
        precondition(fields(of: bytes).first(":status") == "200", "opened by something else than 200")
      }
    },
    FuzzTarget("forwarded") { bytes in
      if let one = Forwarded(fieldValue: String(decoding: bytes, as: UTF8.self)), let said = one.fieldValue {
        precondition(Forwarded(fieldValue: said) == one, said)
      }
    },
    FuzzTarget("baggage") { bytes in
      let one = Baggage(fieldValue: String(decoding: bytes, as: UTF8.self))
      if let said = one.fieldValue, said.utf8.count <= Baggage.maximumLength {
        precondition(Baggage(fieldValue: said) == one, said)
      }
    },
    FuzzTarget("traceparent") { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      if let one = Traceparent(text) { precondition(one.description == text, text) }
    },
  ]

  /// Fields as lines of `name: value`; the first colon after the first byte divides, so pseudo-fields work.
  static func fields(of bytes: [UInt8]) -> [Field] {
    bytes.split(separator: 0x0A, maxSplits: 32, omittingEmptySubsequences: true).map { line in
      let colon = line.dropFirst().firstIndex(of: 0x3A) ?? line.endIndex
      let value = line[colon...].dropFirst()
      return Field(
        String(decoding: line[..<colon], as: UTF8.self),
        String(decoding: value.first == 0x20 ? value.dropFirst() : value, as: UTF8.self))
    }
  }
}
