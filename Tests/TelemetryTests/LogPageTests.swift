import Bytes
import Logging
import Reactor
import Testing
import Transport

@testable import Telemetry

@Suite("Levels of the log, changed while the process runs")
struct LogPageTests {
  private func ask(_ page: LogPage, _ query: String?) async -> String {
    let answer = await page.action(query)
    return "\(answer.status) \(String(decoding: answer.body, as: UTF8.self))"
  }

  @Test("one level for all, of scopes, and back")
  func changes() async throws {
    let levels = LogLevels()
    try levels.set("info,access=warning")
    let page = LogPage(levels)
    #expect(await ask(page, nil) == "200 current log level is info,access=warning\n")
    #expect(
      await ask(page, "level=agent%3Adebug")
        == "200 current log level is info,access=warning,agent=debug\n")
    #expect(levels.level(of: "agent") == .debug && levels.level(of: "access") == .warning)
    #expect(await ask(page, "level=error") == "200 current log level is error\n")
    #expect(await ask(page, "level=loud").hasPrefix("400 \"loud\" is no log level"))
    #expect(levels.level(of: "access") == .error)
    #expect(await ask(page, "reset") == "200 current log level is info,access=warning\n")
  }
}

@Suite("What is gathered once in a while")
struct GatheredTests {
  @Test("who asks again within the time gets the same, and nobody is asked for it")
  func once() async {
    let gathered = Gathered(for: .seconds(3_600)) { Clock.wall() }
    let first = await gathered.value()
    #expect(await gathered.value() == first)
    let eager = Gathered(for: .milliseconds(0)) { Clock.now().nanoseconds }
    let one = await eager.value()
    #expect(await eager.value() != one)
  }
}
