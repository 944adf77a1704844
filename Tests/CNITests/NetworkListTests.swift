import Testing

@testable import CNI

@Suite struct NetworkListTests {
  private static let calico = """
    {
      "name": "k8s-pod-network",
      "cniVersion": "0.3.1",
      "plugins": [
        {
          "type": "calico", "mtu": 0, "nodename_file_optional": false, "ipam": {"type": "calico-ipam"},
          "kubernetes": {"kubeconfig": "/etc/cni/net.d/calico-kubeconfig"}
        },
        {"type": "portmap", "snat": true, "capabilities": {"portMappings": true}}
      ]
    }

    """

  private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

  @Test func addsAtTheEndAndTakesOutExactly() throws {
    for original in [
      Self.calico, #"{"plugins":[{"type":"a"}],"name":"n"}"#, "{ \"plugins\" : [ {\"type\" : \"a\"} ] }\n\n",
      "\t{\"x\":\"plugins\",\"plugins\":[\n{\"type\":\"a\"},{\"type\":\"b\"}\n]}",
    ] {
      let bytes = Array(original.utf8)
      let added = try #require(try NetworkList(bytes).adding(socket: "/run/apus/cni.sock"))
      let list = try NetworkList(added)
      #expect(list.isOurs && list.adding(socket: "/x") == nil)
      #expect(list.removing() == bytes, "\(text(added) ?? "")")
      #expect(try NetworkList(bytes).removing() == nil)
    }
  }

  @Test func theOthersStayInPlace() throws {
    let added = try #require(text(try NetworkList(Array(Self.calico.utf8)).adding(socket: "/s")))
    let expected = Self.calico.replacing(
      "true}}\n  ]", with: "true}},\n    {\"type\":\"apus-cni\",\"agentSocket\":\"/s\"}\n  ]")
    #expect(added == expected)
  }

