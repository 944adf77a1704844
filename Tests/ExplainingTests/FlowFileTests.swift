import Explaining
import MeshModel
import Telemetry
import Testing

/// What an agent writes is read; what nobody writes is refused by file, field and remedy.
@Suite struct FlowFileTests {
  static let web = """
    {"source":{"identity":"spiffe://cluster.local/ns/production/sa/web-sa","workload":"production/web",\
    "address":"10.244.1.2"},"destination":{"workload":"production/payment","address":"10.244.2.2"},\
    "port":8080,"mutualTLS":true,"allowed":12,"denied":0,"lastSeen":"2026-11-24T02:01:39Z",\
    "last":"allowed","lastDenial":""}
    """

  static func file(_ flows: String..., name: String = "flows.json") throws(FlowFileError) -> FlowFile {
    let text = """
      {"kind":"apus-flows","version":1,"node":"node-1","since":"2026-11-24T02:00:00Z","evicted":0,"flows":[
      \(flows.joined(separator: ",\n"))
      ]}
      """
    return try FlowFile(name: name, bytes: Array(text.utf8))
  }

  @Test func whatAnAgentWritesIsRead() throws {
    var flows: [Flow] = []
    for number in 0..<4 {
      let identity = number == 0 ? nil : try Identity(spiffe: "spiffe://cluster.local/ns/a/sa/s\(number)")
      var flow = Flow(
        Flow.Key(
          source: .init(identity: identity, workload: number == 1 ? "a/b" : ""),
          strangerAddress: number == 0 ? IPAddress("fd00::1") : nil,
          destination: .init(identity: identity, workload: "shop/cart"), port: 8080,
          isMutualTLS: identity != nil))
      flow.add(.allowed, at: 1_764_000_000, from: IPAddress("fd00::1"), to: IPAddress("10.0.0.1"))
      if number == 2 { flow.add(.denied(.policy("a/b")), at: 1_764_000_001, from: nil, to: nil) }
      flows.append(flow)
    }
    let page = FlowHistory(now: 0).page(node: "node-1", live: flows)
    let file = try FlowFile(name: "page", bytes: Array(page.utf8))
    #expect(Set(file.flows) == Set(flows))
    #expect(file.node == "node-1" && file.evicted == 0)
  }

  @Test(arguments: [
    (#""port":8080"#, #""port":0"#, "flows[0].port is 0, which is no port"),
    (#""port":8080"#, #""port":80800"#, "flows[0].port is 80800, which is no port"),
    (#""port":8080,"#, "", "flows[0].port is missing"),
    (#""allowed":12"#, #""allowed":-1"#, "flows[0].allowed is -1, which is no count"),
    (#""allowed":12"#, #""allowed":"x""#, "flows[0].allowed: "),
    ("spiffe://", "https://", "flows[0].source.identity is no identity: "),
    ("production/web", "web", "flows[0].source.workload is not NAMESPACE/NAME"),
    ("production/payment", #"a/\u001b[2J"#, "flows[0].destination.workload is not NAMESPACE/NAME"),
    ("10.244.1.2", "10.244.1.256", "flows[0].source.address is no IP address"),
    (#""workload":"production/payment","#, "", "flows[0].destination.workload is missing"),
    (#""mutualTLS":true"#, #""mutualTLS":false"#, "flows[0].mutualTLS is false, which does not fit"),
    ("2026-11-24T02:01:39Z", "yesterday", "flows[0].lastSeen is no time such as"),
    (#""last":"allowed""#, #""last":"maybe""#, #"flows[0].last is neither "allowed" nor "denied""#),
    (#""lastDenial":"""#, #""lastDenial":"a b""#, "flows[0].lastDenial is no reason"),
    ("{\"source\"", "{source", "line 2: The given data was not valid JSON"),
    ("\"last\":", "\"last:", "line 2: The given data was not valid JSON"),
  ])
  func whatIsWrongIsNamed(part: String, wrong: String, said: String) throws {
    let error = #expect(throws: FlowFileError.self) {
      try Self.file(Self.web.replacing(part, with: wrong, maxReplacements: 1))
    }
    let text = "\(try #require(error))"
    #expect(text.hasPrefix("flows.json: \(said)"), "\(text)")
    #expect(text.hasSuffix("."))
    #expect(!text.contains("\n") && text.utf8.count < 600)
  }

  @Test(arguments: [
    (#"{"kind":"pods","version":1,"flows":[]}"#, "kind is \"pods\", and not \"apus-flows\""),
    (#"{"kind":"apus-flows","version":2,"flows":[]}"#, "version 2 is not understood, only 1"),
    (#"{"pods":[]}"#, "kind is missing"),
    ("", "the document: "),
  ])
  func whatIsNoHistoryIsRefused(text: String, said: String) throws {
    let error = #expect(throws: FlowFileError.self) {
      try FlowFile(name: "flows.json", bytes: Array(text.utf8))
    }
    #expect("\(try #require(error))".hasPrefix("flows.json: \(said)"), "\(String(describing: error))")
  }

  @Test func tooMuchIsRefused() throws {
    let large = #expect(throws: FlowFileError.self) {
      try FlowFile(name: "f", bytes: [UInt8](repeating: 0x20, count: FlowFile.bytesLimit + 1))
    }
    #expect("\(try #require(large))".contains("larger than 32 MiB"))
    let many = [String](repeating: Self.web, count: FlowFile.flowsLimit + 1).joined(separator: ",")
    let error = #expect(throws: FlowFileError.self) { try Self.file(many) }
    #expect("\(try #require(error))".contains("it has 65537 flows"))
  }
}
