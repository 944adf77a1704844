import Bytes
import DevKit
import Foundation
import Inspecting
import MeshGraph
import Reactor

/// The terminal while `apus top` lives on it: its second screen, keys, and its size, which may change.
actor TopSession {
  private let thread: ReactorThread
  private let client: PlaceClient
  private let interval: Interval
  private let hasColour: Bool
  private var screen: TopScreen
  private var isOver = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.executor }

  private init(
    _ thread: ReactorThread, _ client: PlaceClient, _ screen: TopScreen, _ interval: Interval,
    _ hasColour: Bool
  ) {
    self.thread = thread
    self.client = client
    self.screen = screen
    self.interval = interval
    self.hasColour = hasColour
  }

  /// Returns when the user leaves, or the terminal goes.
  static func run(
    _ control: Place, _ screen: TopScreen, every interval: Interval, hasColour: Bool
  ) throws(DevError) {
    let signals: SignalWatch
    let session: TopSession
    let keys: KeyInput
    do {
      // Before other threads: they inherit what is blocked.
      signals = try SignalWatch([SIGWINCH, SIGINT, SIGTERM, SIGHUP])
      session = TopSession(
        try ReactorThread(name: "top"), try PlaceClient(control), screen, interval, hasColour)
      keys = try KeyInput(0)
    } catch {
      throw .failed("The terminal cannot be used: \(error).")
    }
    // The second screen, without a cursor; then the first as it was (xterm, "Alternate Screen Buffer").
    Output.text("\u{1b}[?1049h\u{1b}[?25l")
    defer {
      Output.text("\u{1b}[?25h\u{1b}[?1049l")
      keys.end()
    }
    try Blocking.run { () async throws(DevError) in await session.live(signals, keys) }
  }

  private func live(_ signals: SignalWatch, _ keys: KeyInput) async {
    draw()
    let following = Task { await self.follow() }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.listen(keys) }
      group.addTask { await self.heed(signals) }
      // Whichever is first: a key or a signal that ends it.
      _ = await group.next()
      isOver = true
      group.cancelAll()
    }
    following.cancel()
  }

  private func follow() async {
    while !Task.isCancelled {
      do throws(AskingError) { screen.take(try await client.graph()) } catch {
        screen.problem = "the control plane does not tell: \(error)"
      }
      draw()
      try? await thread.sleep(for: interval)
    }
  }

  /// Until a key leaves, or the terminal is gone.
  private func listen(_ keys: KeyInput) async {
    while let pressed = try? await keys.next(on: thread), !pressed.isEmpty {
      if case .leave = screen.press(pressed) { return }
      draw()
    }
  }

  /// Until a signal that ends; the others say that the window has another size.
  private func heed(_ signals: SignalWatch) async {
    while let signal = try? await signals.next(on: thread), signal == SIGWINCH { draw() }
  }

  /// Line by line over what is there: nothing flickers.
  private func draw() {
    guard !isOver else { return }
    let size = Terminal.size(of: 1) ?? (80, 24)
    let lines = screen.lines(rows: size.rows, Table.Style(width: size.columns, hasColour: hasColour))
    Output.text("\u{1b}[H" + lines.map { $0 + "\u{1b}[K" }.joined(separator: "\n") + "\u{1b}[J")
  }
}
