public import HTTPModel

/// The fields by which records of several programs are found to be of one request.
public enum TraceFields {
  public static let requestID = "x-request-id"
  /// Longer request ids are replaced; a UUID has 36 characters.
  public static let maximumRequestID = 200

  /// Keeps the request's id, or makes one (a random UUID) where there is none, more than one, or one that is
  /// not visible ASCII of at most `maximumRequestID` characters. Returns the id.
  public static func settleRequestID(
    _ fields: inout [Field], using random: inout some RandomNumberGenerator
  ) -> String {
    let places = fields.indices.filter { fields[$0].name == requestID }
    if places.count == 1, case let said = fields[places[0]].value, isVisible(said) { return said }
    let made = uuid(using: &random)
    if !places.isEmpty { fields.removeAll { $0.name == requestID } }
    fields.append(Field(requestID, made))
    return made
  }

  /// Continues the trace in each form in which the request says it (W3C `traceparent`, `b3`, `x-b3-*`), and
  /// begins one where it says none. Returns the place in the trace that the application is told.
  ///
  /// Where the waypoint's own span is kept by somebody (`recordsSpan`), the application is told that one as
  /// its parent; else fields stay as they came, so that no span is missing between the client's and the
  /// application's. A request that says its place only as B3 is given `traceparent` too. Fields that are not
  /// well formed or repeated are removed, `tracestate` with `traceparent`.
  public static func settleTrace(
    _ fields: inout [Field], recordsSpan: Bool, samplesIfMade: Bool = false,
    using random: inout some RandomNumberGenerator
  ) -> Traceparent {
    guard fields.contains(where: { isOfTraces($0.name) }) else {
      let made = Traceparent(using: &random, isSampled: samplesIfMade)
      fields.append(Field("traceparent", made.description))
      return made
    }
    let written = fields.filter { $0.name == "traceparent" }.map(\.value)
    var place = written.count == 1 ? Traceparent(written[0]) : nil
    let singles = fields.filter { $0.name == B3.single }.map(\.value)
    var single = singles.count == 1 ? B3(single: singles[0]) : nil
    var multiple = B3(multiple: fields)
    let isMade = place == nil && single?.place == nil && multiple?.place == nil
    if place == nil { fields.removeAll { $0.name == "tracestate" } }

    let says = { (sampling: B3.Sampling?) in sampling == .yes || sampling == .debug }
    let isSampled = (single?.sampling ?? multiple?.sampling).map(says) ?? samplesIfMade
    place = place ?? single?.place ?? multiple?.place ?? Traceparent(using: &random, isSampled: isSampled)
    if recordsSpan, !isMade {
      let span = UInt64.random(in: 1...UInt64.max, using: &random)
      place = place?.at(span: span)
      single = single?.at(span: span)
      multiple = multiple?.at(span: span)
    }
    fields.removeAll { $0.name == "traceparent" || $0.name == B3.single || B3.multiple.contains($0.name) }
    let settled = place ?? Traceparent(using: &random)
    fields.append(Field("traceparent", settled.description))
    if let single { fields.append(Field(B3.single, single.fieldValue)) }
    if let multiple { fields += multiple.fields }
    return settled
  }

  /// By length first: nearly every name is none.
  private static func isOfTraces(_ name: String) -> Bool {
    switch name.utf8.count {
    case 2: name == B3.single
    case 10: name == "tracestate" || name == "x-b3-flags"
    case 11: name == "traceparent" || name == "x-b3-spanid"
    case 12: name == "x-b3-traceid" || name == "x-b3-sampled"
    case 17: name == "x-b3-parentspanid"
    default: false
    }
  }

  private static func isVisible(_ id: String) -> Bool {
    let bytes = id.utf8Span.span
    guard (1...maximumRequestID).contains(bytes.count) else { return false }
    for index in bytes.indices where !(0x21...0x7e).contains(bytes[index]) { return false }
    return true
  }

  /// RFC 9562, version 4.
  private static func uuid(using random: inout some RandomNumberGenerator) -> String {
    let high = (random.next() as UInt64) & ~0xf000 | 0x4000
    let low = (random.next() as UInt64) & ~(0b11 << 62) | 0b10 << 62
    var text = Hexadecimal<36>()
    text.append(high >> 32, digits: 8)
    for part in [high >> 16, high, low >> 48] {
      text.appendDash()
      text.append(part, digits: 4)
    }
    text.appendDash()
    text.append(low, digits: 12)
    return text.text
  }
}
