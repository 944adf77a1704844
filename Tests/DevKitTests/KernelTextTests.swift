import Testing

@testable import DevKit

@Suite struct KernelTextTests {
  @Test func listenersAreFoundAndConnectionsAreNot() {
    let text = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
         1: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2
         2: 0201F40A:1F91 0301F40A:D431 01 00000000:00000000 00:00000000 00000000     0        0 3
      nonsense
         3: broken 00000000:0000 0A 0
      """
    #expect(ListeningPorts.parse(text) == [8080, 80])
    #expect(ListeningPorts.parse("").isEmpty)
    let six = """
        sl  local_address                         remote_address                        st tx_queue
         0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000
      """
    #expect(ListeningPorts.parse(six) == [8080])
  }

  @Test func mountsAreRead() {
    let table = MountTable(
      """
      22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
      30 22 0:25 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
      40 22 0:4 net:[4026532201] /run/netns/apus-dev-fabric rw shared:5 - nsfs nsfs rw
      41 22 0:4 net:[4026532202] /run/netns/with\\040blank rw - nsfs nsfs rw
      42 22 0:4 net:[4026532203] /var/other rw - nsfs nsfs rw
      43 22 0:30 / /sys/fs/bpf rw - bpf bpf rw
      broken
      """)
    #expect(table.cgroup2 == "/sys/fs/cgroup/unified")
    #expect(table.namespaces(below: "/run/netns") == ["/run/netns/apus-dev-fabric", "/run/netns/with blank"])
    #expect(table.isMounted("bpf", at: "/sys/fs/bpf"))
    #expect(!table.isMounted("bpf", at: "/"))
    #expect(MountTable("").cgroup2 == nil)
  }

  @Test func startOfAProcessIsFoundBehindAnOddName() {
    let fields = (4...30).map(String.init).joined(separator: " ")
    #expect(ProcessIdentity.start("77 (a) b (c)) S \(fields)") == 22)
    #expect(ProcessIdentity.start("77 (a) S 1 2") == nil)
    #expect(ProcessIdentity.start("") == nil)
  }

  @Test(arguments: [
    ("HTTP/1.1 200 OK\r\n", true), ("HTTP/1.0 302 Found", true), ("HTTP/1.1 404 No", false),
    ("HTTP/1.1 500 Oops", false), ("SSH-2.0-OpenSSH", false), ("HTTP/1.1", false), ("", false),
  ])
  func answersOfProbes(_ line: String, _ isGood: Bool) {
    #expect(Probe.isGood(status: Array(line.utf8)) == isGood)
  }

  @Test func rootOfAContainerIsNotRoot() {
    #expect(Privileges.suffice("Name:\tapus\nCapPrm:\t0\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n"))
    #expect(!Privileges.suffice("CapEff:\t00000000a80425fb\n"))
    #expect(!Privileges.suffice("CapEff:\tnonsense\n"))
    #expect(!Privileges.suffice(""))
    #expect(Privileges.isWholeMachine("         0          0 4294967295\n"))
    #expect(!Privileges.isWholeMachine("         0       1000          1\n"))
    #expect(!Privileges.isWholeMachine(""))
  }

  @Test func programsAreFoundAsAShellFindsThem() {
    #expect(PodEntry.find("sh", path: "/nowhere:/bin:/usr/bin") == "/bin/sh")
    #expect(PodEntry.find("/bin/sh", path: "") == "/bin/sh")
    #expect(PodEntry.find("sh", path: "/nowhere") == nil)
    #expect(PodEntry.find("/etc/passwd", path: "") == nil)
    #expect(PodEntry.find("/etc", path: "") == nil)
    #expect(PodEntry.path(in: ["PATH=/a", "X=1", "PATH=/b"]) == "/b")
    #expect(PodEntry.path(in: []) == PodEntry.defaultPath)
  }
}
