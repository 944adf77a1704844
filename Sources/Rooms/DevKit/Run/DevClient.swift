public import Bytes
import Foundation
import Reactor

/// Asks a running mesh over its control socket; used by the short commands, which have nothing else to wait
/// for.
public enum DevClient {
  public static func ask(
    _ request: DevRequest, of name: MeshName, timeout: Interval = .seconds(30)
  ) throws(DevError) -> DevReply {
    try Machine.requireRoot()
    let packets: SeqPacket
    do throws(SystemError) {
      packets = try SeqPacket.connect(to: MeshPaths(name).control)
    } catch {
      throw absent(name)
    }
    let bytes: [UInt8]
    do {
      _ = try packets.send(Array(try JSONEncoder().encode(request)))
      bytes = try receive(from: packets, before: Clock.now() + timeout)
    } catch let error as DevError {
      throw error
    } catch {
      throw .failed("The mesh \(name) does not answer: \(error).")
    }
    guard let reply = try? JSONDecoder().decode(DevReply.self, from: Data(bytes)) else {
      throw .failed("The mesh \(name) ended while it was asked, or is of another version.")
    }
    return reply
  }

  /// The names of the meshes that run here, or have left traces.
  public static var meshes: [String] { RunDirectory.meshes }

  /// The directories of manifests of a mesh, as its control plane reads them: the user's, then that of the
  /// pods. Nil when there is no such mesh.
  public static func manifests(of name: MeshName) -> [String]? {
    RunDirectory.record(name).map { [$0.directory, MeshPaths(name).cluster] }
  }

  /// The process that runs the mesh, or ran it; nil when there is none.
  public static func process(of name: MeshName) -> Int32? { RunDirectory.record(name)?.process }

  private static func receive(from packets: borrowing SeqPacket, before deadline: Instant) throws -> [UInt8] {
    let poller = try Poller()
    try poller.add(packets.descriptor, [.readable, .peerClosed], token: 1)
    var events = PollEvents(capacity: 1)
    var bytes: [UInt8] = []
    while bytes.count < ControlWire.replyLimit {
      if let message = try packets.receive(upTo: ControlWire.messageLimit) {
        guard !message.isEnd else { break }
        bytes += message.bytes
        continue
      }
      let now = Clock.now()
      guard now < deadline else { throw DevError.failed("The mesh does not answer in time.") }
      try poller.wait(into: &events, timeout: deadline - now)
    }
    return bytes
  }

  private static func absent(_ name: MeshName) -> DevError {
    if RunDirectory.record(name) != nil {
      return .failed(
        "The mesh \(name) was killed, or is starting: `apus dev down --name \(name)` removes what it left.")
    }
    let others = RunDirectory.meshes.filter { $0 != name.description }
    let hint = "start it with `apus dev up DIR\(name.flag)`"
    let choice =
      others.isEmpty ? "" : ", or choose one that runs with --name: \(others.joined(separator: ", "))"
    return .failed("No mesh named \(name) is running; \(hint)\(choice).")
  }
}
