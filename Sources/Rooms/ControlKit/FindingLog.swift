import Logging
import ManifestWatch
import Manifests

/// Tells the log what is to be said about the manifests: each finding when it appears, not at every change.
struct FindingLog {
  private let log: Logger
  private var told: Set<Finding> = []
  private var rejected: [String] = []
  private var isFirst = true

  init(_ log: Logger) { self.log = log }

  mutating func tell(_ update: ManifestUpdate) {
    let findings = Set(update.findings)
    for finding in update.findings where !told.contains(finding) {
      log.log(
        level: Self.level(finding.severity), "\(Self.message(finding))", metadata: Self.metadata(finding))
    }
    told = findings
    defer {
      rejected = update.rejected
      isFirst = false
    }
    guard rejected != update.rejected || (isFirst && update.mesh == nil) else { return }
    if update.rejected.isEmpty {
      log.notice("the manifests are valid again and count")
    } else {
      let stays = update.mesh == nil ? "nothing is published yet" : "their last good state stays published"
      log.error(
        "manifests are not accepted: \(stays)",
        metadata: ["directories": "\(update.rejected.joined(separator: ","))"]
      )
    }
  }

  private static func level(_ severity: Finding.Severity) -> Logger.Level {
    switch severity {
    case .info: .debug
    case .warning: .warning
    case .error: .error
    }
  }

  private static func message(_ finding: Finding) -> String {
    finding.object.isEmpty ? finding.message : "\(finding.object): \(finding.message)"
  }

  private static func metadata(_ finding: Finding) -> Logger.Metadata {
    var metadata: Logger.Metadata = ["place": "\(finding.place)", "code": "\(finding.code.rawValue)"]
    if !finding.remedy.isEmpty { metadata["remedy"] = "\(finding.remedy)" }
    return metadata
  }
}
