import MeshModel
import Testing

@testable import Manifests

/// Objects as the Kubernetes API tells them, and what of them counts.
@Suite struct ClusterSetTests {
  private static func kind(_ name: String) -> ClusterKind { ClusterKind.all.first { $0.kind == name }! }

  private static func list(_ kind: String, _ items: [String], version: String = "v1") throws
    -> [ClusterObject]
  {
    let text = #"{"metadata":{"resourceVersion":"7"},"items":[\#(items.joined(separator: ","))]}"#
    return try ClusterList(Array(text.utf8), of: Self.kind(kind), version: version).objects
  }

  private static func namespace(_ name: String) -> String {
    #"{"metadata":{"name":"\#(name)","labels":{"istio.io/dataplane-mode":"ambient"}}}"#
  }

  private static func pod(_ name: String, ip: String = "10.1.0.1", version: String = "5") -> String {
    """
    {"metadata":{"name":"\(name)","namespace":"shop","uid":"u-\(name)","resourceVersion":"\(version)",
      "labels":{"app":"web"},"annotations":{"big":"\(String(repeating: "x", count: 100))"}},
     "spec":{"nodeName":"node-1","serviceAccountName":"web","containers":[{"name":"c","image":"i",
       "env":[{"name":"A","value":"b"}],"ports":[{"containerPort":80}]}]},
     "status":{"phase":"Running","podIP":"\(ip)","podIPs":[{"ip":"\(ip)"}],
       "conditions":[{"type":"Ready","status":"True"}]}}
    """
  }

  private static func peer(_ mode: String, version: String = "9") -> String {
    """
    {"metadata":{"name":"p","namespace":"shop","resourceVersion":"\(version)"},
     "spec":{"mtls":{"mode":"\(mode)"}}}
    """
  }

  private static func service(_ name: String, ip: String) -> String {
    """
    {"metadata":{"name":"\(name)","namespace":"shop"},
     "spec":{"clusterIP":"\(ip)","clusterIPs":["\(ip)"],"selector":{"app":"web"},"type":"ClusterIP",
       "internalTrafficPolicy":"Cluster","ports":[{"port":80,"protocol":"TCP","targetPort":80}]}}
    """
  }

  private static func whole() throws -> ClusterSet {
    var set = ClusterSet()
    set.replace(kind("Namespace"), with: try list("Namespace", [namespace("shop")]))
    set.replace(kind("Pod"), with: try list("Pod", [pod("web-1")]))
    set.replace(kind("Service"), with: try list("Service", [service("web", ip: "10.96.0.1")]))
    return set
  }

  private static func modes(_ update: ManifestUpdate?) -> [PeerAuthenticationObject.Mode] {
    update?.objects.peerAuthentications.map(\.mode) ?? []
  }

  @Test func makesAMesh() throws {
    var set = try Self.whole()
    let compiled1 = set.compile()
    let update = try #require(compiled1)
    #expect(update.isAccepted && !update.findings.containsErrors, "\(update.findings)")
    let mesh = try #require(update.mesh)
    #expect(mesh.workloads.map(\.name) == ["web-1"] && mesh.workloads[0].node == "node-1")
    #expect(mesh.workloads[0].tunnelProtocol == .hbone && mesh.workloads[0].services.count == 1)
    let step2 = set.compile()
    #expect(step2 == nil)
    // Only what the mesh needs is kept.
    let pod = update.objects.pods[0]
    #expect(pod.meta.annotations.isEmpty && pod.spec.containers[0].env.isEmpty)
    #expect(pod.spec.containers[0].ports.count == 1)
  }

  @Test func aChangeThatIsNoneForTheMeshIsNoNews() throws {
    var set = try Self.whole()
    _ = set.compile()
    let step3 = try set.put(Self.kind("Pod"), Self.list("Pod", [Self.pod("web-1", version: "6")])[0])
    #expect(!step3)
    let step4 = try set.put(Self.kind("Pod"), Self.list("Pod", [Self.pod("web-1", ip: "10.1.0.2")])[0])
    #expect(step4)
    let step5 = set.compile()
    #expect(step5?.mesh?.workloads[0].addresses == [IPAddress("10.1.0.2")!])
    let step6 = set.remove(Self.kind("Pod"), key: "shop/web-1")
    #expect(step6)
    let step7 = set.compile()
    #expect(step7?.mesh?.workloads.isEmpty == true)
  }

  @Test func aRelistTakesWhatIsGone() throws {
    var set = try Self.whole()
    _ = set.compile()
    let step8 = try set.replace(Self.kind("Pod"), with: Self.list("Pod", [Self.pod("web-2")]))
    #expect(step8)
    let step9 = set.compile()
    #expect(step9?.mesh?.workloads.map(\.name) == ["web-2"])
    let step10 = try set.replace(Self.kind("Pod"), with: Self.list("Pod", [Self.pod("web-2")]))
    #expect(!step10)
  }

