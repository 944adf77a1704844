internal import CLinux
import Glibc

/// A thread of our own: it runs `body` once and ends.
public enum WorkerThread {
  private final class Body: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(_ name: String, _ run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }

  /// `name`: at most 15 bytes are kept by the kernel.
  public static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let argument = unsafe Unmanaged.passRetained(Body(name, body)).toOpaque()
    let code = unsafe pthread_create(
      &thread, nil,
      { argument in
        let body = unsafe Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
        unsafe apus_name_thread(body.name)
        body.run()
        return nil
      }, argument)
    precondition(code == 0, "cannot start the thread \(name)")
    pthread_detach(thread)
  }
}
