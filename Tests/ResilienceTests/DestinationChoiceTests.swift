import MeshModel
import Testing

@testable import Resilience

@Suite struct DestinationChoiceTests {
  private func limited(_ count: Int) -> TrafficPolicy {
    var policy = TrafficPolicy()
    policy.pool.maxRequests = count
    return policy
  }

  @Test(
    arguments: [
      (80, nil, 1), (8080, nil, 2), (80, "v1", 3), (8080, "v1", 3), (9090, "v1", 4), (80, "v2", nil),
    ] as [(UInt16, String?, Int?)]) func theClosestPolicyHolds(
      _ port: UInt16, _ subset: String?, _ expected: Int?
    )
  {
    let traffic = DestinationTraffic(
      service: ServiceKey(namespace: "shop", hostname: "pay"), policy: limited(1),
      ports: [PortPolicy(port: 8080, policy: limited(2))],
      subsets: [
        .init(
          name: "v1", labels: ["version": "v1"], policy: limited(3),
          ports: [PortPolicy(port: 9090, policy: limited(4))])
      ])
    let choice = traffic.choice(port: port, subset: subset)
    #expect(choice?.policy.pool.maxRequests == expected)
    #expect(choice?.labels == expected.map { _ in subset == nil ? [:] : ["version": "v1"] })
  }

  @Test func flagsAreWrittenAsElsewhere() {
    #expect(ResponseFlags().description == "-")
    #expect(
      ([.upstreamRetryLimitExceeded, .upstreamConnectionFailure] as ResponseFlags).description == "UF,URX")
    var all = ResponseFlags()
    for flag in ResponseFlag.allCases {
      #expect(!all.contains(flag))
      all.insert(flag)
    }
    #expect(ResponseFlag.allCases.allSatisfy { all.contains($0) })
  }
}
