import Enrollment
import Testing

@Suite struct PodCgroupTests {
  private static let uid = "0a1b2c3d-1111-2222-3333-444455556666"

  @Test(arguments: [
    "0::/kubepods/burstable/pod0a1b2c3d-1111-2222-3333-444455556666/abc",
    "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod0a1b2c3d_1111_2222_3333_444455556666.slice/cri-containerd-abc.scope",
    "0::/../../kubepods-pod0a1b2c3d_1111_2222_3333_444455556666.slice/x",
    "12:cpu,cpuacct:/kubepods/pod0a1b2c3d-1111-2222-3333-444455556666/x\n0::/",
    "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod0a1b2c3d_1111_2222_3333_444455556666.slice/crio-1.scope",
  ])
  func knows(_ text: String) { #expect(PodCgroup.names(Self.uid, in: text)) }

  @Test(arguments: [
    "", "0::/", "0::/kubepods/burstable/pod0a1b2c3d-1111-2222-3333-44445555666/abc",
    "0::/kubepods/burstable/pod0a1b2c3d-1111-2222-3333-4444555566667/abc",
    "0::/system.slice/xpod0a1b2c3d-1111-2222-3333-444455556666/abc",
    "0::/kubepods/0a1b2c3d-1111-2222-3333-444455556666",
    "pod0a1b2c3d-1111-2222-3333-444455556666",
  ])
  func isNotFooled(_ text: String) { #expect(!PodCgroup.names(Self.uid, in: text)) }

  @Test func shortUidsNameNobody() {
    #expect(!PodCgroup.names("", in: "0::/pod/x") && !PodCgroup.names("a", in: "0::/poda/x"))
  }
}
