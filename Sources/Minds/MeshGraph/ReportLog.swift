public import Bytes
public import MeshModel

/// The newest report of each reporter, and what has changed in the last seconds. Pure: time is an argument.
///
/// A reporter that is silent for `silence` is forgotten. What it may tell is bounded by `MeshReport`, and all
/// together by `edgeLimit`.
public struct ReportLog: Sendable {
  /// Rates are taken over so long, in milliseconds of the reporter's own clock.
  public static let window: Int64 = 10_000
  public static let silence = Interval.seconds(30)
  /// Edges of all reporters; a report that would bring more is taken without its edges, and counted. At 500
  /// bytes 50 MB.
  public static let edgeLimit = 100_000

  struct Entry: Sendable {
    var report: MeshReport
    var received: Instant
    var counts: [ObservedEdge.Key: EdgeCounts] = [:]
    /// What each report of the window has added, oldest first; edges on which nothing happened are left out.
    var moments: [Moment] = []
    /// Edges and denials that were not believed, in the newest report.
    var refused = 0
  }

  struct Moment: Sendable {
    /// In milliseconds.
    var span: Int64
    var added: [ObservedEdge.Key: EdgeCounts]
  }

  private(set) var entries: [Reporter: Entry] = [:]
  /// Reports that came when there were too many edges.
  public private(set) var cut: UInt64 = 0
  private var edgeCount = 0

  public init() {}

  /// Reporters that are heard.
  public var count: Int { entries.count }

  /// What `reporter` says, as far as `facts` let it be believed; false when there is no such reporter.
  public mutating func take(
    _ report: MeshReport, from reporter: Reporter, knowing facts: MeshFacts, at now: Instant
  ) -> Bool {
    expire(at: now)
    let belief = Belief(facts: facts)
    guard belief.knows(reporter) else { return false }
    var report = report
    let told = report.edges.count + report.denials.count
    report.edges = report.edges.prefix(MeshReport.edgeLimit).filter {
      belief.believes($0.key, of: reporter)
    }
    report.denials = report.denials.suffix(MeshReport.denialLimit).filter {
      belief.believes($0, of: reporter)
    }
    let refused = told - report.edges.count - report.denials.count
    report.pods = report.pods.prefix(MeshReport.podLimit).filter {
      belief.believes($0, of: reporter)
    }
    report.certificates = report.certificates.prefix(MeshReport.podLimit).filter {
      belief.believes($0, of: reporter)
    }
    let former = entries[reporter]
    let others = edgeCount - (former?.counts.count ?? 0)
    if others + report.edges.count > Self.edgeLimit {
      report.edges = []
      cut += 1
    }
    var entry = Self.entry(report, after: former, at: now)
    entry.refused = refused
    edgeCount = others + entry.counts.count
    entries[reporter] = entry
    return true
  }

  public mutating func expire(at now: Instant) {
    for (reporter, entry) in entries where now - entry.received >= Self.silence {
      edgeCount -= entry.counts.count
      entries[reporter] = nil
    }
  }

  private static func entry(
    _ report: MeshReport, after former: Entry?, at now: Instant
  ) -> Entry {
    var entry = Entry(report: report, received: now)
    for edge in report.edges { entry.counts[edge.key] = edge.counts }
    let isSame = former.map {
      $0.report.started == report.started && $0.report.uptime < report.uptime
    }
    guard let former, isSame == true else {
      // Its first report, or it was started again: what it has counted so far happened in its life, which
      // tells nothing of the present unless it is short.
      if report.uptime <= window {
        entry.moments = [Moment(span: max(1, report.uptime), added: entry.counts)]
      }
      return entry
    }
    var added: [ObservedEdge.Key: EdgeCounts] = [:]
    for (key, counts) in entry.counts {
      // An edge that was forgotten meanwhile begins anew.
      let difference = former.counts[key].map { counts.since($0) ?? counts } ?? counts
      if !difference.isZero { added[key] = difference }
    }
    entry.moments = former.moments
    entry.moments.append(Moment(span: report.uptime - former.report.uptime, added: added))
    var span = entry.moments.reduce(0) { $0 + $1.span }
    while entry.moments.count > 1, let first = entry.moments.first, span - first.span >= window {
      span -= first.span
      entry.moments.removeFirst()
    }
    return entry
  }
}

extension ReportLog.Entry {
  /// What was added in the window, and how long that is in milliseconds; nil before there are two reports.
  var recent: (span: Int64, added: [ObservedEdge.Key: EdgeCounts])? {
    guard !moments.isEmpty else { return nil }
    var added: [ObservedEdge.Key: EdgeCounts] = [:]
    for moment in moments {
      for (key, counts) in moment.added { added[key, default: EdgeCounts()].add(counts) }
    }
    return (moments.reduce(0) { $0 + $1.span }, added)
  }
}
