import Testing

@testable import Manifests

@Suite struct MetadataEditTests {
  private static func always(_ value: String? = "always") -> MetadataEdit {
    MetadataEdit(
      kind: "ServiceAccount", namespace: "production", name: "web-sa", .annotations, "apus.io/waypoint",
      to: value)
  }

  private func changed(_ text: String, _ edit: MetadataEdit = always()) throws -> String {
    guard case .changed(let text, _) = try edit.apply(to: text) else {
      Issue.record("nothing was changed")
      return ""
    }
    return text
  }

  @Test func addsAnnotationsBehindWhatNamesTheObject() throws {
    let text = """
      # Who serves the web.
      apiVersion: v1
      kind: ServiceAccount
      metadata:
        name: web-sa   # the account
        namespace: production
        # Nobody else's.
        labels: {a: b}
      ---
      kind: Other
      """
    #expect(
      try changed(text) == """
        # Who serves the web.
        apiVersion: v1
        kind: ServiceAccount
        metadata:
          name: web-sa   # the account
          namespace: production
          annotations:
            apus.io/waypoint: always
          # Nobody else's.
          labels: {a: b}
        ---
        kind: Other
        """)
  }

  @Test(arguments: [
    // Into a map that is there.
    (
      "metadata:\n  name: web-sa\n  namespace: production\n  annotations:\n    # why\n    b: c # d\n",
      "metadata:\n  name: web-sa\n  namespace: production\n  annotations:\n    # why\n"
        + "    apus.io/waypoint: always\n    b: c # d\n"
    ),
    (
      "metadata: {name: web-sa, namespace: production, annotations: {b: c}} # d\n",
      "metadata: {name: web-sa, namespace: production, annotations: {apus.io/waypoint: always, b: c}} # d\n"
    ),
    (
      "metadata: {name: web-sa, namespace: production, annotations: {}}\n",
      "metadata: {name: web-sa, namespace: production, annotations: {apus.io/waypoint: always}}\n"
    ),
    (
      "metadata: {name: web-sa, namespace: production}\n",
      "metadata: {name: web-sa, namespace: production, annotations: {apus.io/waypoint: always}}\n"
    ),
    (
      "metadata:\n  annotations:\n  name: 'web-sa'\n  namespace: production\n",
      "metadata:\n  annotations:\n    apus.io/waypoint: always\n  name: 'web-sa'\n  namespace: production\n"
    ),
    // In the place of another value, however that is written.
    (
      "metadata:\n  name: web-sa\n  namespace: production\n  annotations:\n"
        + "    apus.io/waypoint: \"on-demand\" # so far\n",
      "metadata:\n  name: web-sa\n  namespace: production\n  annotations:\n"
        + "    apus.io/waypoint: always # so far\n"
    ),
    (
      "metadata: {name: web-sa, namespace: production, annotations: {apus.io/waypoint: on-demand, b: c}}\n",
      "metadata: {name: web-sa, namespace: production, annotations: {apus.io/waypoint: always, b: c}}\n"
    ),
    // Files of another system keep their line ends; one without an end keeps that.
    (
      "metadata:\r\n  name: web-sa\r\n  namespace: production\r\n",
      "metadata:\r\n  name: web-sa\r\n  namespace: production\r\n  annotations:\r\n"
        + "    apus.io/waypoint: always\r\n"
    ),
    (
      "metadata:\n  namespace: production\n  name: web-sa",
      "metadata:\n  namespace: production\n  name: web-sa\n  annotations:\n    apus.io/waypoint: always"
    ),
    // Columns are characters, not bytes.
    (
      "metadata: {\"é\": 1, name: web-sa, namespace: production}\n",
      "metadata: {\"é\": 1, name: web-sa, namespace: production, "
        + "\"annotations\": {\"apus.io/waypoint\": \"always\"}}\n"
    ),
  ]) func writesOneEntryAndLeavesTheRest(_ before: String, _ after: String) throws {
    let head = before.unicodeScalars.contains("\r") ? "kind: ServiceAccount\r\n" : "kind: ServiceAccount\n"
    #expect(try changed(head + before) == head + after)
    #expect(try Self.always().apply(to: head + after).isUnchanged)
  }

  @Test(arguments: [
    (
      "metadata:\n  name: web-sa\n  namespace: production\n  annotations:\n    apus.io/waypoint: always\n"
        + "  labels:\n",
      "metadata:\n  name: web-sa\n  namespace: production\n  labels:\n"
    ),
    (
      "metadata:\n  name: web-sa\n  namespace: production\n  annotations:\n    a: b\n"
        + "    apus.io/waypoint: always # x\n",
      "metadata:\n  name: web-sa\n  namespace: production\n  annotations:\n    a: b\n"
    ),
    (
      "metadata: {name: web-sa, namespace: production, annotations: {apus.io/waypoint: always, b: c}}\n",
      "metadata: {name: web-sa, namespace: production, annotations: {b: c}}\n"
    ),
    (
      "metadata: {name: web-sa, namespace: production, annotations: {b: c, apus.io/waypoint: \"always\"}}\n",
      "metadata: {name: web-sa, namespace: production, annotations: {b: c}}\n"
    ),
  ]) func removesOneEntryAndLeavesTheRest(_ before: String, _ after: String) throws {
    let head = "kind: ServiceAccount\n"
    #expect(try changed(head + before, Self.always(nil)) == head + after)
    #expect(try Self.always(nil).apply(to: head + after).isUnchanged)
  }

  @Test func isJSONAfterwardsWhereItWasJSON() throws {
    let text = #"{"kind": "ServiceAccount", "metadata": {"name": "web-sa", "namespace": "production"}}"#
    #expect(
      try changed(text)
        == #"{"kind": "ServiceAccount", "metadata": {"name": "web-sa", "namespace": "production", "#
        + #""annotations": {"apus.io/waypoint": "always"}}}"#)
  }

  @Test func findsTheObjectAmongOthersAndInLists() throws {
    let text = """
      kind: List
      items:
      - kind: ServiceAccount
        metadata: {name: other-sa, namespace: production}
      - kind: ServiceAccount
        metadata: {name: web-sa, namespace: staging}
      - kind: ServiceAccount
        metadata:
          name: web-sa
          namespace: production
      """
    #expect(
      try changed(text) == text + "\n    annotations:\n      apus.io/waypoint: always")
    let absent = MetadataEdit(
      kind: "Service", namespace: "production", name: "web-sa", .labels, "a", to: "b")
    #expect(try absent.apply(to: text) == .absent)
  }

  @Test func quotesWhatCouldBeTakenForAnotherType() throws {
    let edit = MetadataEdit(
      kind: "Namespace", namespace: "", name: "production", .labels, "n", to: "2")
    let text = "kind: Namespace\nmetadata:\n  name: production\n"
    guard case .changed(let changed, let line) = try edit.apply(to: text) else {
      Issue.record("nothing was changed")
      return
    }
    #expect(changed == text + "  labels:\n    n: \"2\"\n")
    #expect(line == 5)
  }

  /// An anchor is of two objects: what is written for one would be said of both.
  @Test(arguments: [
    "kind: ServiceAccount\nmetadata: &m\n  name: web-sa\n  namespace: production\n---\nkind: [",
    "a: &n {b: c}\nkind: ServiceAccount\nmetadata:\n  name: web-sa\n  namespace: production\n"
      + "  annotations: *n\n",
    "kind: ServiceAccount\nmetadata:\n  name: web-sa\n  namespace: production\n  annotations:\n"
      + "    apus.io/waypoint: |\n      x\n",
    "kind: ServiceAccount\nmetadata:\n  name: web-sa\n  namespace: production\n  annotations: [a]\n",
  ]) func refusesWhatCannotBeEditedSafely(_ text: String) {
    #expect(throws: MetadataEditError.self) { try Self.always().apply(to: text) }
  }
}

extension MetadataEdit.Outcome {
  fileprivate var isUnchanged: Bool { if case .unchanged = self { true } else { false } }
}
