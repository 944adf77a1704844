/// The place of a request in a trace as Zipkin writes it, in one field (`b3`) or in several (`x-b3-*`).
public struct B3: Hashable, Sendable {
  /// Whether somebody keeps the trace.
  public enum Sampling: String, Hashable, Sendable {
    case no = "0"
    case yes = "1"
    case debug = "d"
  }

  /// Trace and span; nil when only the sampling is said.
  public var place: Traceparent?
  /// The trace's id was written with 64 bits.
  public var isShort = false
  public var parent: UInt64?
  public var sampling: Sampling?

  public static let single = "b3"
  public static let multiple = [
    "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags",
  ]

  /// `<trace>-<span>[-<sampling>[-<parent>]]`, or a sampling alone.
  public init?(single text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count <= 4 else { return nil }
    let said = parts.count == 1 ? parts[0] : parts.count > 2 ? parts[2] : nil
    if let said {
      guard let sampling = Sampling(rawValue: String(said)) else { return nil }
      self.sampling = sampling
    }
    guard parts.count > 1 else { return }
    guard setPlace(trace: parts[0], span: parts[1], parent: parts.count > 3 ? parts[3] : nil) else {
      return nil
    }
  }

  /// Nil without ids and without sampling, and where one of them is not what it should be.
  public init?(multiple fields: [Field]) {
    if fields.first("x-b3-flags") == "1" {
      sampling = .debug
    } else if let text = fields.first("x-b3-sampled") {
      switch text {
      case "0", "false": sampling = .no
      case "1", "true": sampling = .yes
      default: return nil
      }
    }
    guard let trace = fields.first("x-b3-traceid"), let span = fields.first("x-b3-spanid") else {
      if sampling == nil { return nil }
      return
    }
    let parent = fields.first("x-b3-parentspanid")
    guard setPlace(trace: trace[...], span: span[...], parent: parent.map { $0[...] }) else { return nil }
  }

  private mutating func setPlace(trace: Substring, span: Substring, parent: Substring?) -> Bool {
    guard [16, 32].contains(trace.utf8.count), span.utf8.count == 16,
      let low = Traceparent.number(trace.utf8.suffix(16)),
      let high = Traceparent.number(trace.utf8.dropLast(16)),
      let span = Traceparent.number(span.utf8), low | high != 0, span != 0
    else { return false }
    if let parent {
      guard parent.utf8.count == 16, let number = Traceparent.number(parent.utf8) else { return false }
      self.parent = number
    }
    isShort = trace.utf8.count == 16
    let flags = sampling == .yes || sampling == .debug ? Traceparent.sampled : 0
    place = Traceparent(traceHigh: high, traceLow: low, span: span, flags: flags)
    return true
  }

  /// The same trace, at a span whose parent is where it was.
  public func at(span: UInt64) -> B3 {
    var next = self
    next.parent = place?.span
    next.place = place?.at(span: span)
    return next
  }

  private var trace: String? { place.map { isShort ? Traceparent.hex($0.traceLow) : $0.traceID } }

  /// The value of `b3`.
  public var fieldValue: String {
    guard let place, let trace else { return sampling?.rawValue ?? Sampling.no.rawValue }
    var parts = [trace, Traceparent.hex(place.span)]
    if let sampling { parts.append(sampling.rawValue) }
    // A parent can only be said behind a sampling.
    if sampling != nil, let parent { parts.append(Traceparent.hex(parent)) }
    return parts.joined(separator: "-")
  }

  /// The fields `x-b3-*`.
  public var fields: [Field] {
    var fields: [Field] = []
    if let place, let trace {
      fields += [Field("x-b3-traceid", trace), Field("x-b3-spanid", Traceparent.hex(place.span))]
      if let parent { fields.append(Field("x-b3-parentspanid", Traceparent.hex(parent))) }
    }
    switch sampling {
    case .no: fields.append(Field("x-b3-sampled", "0"))
    case .yes: fields.append(Field("x-b3-sampled", "1"))
    case .debug: fields.append(Field("x-b3-flags", "1"))
    case nil: break
    }
    return fields
  }
}
