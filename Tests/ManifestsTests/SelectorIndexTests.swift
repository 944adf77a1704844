import Testing

@testable import Manifests

/// Selectors are found by labels, so that a namespace of many services is compiled in about the time of its
/// objects, not of their product.
@Suite struct SelectorIndexTests {
  private static func pod(_ number: Int, _ labels: [String: String]) -> PodObject {
    var meta = ObjectMeta(kind: "Pod", name: "p\(number)", namespace: "n", place: Place(file: "", line: 1))
    meta.labels = labels
    return PodObject(meta: meta, spec: PodSpec())
  }

  /// Every pod has a label of its own, as services usually select, and two that all have.
  private static let labels: [[String: String]] = (0..<2_000).map {
    ["app": "a\($0)", "team": "shop", "zone": "z\($0 % 3)"]
  }

  @Test func servicesAreNotComparedWithEveryPod() {
    let entries = Self.labels.enumerated().map { number, labels in
      SelectorIndex<Int>.Entry(namespace: "n", selector: labels, element: number)
    }
    let index = SelectorIndex(entries)
    var compared = 0
    for (number, labels) in Self.labels.enumerated() {
      compared += index.candidates(labels, in: "n").count
      #expect(index.selecting(labels, in: "n") == [number])
    }
    #expect(compared == 2_000, "one comparison for each pod")
  }

  @Test func podsAreNotComparedWithEveryService() {
    var objects = ManifestSet()
    for (number, labels) in Self.labels.enumerated() { objects.add(Self.pod(number, labels)) }
    let index = PodLabels(objects)
    var compared = 0
    for (number, labels) in Self.labels.enumerated() {
      compared += index.candidates(labels, in: "n").count
      #expect(index.selected(by: labels, in: "n").map(\.pod?.meta.name) == ["p\(number)"])
    }
    #expect(compared == 2_000, "one comparison for each service")
  }

  /// The same as comparing everything with everything, in the same order.
  @Test func whatIsFoundIsWhatIsSelected() {
    var random = SystemRandomNumberGenerator()
    func some() -> [String: String] {
      var labels: [String: String] = [:]
      for key in ["a", "b", "c"] where Bool.random(using: &random) {
        labels[key] = "\(Int.random(in: 0..<3, using: &random))"
      }
      return labels
    }
    let selectors = (0..<60).map { _ in some() }
    let pods = (0..<60).map { _ in some() }
    let index = SelectorIndex(
      selectors.enumerated().map { .init(namespace: "n", selector: $1, element: $0) })
    var objects = ManifestSet()
    for (number, labels) in pods.enumerated() { objects.add(Self.pod(number, labels)) }
    let byLabels = PodLabels(objects)
    for labels in pods {
      let expected = selectors.indices.filter { !selectors[$0].isEmpty && labels.hold(selectors[$0]) }
      #expect(index.selecting(labels, in: "n") == expected)
      #expect(index.selecting(labels, in: "other").isEmpty)
    }
    let named = objects.pods
    for selector in selectors where !selector.isEmpty {
      let expected = named.filter { $0.meta.labels.hold(selector) }.map(\.meta.name)
      #expect(byLabels.selected(by: selector, in: "n").compactMap(\.pod?.meta.name) == expected)
      #expect(byLabels.isAnySelected(by: selector) == !expected.isEmpty)
    }
    #expect(byLabels.selected(by: [:], in: "n").isEmpty)
  }
}