  @Test func aBrokenPolicyKeepsItsEarlierVersion() throws {
    var set = try Self.whole()
    let kind = Self.kind("PeerAuthentication")
    set.put(kind, try Self.list("PeerAuthentication", [Self.peer("STRICT")])[0])
    let step11 = set.compile()
    #expect(Self.modes(step11) == [.strict])
    set.put(kind, try Self.list("PeerAuthentication", [Self.peer("LOOSE", version: "10")])[0])
    let compiled12 = set.compile()
    let update = try #require(compiled12)
    #expect(Self.modes(update) == [.strict])
    #expect(update.rejected == ["PeerAuthentication shop/p"] && update.mesh != nil)
    #expect(update.findings.contains { $0.object == "PeerAuthentication shop/p" && $0.severity == .error })
    #expect(set.standings.map(\.counts) == [false])
    // Others are not held up by it.
    set.put(Self.kind("Pod"), try Self.list("Pod", [Self.pod("web-3", ip: "10.1.0.3")])[0])
    let step13 = set.compile()
    #expect(step13?.mesh?.workloads.count == 2)
    set.put(kind, try Self.list("PeerAuthentication", [Self.peer("PERMISSIVE", version: "11")])[0])
    let mended = set.compile()
    #expect(Self.modes(mended) == [.permissive] && mended?.isAccepted == true)
    #expect(set.standings.map(\.counts) == [true])
  }

  @Test func aPolicyThatWasNeverGoodCloses() throws {
    var set = try Self.whole()
    let kind = Self.kind("PeerAuthentication")
    set.put(kind, try Self.list("PeerAuthentication", [Self.peer("LOOSE")])[0])
    let update = set.compile()
    #expect(Self.modes(update) == [.strict] && update?.rejected == ["PeerAuthentication shop/p"])
    set.remove(kind, key: "shop/p")
    let without = set.compile()
    #expect(Self.modes(without).isEmpty && without?.isAccepted == true)
  }

  @Test func whatTwoObjectsDisputeLeavesOutOne() throws {
    var set = try Self.whole()
    _ = set.compile()
    let kind = Self.kind("Service")
    set.put(kind, try Self.list("Service", [Self.service("twin", ip: "10.96.0.1")])[0])
    let compiled14 = set.compile()
    let update = try #require(compiled14)
    #expect(update.rejected.count == 1 && update.mesh?.services.count == 1)
    // Once the other is gone, it counts.
    let (out, left) = update.rejected == ["Service shop/twin"] ? ("web", "twin") : ("twin", "web")
    set.remove(kind, key: "shop/\(out)")
    let later = set.compile()
    #expect(later?.mesh?.services.map(\.name) == [left] && later?.isAccepted == true)
  }

  @Test func readsEvents() throws {
    let kind = Self.kind("Pod")
    func event(_ text: String) throws -> ClusterEvent {
      try ClusterEvent(Array(text.utf8), of: kind, version: "v1")
    }
    guard case .present(let object) = try event(#"{"type":"ADDED","object":\#(Self.pod("a"))}"#) else {
      Issue.record("not present")
      return
    }
    #expect(object.key == "shop/a" && object.resourceVersion == "5" && object.uid == "u-a")
    guard case .gone = try event(#"{"type":"DELETED","object":\#(Self.pod("a"))}"#) else {
      Issue.record("not gone")
      return
    }
    #expect(
      try event(#"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"12"}}}"#)
        == .bookmark(resourceVersion: "12"))
    #expect(
      try event(#"{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}"#)
        == .failed(code: 410, message: "too old"))
    for text in [
      "{}", #"{"type":"ADDED"}"#, #"{"type":"ADDED","object":{}}"#, #"{"type":"NEW","object":{}}"#, "[",
    ] {
      #expect(throws: ClusterFormatError.self) { try event(text) }
    }
  }

  @Test func readsListsOfGo() throws {
    let none = #"{"kind":"PodList","metadata":{"resourceVersion":"3","continue":"abc"},"items":null}"#
    let list = try ClusterList(Array(none.utf8), of: Self.kind("Pod"), version: "v1")
    #expect(list.objects.isEmpty && list.continuation == "abc" && list.resourceVersion == "3")
    for text in ["{}", #"{"metadata":{},"items":[]}"#, #"{"metadata":{"resourceVersion":"1"},"items":[{}]}"#]
    {
      #expect(throws: ClusterFormatError.self) {
        try ClusterList(Array(text.utf8), of: Self.kind("Pod"), version: "v1")
      }
    }
  }

  @Test func knowsWhereObjectsAre() throws {
    var set = ClusterSet()
    let kind = Self.kind("VirtualService")
    let text =
      #"{"metadata":{"name":"r","namespace":"shop","generation":4},"spec":{"hosts":["web"],"http":[]}}"#
    set.put(kind, try Self.list("VirtualService", [text], version: "v1beta1")[0])
    let standing = try #require(set.standings.first)
    #expect(standing.path == "/apis/networking.istio.io/v1beta1/namespaces/shop/virtualservices/r")
    #expect(standing.object.generation == 4)
  }
}
