import Bytes
import MeshModel
import Testing

@testable import ControlKit

@Suite("Which waypoints are to run")
struct WaypointDemandTests {
  let name = WaypointName(namespace: "production", serviceAccount: "pay")
  let second = Instant(nanoseconds: 1_000_000_000)

  private func demand(isAlwaysOn: Bool = false, replicas: Int = 2) -> WaypointDemand {
    var demand = WaypointDemand()
    demand.replace(with: [
      name: .init(service: name.service(in: "cluster.local"), replicas: replicas, isAlwaysOn: isAlwaysOn)
    ])
    return demand
  }

  @Test("none before somebody asks, and as many as are wanted afterwards")
  func onDemand() {
    var demand = demand()
    #expect(demand.running.isEmpty)
    let answer1 = demand.activate(name.service(in: "cluster.local"), at: second)
    #expect(answer1)
    #expect(demand.running == [name: 2])
    let answer2 = demand.activate(ServiceKey(namespace: "a", hostname: "b"), at: second)
    #expect(!answer2)
  }

  @Test("an idle one stops, but not when somebody has just asked for it")
  func release() {
    var demand = demand(replicas: 1)
    _ = demand.activate(name.service(in: "cluster.local"), at: second)
    let answer3 = demand.release(name, pod: "a", at: second + .milliseconds(500))
    #expect(!answer3)
    #expect(demand.running == [name: 1])
    let answer4 = demand.release(name, pod: "a", at: second + .seconds(3))
    #expect(answer4)
    #expect(demand.running.isEmpty)
  }

  @Test("several stop together, when all have said lately that they are idle")
  func replicas() {
    var demand = demand()
    _ = demand.activate(name.service(in: "cluster.local"), at: second)
    var answers = [
      demand.release(name, pod: "a", at: second + .seconds(3)),
      demand.release(name, pod: "a", at: second + .seconds(8)),
      // The first has had something to do since.
      demand.release(name, pod: "b", at: second + .seconds(17)),
    ]
    #expect(answers == [false, false, false])
    #expect(demand.running == [name: 2])
    answers = [demand.release(name, pod: "a", at: second + .seconds(18))]
    #expect(answers == [true])
    #expect(demand.running.isEmpty)
  }

  @Test("one that is always on neither waits nor stops")
  func always() {
    var demand = demand(isAlwaysOn: true)
    #expect(demand.running == [name: 2])
    let answer5 = demand.release(name, pod: "a", at: second)
    #expect(!answer5)
    #expect(demand.running == [name: 2])
  }

  @Test("one that is not wanted any more is forgotten, with who asked for it")
  func forgotten() {
    var demand = demand()
    _ = demand.activate(name.service(in: "cluster.local"), at: second)
    demand.replace(with: [:])
    #expect(demand.running.isEmpty)
    demand.replace(with: [
      name: .init(service: name.service(in: "cluster.local"), replicas: 1, isAlwaysOn: false)
    ])
    #expect(demand.running.isEmpty)
  }
}
