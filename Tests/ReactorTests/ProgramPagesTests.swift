import Testing

@testable import Reactor

@Suite struct ProgramPagesTests {
  private func mapping(_ line: String, anonymous: Int = 0, swap: Int = 0) -> String {
    """
    \(line)
    Size:                  4 kB
    Anonymous:             \(anonymous) kB
    AnonHugePages:         0 kB
    Swap:                  \(swap) kB
    SwapPss:               0 kB
    VmFlags: rd ex mr mw me

    """
  }

  @Test func onlyFilesAsTheyAreAreLetGo() {
    let maps =
      mapping("1000-2000 r--p 00000000 fd:00 1                          /usr/bin/apus-agent")
      + mapping("2000-4000 r-xp 00001000 fd:00 1                          /usr/bin/a b (deleted)")
      + mapping("4000-5000 r--p 00003000 fd:00 1                          /usr/bin/apus-agent", anonymous: 4)
      + mapping("5000-6000 r--p 00003000 fd:00 1                          /usr/bin/apus-agent", swap: 4)
      + mapping("6000-7000 rw-p 00003000 fd:00 1                          /usr/bin/apus-agent")
      + mapping("7000-8000 rwxp 00003000 fd:00 1                          /usr/bin/apus-agent")
      + mapping("8000-9000 r-xs 00003000 fd:00 1                          /usr/bin/apus-agent")
      + mapping("9000-a000 r-xp 00000000 00:00 0 ")
      + mapping("a000-b000 r-xp 00000000 00:00 0                          [vdso]")
      + "nonsense\n" + mapping("b000-b000 r-xp 00000000 fd:00 1                /lib/libc.so.6")
    #expect(ProgramPages.unchanged(in: maps) == [0x1000..<0x2000, 0x2000..<0x4000])
    #expect(ProgramPages.unchanged(in: "1000-2000 r--p 00000000 fd:00 1 /cut\nAnonymous: 0 kB\n").isEmpty)
  }

  @Test func theProcessGoesOn() throws {
    let maps = try Files.text("/proc/self/smaps", limit: 8 << 20)
    #expect(!ProgramPages.unchanged(in: maps).isEmpty)
    for _ in 0..<3 { ProgramPages.letGo() }
    #expect((0..<1_000).map { "\($0)" }.joined().utf8.count == 2_890)
  }
}
