import ClusterWatch
import Dispatch
import Glibc
import Logging
import Reactor
import Synchronization
public import Telemetry

/// The control plane as a process: start, serve until SIGTERM or SIGINT, end. SIGHUP reads the tokens and the
/// authority again.
public enum ControlProcess {
  public static let version = "0.1.0"

  /// Runs on the calling thread, which must be the only one so far: threads inherit its blocked signals.
  ///
  /// - Throws: when it cannot start.
  public static func run(
    _ configuration: ControlConfiguration, log settings: LogSettings
  ) throws(ControlError) {
    ProcessSetup.harden()
    let signals: SignalWatch
    let thread: ReactorThread
    do throws(SystemError) {
      signals = try SignalWatch([SIGTERM, SIGINT, SIGHUP])
      thread = try ReactorThread(name: "control")
    } catch {
      throw ControlError("it cannot start: \(error)")
    }
    let output: LogOutput
    do throws(LogSettingsError) {
      output = try settings.bootstrap()
    } catch {
      throw ControlError("\(error)")
    }
    defer { output.flush() }
    let log = Logger(label: "control")
    let end = End()
    Task(executorPreference: thread) {
      do throws(ControlError) {
        try await serve(configuration, signals, thread, log)
      } catch {
        end.failure.withLock { $0 = error }
      }
      end.reached.signal()
    }
    end.reached.wait()
    if let failure = end.failure.withLock({ $0 }) { throw failure }
  }

  private final class End: Sendable {
    let reached = DispatchSemaphore(value: 0)
    let failure = Mutex<ControlError?>(nil)
  }

  private static func serve(
    _ configuration: ControlConfiguration, _ signals: SignalWatch, _ thread: ReactorThread, _ log: Logger
  ) async throws(ControlError) {
    let cluster: ClusterHome? =
      if let settings = configuration.cluster {
        try await ClusterHome.open(settings, trustDomain: configuration.trustDomain, on: thread, log: log)
      } else {
        nil
      }
    let control = try Control(configuration, of: cluster, on: thread, log: log)
    try await control.start()
    while let signal = try? await signals.next(on: thread) {
      guard signal == SIGHUP else { break }
      await control.reload()
    }
    log.notice("control plane ends")
    await cluster?.leadership.resign()
    await control.stop()
  }
}
