import Bytes
public import Logging
public import Manifests
public import Reactor
import Synchronization

/// Watches directories of manifests: an edit takes effect when files have been quiet for 100 ms (10 s at
/// most), and an invalid one is reported while the last good state stays.
public struct ManifestWatch: Sendable {
  private let directories: [String]
  private let options: CompileOptions
  private let thread: ReactorThread
  private let logger: Logger

  /// Changes that the kernel did not tell of (a directory that appeared late, a filesystem without events)
  /// are seen after this time.
  private static let rescan = Interval.seconds(5)

  /// Waits happen on `thread`; files are read elsewhere.
  public init(
    directories: [String], options: CompileOptions = CompileOptions(), thread: ReactorThread, logger: Logger
  ) {
    self.directories = directories
    self.options = options
    self.thread = thread
    self.logger = logger
  }

  /// The state now, and then every other one. A slow reader sees the newest only. Ends when its task is
  /// cancelled.
  public func updates() -> AsyncStream<ManifestUpdate> {
    AsyncStream(bufferingPolicy: .bufferingNewest(1)) { updates in
      let task = Task(executorPreference: thread) {
        await run(updates)
        updates.finish()
      }
      updates.onTermination = { _ in task.cancel() }
    }
  }

  private func run(_ updates: AsyncStream<ManifestUpdate>.Continuation) async {
    var reader = ManifestReader(directories: directories, options: options)
    let changes = ChangeCount()
    await withTaskGroup(of: Void.self) { group in
      let inotify = try? Inotify()
      if let inotify {
        group.addTask(executorPreference: thread) { await follow(inotify, changes) }
      } else {
        logger.warning("changes of manifests are looked for every \(Self.rescan.milliseconds) ms: no inotify")
      }
      while !Task.isCancelled {
        if let inotify { reader.directories { try? inotify.watch(directory: $0) } }
        let seen = changes.value
        reader = await Self.read(reader, updates)
        await settle(reader, changes, since: seen)
      }
      group.cancelAll()
    }
  }

  /// Reads and parses off the reactor thread, which others wait on.
  private static func read(
    _ reader: ManifestReader, _ updates: AsyncStream<ManifestUpdate>.Continuation
  ) async -> ManifestReader {
    await Task.detached {
      var reader = reader
      if let update = reader.read() { updates.yield(update) }
      return reader
    }.value
  }

  private func follow(_ inotify: Inotify, _ changes: ChangeCount) async {
    while !Task.isCancelled {
      do throws(SystemError) {
        try await inotify.changed(on: thread)
        changes.add()
      } catch {
        return
      }
    }
  }

  /// Returns when something changed and then nothing for a while, or after the rescan time.
  private func settle(_ reader: ManifestReader, _ changes: ChangeCount, since seen: UInt64) async {
    let start = Clock.now()
    var debounce = Debounce()
    var count = seen
    var fingerprint: [[String: FileStamp]]?
    while !Task.isCancelled {
      let now = Clock.now()
      if changes.value != count {
        count = changes.value
        debounce.changed(at: now)
        fingerprint = reader.fingerprint()
      }
      if debounce.deadline == nil, now - start >= Self.rescan { return }
      var due = debounce
      if due.isDue(at: now) {
        // A writer that keeps a file open says nothing until it closes it.
        let current = reader.fingerprint()
        guard current != fingerprint, now - start < debounce.maximum + Self.rescan else { return }
        fingerprint = current
        debounce.changed(at: now)
      }
      do throws(SystemError) { try await thread.sleep(for: .milliseconds(25)) } catch { return }
    }
  }
}

/// Counts changes from one task to another.
private final class ChangeCount: Sendable {
  private let count = Atomic<UInt64>(0)

  var value: UInt64 { count.load(ordering: .acquiring) }

  func add() { count.add(1, ordering: .releasing) }
}