  /// Somebody put another plugin behind ours, or ours before all.
  @Test func takesOutWhereverItIs() throws {
    let ours = #"{"type":"apus-cni","agentSocket":"/s"}"#
    let behind = Array(#"{"plugins":[{"type":"a"}, \#(ours), {"type":"b"}]}"#.utf8)
    #expect(text(try NetworkList(behind).removing()) == #"{"plugins":[{"type":"a"}, {"type":"b"}]}"#)
    let first = Array(#"{"plugins":[\#(ours), {"type":"b"}]}"#.utf8)
    #expect(text(try NetworkList(first).removing()) == #"{"plugins":[{"type":"b"}]}"#)
    let alone = Array(#"{"plugins":[\#(ours)]}"#.utf8)
    #expect(text(try NetworkList(alone).removing()) == #"{"plugins":[]}"#)
  }

  @Test func makesAListOfASinglePlugin() throws {
    let single = #"{"cniVersion": "0.4.0", "name": "net", "type": "bridge", "ipam": {"type": "host-local"}}"#
    let list = try NetworkList.list(of: Array(single.utf8), socket: "/s")
    #expect(try NetworkList(list).isOurs)
    #expect(text(list)?.contains(single) == true && text(list)?.contains(#""cniVersion": "0.4.0""#) == true)
    #expect(throws: NetworkList.Failure.self) { try NetworkList.list(of: Array("{}".utf8), socket: "/s") }
  }

  @Test(arguments: [
    "", "{", "[]", "{}", #"{"plugins":[]}"#, #"{"plugins":{}}"#, #"{"plugins":[{"type":"a"},]}"#,
    #"{"plugins":[{"type":"a"}]} x"#, #"{"plugins":[tru]}"#, "{\"plugins\":[\"\u{1}\"]}",
  ])
  func refuses(_ text: String) {
    #expect(throws: NetworkList.Failure.self) { try NetworkList(Array(text.utf8)) }
  }

  /// However a text is cut or bent, an edit is either refused or can be undone exactly.
  @Test func everyMutationIsRefusedOrUndone() throws {
    let bytes = Array(Self.calico.utf8)
    for index in bytes.indices {
      for byte in [UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "]"), UInt8(ascii: ","), 0x5c, 0xff] {
        var bent = bytes
        bent[index] = byte
        for text in [bent, Array(bytes[..<index])] {
          guard let list = try? NetworkList(text), let added = list.adding(socket: "/s") else { continue }
          #expect((try? NetworkList(added))?.removing() == text, "at \(index)")
        }
      }
    }
  }
}

@Suite struct PluginCallTests {
  private static let environment = [
    "CNI_COMMAND": "ADD", "CNI_NETNS": "/var/run/netns/x", "CNI_CONTAINERID": "abc",
    "CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1;K8S_POD_UID=u-1-2-3-4",
  ]
  private static let config = """
    {"cniVersion":"1.0.0","name":"n","type":"apus-cni","agentSocket":"/s",
     "prevResult": {"cniVersion":"1.0.0",  "ips":[{"address":"10.1.0.5/24"}]} }
    """

  private func call(_ changes: [String: String] = [:], _ input: String = config) throws -> PluginCall {
    try PluginCall(
      environment: Self.environment.merging(changes) { $1 }, input: Array(input.utf8))
  }

  @Test func readsACall() throws {
    let call = try call()
    #expect(call.command == .add && call.socket == "/s" && call.cniVersion == "1.0.0")
    #expect(call.namespace == "shop" && call.name == "web-1" && call.uid == "u-1-2-3-4")
    // Byte for byte.
    #expect(
      call.previous == Array(#"{"cniVersion":"1.0.0",  "ips":[{"address":"10.1.0.5/24"}]}"#.utf8))
    #expect(!call.isExcluded)
    try call.checkAdd()
    #expect(
      String(decoding: call.question, as: UTF8.self)
        == #"{"command":"add","namespace":"shop","name":"web-1","uid":"u-1-2-3-4","container":"abc","path":"/var/run/netns/x"}"#
    )
  }

  @Test func namespacesAreExcluded() throws {
    let args = "K8S_POD_NAMESPACE=kube-system;K8S_POD_NAME=a;K8S_POD_UID=b"
    #expect(try call(["CNI_ARGS": args]).isExcluded)
    #expect(try !call(["CNI_ARGS": args], #"{"cniVersion":"1.0.0","excludeNamespaces":["x"]}"#).isExcluded)
  }

  @Test func whatIsMissingIsNamed() throws {
    func failure(_ body: () throws -> Void) -> PluginCall.Failure? {
      #expect(throws: PluginCall.Failure.self, performing: body)
    }
    #expect(failure { _ = try call(["CNI_COMMAND": "X"]) }?.code == 4)
    #expect(failure { _ = try call([:], #"{"cniVersion":"9.0"}"#) }?.code == 1)
    #expect(failure { _ = try call([:], "{") }?.code == 6)
    #expect(failure { try call([:], #"{"cniVersion":"1.0.0"}"#).checkAdd() }?.code == 7)
    #expect(failure { try call(["CNI_ARGS": "a=b"]).checkAdd() }?.description.contains("K8S_POD_UID") == true)
    #expect(failure { try call(["CNI_NETNS": ""]).checkAdd() }?.code == 4)
  }

  @Test func answersAreRead() {
    #expect(AgentAnswer(Array(#"{"ok":true,"captured":true}"#.utf8))?.isOK == true)
    let refusal = AgentAnswer(Array(#"{"ok":false,"error":"no \"x\""}"#.utf8))
    #expect(refusal?.isOK == false && refusal?.error == "no \"x\"")
    #expect(AgentAnswer([]) == nil && AgentAnswer(Array("{}".utf8)) == nil)
  }

  @Test func textIsQuoted() throws {
    let failure = PluginCall.Failure(11, "a \"b\" \\ \n")
    #expect(
      String(decoding: CNIText.error(failure, version: "1.0.0"), as: UTF8.self)
        == "{\"cniVersion\":\"1.0.0\",\"code\":11,\"msg\":\"apus-cni\",\"details\":\"a \\\"b\\\" \\\\ \\u000a\"}\n")
  }
}
