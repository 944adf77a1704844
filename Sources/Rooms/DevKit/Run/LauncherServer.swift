import Bytes
import Foundation
import MeshModel
import Reactor
import Synchronization

/// What starts waypoints here: hears from the control plane which are to run, and how many of each.
final class LauncherServer: Sendable {
  /// No message is longer: a thousand waypoints.
  private static let messageLimit = 256 << 10

  private struct Message: Decodable {
    var waypoints: [String: Int]
  }

  private let thread: ReactorThread
  private let listener: SeqPacket
  private let bell: Doorbell
  private let told = Mutex<[WaypointName: Int]>([:])

  /// As the newest connection last said; kept while the control plane is away.
  var wanted: [WaypointName: Int] { told.withLock { $0 } }

  init(path: String, bell: Doorbell, on thread: ReactorThread) throws(SystemError) {
    self.thread = thread
    self.bell = bell
    listener = try SeqPacket.listen(on: path)
  }

  /// Serves until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      do throws(SystemError) {
        if let packets = try listener.accept() {
          let connection = ControlListener(packets)
          Task { await self.follow(connection) }
        } else {
          _ = try await thread.ready(listener.descriptor, for: .readable)
        }
      } catch {
        guard error != .cancelled else { return }
        try? await thread.sleep(for: .milliseconds(100))
      }
    }
  }

  private func follow(_ connection: ControlListener) async {
    do {
      while true {
        guard let message = try connection.packets.receive(upTo: Self.messageLimit) else {
          _ = try await thread.ready(connection.packets.descriptor, for: [.readable, .peerClosed])
          continue
        }
        guard !message.bytes.isEmpty else { return }
        let said = try JSONDecoder().decode(Message.self, from: Data(message.bytes))
        let wanted = Dictionary(
          said.waypoints.compactMap { text, count in
            WaypointName(text).map { ($0, min(count, WaypointConfiguration.replicaLimits.upperBound)) }
          }
        ) { first, _ in first }
        told.withLock { $0 = wanted }
        bell.ring()
      }
    } catch {
      // The control plane comes back, or nobody does.
    }
  }
}
