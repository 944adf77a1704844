import Bytes
public import Logging
public import Manifests
public import Reactor

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
    let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let inotify = try? Inotify()
    if inotify == nil {
      logger.warning("no inotify: manifests are looked at every \(Self.rescan.milliseconds) ms")
    }
    await withTaskGroup(of: Void.self) { group in
      if let inotify {
        group.addTask(executorPreference: thread) {
          while (try? await inotify.changed(on: thread)) != nil { signal.yield() }
        }
      }
      group.addTask(executorPreference: thread) {
        while (try? await thread.sleep(for: Self.rescan)) != nil { signal.yield() }
      }
      var reader = ManifestReader(directories: directories, options: options)
      reader = await look(reader, inotify, updates)
      for await _ in signals {
        guard await settle(reader) else { break }
        reader = await look(reader, inotify, updates)
      }
      group.cancelAll()
    }
  }

  /// Watches every directory there is now, then reads: what changes after the reading is signalled. Reading
  /// and parsing happen off the reactor thread, which others wait on.
  private func look(
    _ reader: ManifestReader, _ inotify: Inotify?, _ updates: AsyncStream<ManifestUpdate>.Continuation
  ) async -> ManifestReader {
    await Task.detached {
      var reader = reader
      if let inotify { reader.directories { try? inotify.watch(directory: $0) } }
      if let update = reader.read() { updates.yield(update) }
      return reader
    }.value
  }

  /// Waits until no file has changed for the quiet time. A writer that keeps a file open says nothing to
  /// inotify until it closes it, so the files are compared too. False when the task was cancelled.
  private func settle(_ reader: ManifestReader) async -> Bool {
    var debounce = Debounce()
    var files = reader.fingerprint()
    debounce.changed(at: Clock.now())
    while let deadline = debounce.deadline {
      do throws(SystemError) { try await thread.sleep(for: deadline - Clock.now()) } catch { return false }
      let now = Clock.now()
      let present = reader.fingerprint()
      if present != files {
        files = present
        debounce.changed(at: now)
      }
      if debounce.isDue(at: now) { return true }
    }
    return true
  }
}
