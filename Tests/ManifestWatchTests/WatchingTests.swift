import Bytes
import Logging
import Manifests
import MeshModel
import Reactor
import Testing

@testable import ManifestWatch

@Suite(.timeLimit(.minutes(1))) struct WatchingTests {
  @Test func anEditReachesTheReader() async throws {
    let directory = try TemporaryDirectory()
    try directory.write("namespace.yaml", TemporaryDirectory.namespace("shop"))
    let thread = try ReactorThread(name: "test-watch")
    let watch = ManifestWatch(directories: [directory.path], thread: thread, logger: Logger(label: "test"))
    var isEdited = false
    for await update in watch.updates() {
      if !isEdited {
        isEdited = true
        try directory.write("web.yaml", TemporaryDirectory.service("web"))
      } else if update.mesh?.services.map(\.name) == ["web"] {
        break
      }
    }
    #expect(isEdited)
  }

  @Test func burstsEndByQuietOrByTheMaximum() {
    var debounce = Debounce()
    let start = Instant(nanoseconds: 1_000_000_000)
    #expect(debounce.deadline == nil)
    debounce.changed(at: start)
    #expect(debounce.deadline == start + .milliseconds(100))
    var now = start
    while now < start + .seconds(9) {
      now = now + .milliseconds(90)
      debounce.changed(at: now)
    }
    #expect(debounce.deadline == now + .milliseconds(100))
    while now < start + .seconds(11) {
      now = now + .milliseconds(90)
      debounce.changed(at: now)
    }
    #expect(debounce.deadline == start + .seconds(10))
    let due = debounce.isDue(at: now)
    #expect(due)
    let again = debounce.isDue(at: now)
    #expect(!again)
  }
}
