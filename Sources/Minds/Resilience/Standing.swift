import Bytes
import MeshModel

/// What came of one request at an endpoint, as outlier detection sees it.
public enum Observation: Hashable, Sendable {
  /// The endpoint answered; for gRPC the status that `GRPCStatus.httpStatus` maps its status to.
  case answered(status: Int)
  /// It could not be reached, or the connection broke or went silent before it answered. Counted as 503
  /// unless local errors are counted apart.
  case failed
  /// No answer within the time for one try or for the request. Counted as 504 unless counted apart.
  case timedOut
}

/// The status of HTTP for which a `grpc-status` counts, as in other proxies of the ecosystem.
public enum GRPCStatus {
  public static func httpStatus(_ status: Int) -> Int {
    switch status {
    case 0: 200
    case 1: 499
    case 3, 9, 11: 400
    case 4: 504
    case 5: 404
    case 6, 10: 409
    case 7: 403
    case 8: 429
    case 12: 501
    case 14: 503
    case 16: 401
    default: 500
    }
  }
}

/// What outlier detection remembers of one endpoint. It stays while the endpoint does.
struct Standing {
  /// The longest ejection, unless the base is longer, as elsewhere.
  static let longestEjection = Interval.seconds(300)

  private var serverErrors = 0
  private var gatewayErrors = 0
  private var localErrors = 0
  /// Shrinks by one for every interval spent in the pool.
  private(set) var ejections = 0
  private(set) var ejectedUntil = Instant(nanoseconds: 0)
  private var inPoolSince = Instant(nanoseconds: 0)

  /// Counts, and answers whether the endpoint deserves to be ejected. It goes on deserving it until it
  /// answers well, so that it is ejected later when there is no room now.
  mutating func record(_ observation: Observation, _ rule: OutlierDetection) -> Bool {
    switch observation {
    case .answered(let status):
      localErrors = 0
      let isGatewayError = (502...504).contains(status)
      gatewayErrors = isGatewayError ? gatewayErrors + 1 : 0
      let isError = (500...599).contains(status) || rule.errorStatuses.contains(status)
      serverErrors = isError ? serverErrors + 1 : 0
    case .failed, .timedOut:
      if rule.splitsLocalErrors {
        localErrors += 1
      } else {
        gatewayErrors += 1
        serverErrors += 1
      }
    }
    return reached(serverErrors, rule.consecutive5xx) || reached(gatewayErrors, rule.consecutiveGatewayErrors)
      || reached(localErrors, rule.consecutiveLocalErrors)
  }

  private func reached(_ count: Int, _ limit: Int) -> Bool { limit > 0 && count >= limit }

  /// Base times the count of ejections, at most `longestEjection` or the base.
  mutating func eject(_ rule: OutlierDetection, now: Instant) {
    let interval = Bounds.interval(milliseconds: max(rule.interval, 1))
    let quiet = (now - inPoolSince).nanoseconds / interval.nanoseconds
    ejections = max(0, ejections - Int(clamping: quiet)) + 1
    let base = Bounds.interval(milliseconds: max(rule.baseEjectionTime, 1))
    let (grown, overflow) = base.nanoseconds.multipliedReportingOverflow(by: UInt64(ejections))
    let longest = max(Self.longestEjection, base)
    ejectedUntil = now + (overflow ? longest : min(Interval(nanoseconds: grown), longest))
  }

  /// Back in the pool, with a clean slate but for the count of ejections.
  mutating func restore(now: Instant) {
    (serverErrors, gatewayErrors, localErrors) = (0, 0, 0)
    inPoolSince = now
  }
}
