import Glibc
import Reactor
import Synchronization
import Testing
import Transport

@testable import Telemetry

@Suite struct ProfileTests {
  @Test func stacksAreCountedOutermostFirst() {
    var stacks = FoldedStacks()
    stacks.add([3, 2, 1], of: "worker-0")
    stacks.add([3, 2, 1], of: "worker-0")
    stacks.add([1], of: "log")
    #expect(stacks.text { "f\($0)" } == "log;f1 1\nworker-0;f1;f2;f3 2\n")
    #expect(stacks.text { _ in "a;b\n" } == "log;a:b: 1\nworker-0;a:b:;a:b:;a:b: 2\n")
    var many = FoldedStacks()
    for address in 0..<UInt64(FoldedStacks.limit) + 3 { many.add([address], of: "t") }
    #expect(many.text { String($0) }.hasPrefix("other stacks 3\n"))
  }

  @Test func functionsOfLibrariesHaveNames() throws {
    let maps = try Files.text("/proc/self/maps", limit: 8 << 20)
    var programs = LoadedPrograms(maps: maps)
    let function = unsafe dlsym(nil, "strtoull")
    let address = UInt64(UInt(bitPattern: function))
    #expect(programs.name(at: address).contains("strto"))
    #expect(programs.name(at: 0x10) == "0x10")
    // In a file, and in no function of it.
    let libc = try #require(maps.split(separator: "\n").first { $0.contains("/libc.so") })
    let start = try #require(libc.split(separator: "-").first.flatMap { UInt64($0, radix: 16) })
    #expect(programs.name(at: start + 1) == "libc.so.6+0x1")
  }

  @Test(arguments: [0, 3, 40, 64, 4_096]) func whatIsNoProgramHasNoNames(length: Int) {
    let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    let magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1]
    for content in [bytes, magic + bytes.dropFirst(6)] {
      let symbols = ProgramSymbols { offset, count in Array(content.dropFirst(offset).prefix(count)) }
      #expect(symbols.name(at: 5) == nil)
    }
  }

  private final class Burner: Sendable {
    let isOver = Mutex(false)

    init() {
      WorkerThread.start("burner") { [self] in while !isOver.withLock({ $0 }) {} }
    }
  }

  @Test(.enabled(if: ProcessSetup.isRoot, "the kernel lets root sample"))
  func aBusyThreadIsSeenAndProfilesAreTakenOneByOne() async throws {
    let page = ProfilePage(on: try ReactorThread(name: "pages")).page
    let burner = Burner()
    defer { burner.isOver.withLock { $0 = true } }
    async let one = page("seconds=1")
    async let other = page("seconds=1")
    let pages = await [one, other].sorted { $0.status < $1.status }
    #expect(pages.map(\.status) == [200, 503])
    #expect(String(decoding: pages[1].body, as: UTF8.self).contains("ask again"))
    #expect(String(decoding: pages[0].body, as: UTF8.self).contains("burner;"))
    #expect(await page("seconds=1").status == 200)
  }

  @Test func secondsHaveALimit() async throws {
    #expect(ProfilePage.seconds(nil) == ProfilePage.usualSeconds)
    for text in ["0", "21", "-1", "x", ""] { #expect(ProfilePage.seconds(text) == nil) }
    let page = ProfilePage(on: try ReactorThread(name: "pages")).page
    #expect(await page("seconds=100").status == 400)
  }
}
