import ArgumentParser
import Bytes
import DevKit
import Foundation
import Reactor

/// `apus dev up --detach`: starts this program again in a session of its own, and shows what it says until
/// all is ready.
struct DetachedUp {
  let options: UpOptions
  /// Seconds.
  let timeout: Int

  func run(_ words: [String]) throws {
    // In memory, and gone with the last of us: the mesh writes its events to its own log.
    let output = try MemoryFile(name: "apus-up", content: [])
    let nothing = try Files.openNothing()
    let child = try ChildProcess(
      ChildProcess.Launch(
        path: options.executable, arguments: ["apus"] + words,
        environment: ProcessInfo.processInfo.environment,
        descriptors: [nothing.number, output.descriptor, output.descriptor]))
    var shown = 0
    let deadline = Clock.now() + .seconds(max(1, timeout))
    while Clock.now() < deadline {
      if let code = child.exitCode() {
        show(output.descriptor, from: &shown)
        throw ExitCode(code)
      }
      show(output.descriptor, from: &shown)
      // Another mesh of this name is not ours to wait for: the child will say so.
      if DevClient.process(of: options.name) == child.pid,
        let reply = try? DevClient.ask(
          DevRequest(.wait, timeout: 1), of: options.name, timeout: .seconds(10)),
        reply.error == nil
      {
        show(output.descriptor, from: &shown)
        Output.text(DevText.listing(reply))
        return
      }
      Thread.sleep(forTimeInterval: 0.02)
    }
    let reply = try DevClient.ask(DevRequest(.wait, timeout: 0), of: options.name)
    throw DevError.failed(
      "\(reply.error ?? "It is not ready.") It runs on: `apus dev ps --name \(options.name)` shows it, "
        + "`apus dev down --name \(options.name)` ends it.")
  }

  private func show(_ descriptor: Int32, from shown: inout Int) {
    guard let bytes = try? Files.read("/proc/self/fd/\(descriptor)", limit: 8 << 20), bytes.count > shown
    else { return }
    Output.errorText(String(decoding: bytes[shown...], as: UTF8.self))
    shown = bytes.count
  }
}
