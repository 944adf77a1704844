import Manifests
import MeshModel
import Testing

@testable import ManifestWatch

@Suite struct ManifestReaderTests {
  private func names(_ update: ManifestUpdate?) -> [String]? { update?.mesh?.services.map(\.name).sorted() }

  @Test func readsOnlyWhatChanged() throws {
    let directory = try TemporaryDirectory()
    try directory.write("namespace.yaml", TemporaryDirectory.namespace("shop"))
    try directory.write("web.yaml", TemporaryDirectory.service("web"))
    var reader = ManifestReader(directories: [directory.path])
    let first = reader.read()
    #expect(names(first) == ["web"])
    #expect(first?.isAccepted == true)
    let second = reader.read()
    #expect(second == nil)

    try directory.write("api.yaml", TemporaryDirectory.service("api"))
    let third = reader.read()
    #expect(names(third) == ["api", "web"])
    try directory.remove("web.yaml")
    let fourth = reader.read()
    #expect(names(fourth) == ["api"])
  }

  @Test func aBrokenFileKeepsTheLastGoodContentOfItsDirectoryAlone() throws {
    let people = try TemporaryDirectory()
    let machine = try TemporaryDirectory()
    try people.write("namespace.yaml", TemporaryDirectory.namespace("shop"))
    try people.write("web.yaml", TemporaryDirectory.service("web"))
    var reader = ManifestReader(directories: [people.path, machine.path])
    _ = reader.read()

    try people.write("web.yaml", "kind: Service\n  broken: [\n")
    try machine.write("api.yaml", TemporaryDirectory.service("api"))
    let update = reader.read()
    #expect(names(update) == ["api", "web"])
    #expect(update?.rejected == [people.path])
    let finding = update?.findings.first { $0.file.hasSuffix("web.yaml") }
    #expect(finding != nil)
    #expect((finding?.line ?? 0) >= 1)

    try people.write("web.yaml", TemporaryDirectory.service("web", port: 81))
    let mended = reader.read()
    #expect(mended?.isAccepted == true)
  }

  @Test func nothingCountsUntilTheFirstContentIsGood() throws {
    let directory = try TemporaryDirectory()
    try directory.write("broken.yaml", "kind: [")
    var reader = ManifestReader(directories: [directory.path])
    let update = reader.read()
    #expect(update?.mesh == nil)
    #expect(update?.isAccepted == false)
  }

  @Test func aPolicyThatCannotBeReadIsClosedAndHoldsNothingElseUp() throws {
    let directory = try TemporaryDirectory()
    try directory.write("namespace.yaml", TemporaryDirectory.namespace("shop"))
    try directory.write("web.yaml", TemporaryDirectory.service("web"))
    try directory.write("policy.yaml", TemporaryDirectory.policy("{acton: DENY}"))
    var reader = ManifestReader(directories: [directory.path])
    func policy(_ update: ManifestUpdate?) -> Authorization? {
      update?.mesh?.authorizations.first { $0.key == "shop/p" }
    }
    // Nothing good yet: the policy denies everybody, and the service is there.
    let first = reader.read()
    #expect(first?.isAccepted == true)
    #expect(names(first) == ["web"])
    #expect(policy(first)?.action == .deny && policy(first)?.rules == [.init(clauses: [])])
    #expect(first?.findings.contains { $0.code == .closedPolicy && $0.severity == .error } == true)

    try directory.write("policy.yaml", TemporaryDirectory.policy("{rules: [{}]}"))
    let good = policy(reader.read())
    #expect(good?.action == .allow)
    // From now on there is an earlier version, and other edits of the directory count.
    try directory.write("policy.yaml", TemporaryDirectory.policy("{rules: [{form: []}]}"))
    try directory.write("api.yaml", TemporaryDirectory.service("api"))
    let kept = reader.read()
    #expect(policy(kept) == good)
    #expect(names(kept) == ["api", "web"])
    #expect(kept?.findings.contains { $0.code == .keptPolicy } == true)

    try directory.remove("policy.yaml")
    let removed = reader.read()
    #expect(policy(removed) == nil)
  }

  @Test func aLinkMayNotLeadOutOfTheDirectory() throws {
    let outside = try TemporaryDirectory()
    try outside.write("secret.yaml", TemporaryDirectory.service("stolen"))
    let directory = try TemporaryDirectory()
    try directory.write("namespace.yaml", TemporaryDirectory.namespace("shop"))
    try directory.link("stolen.yaml", to: "\(outside.path)/secret.yaml")
    var reader = ManifestReader(directories: [directory.path])
    let update = reader.read()
    #expect(update?.isAccepted == false)
    #expect(update?.findings.contains { $0.message.contains("link") } == true)
  }

  @Test(
    arguments: [
      ("values.yaml", "replicas: 3\nimage: a\n", true), ("package.json", "{\"name\": \"a\"}", true),
      ("list.yaml", "- a\n- b\n", true),
      // What may be a manifest with a mistake is never passed over.
      ("kind.yaml", "kind: AuthorizationPolicy\nmetadata: {name: a}\n", false),
      ("version.yaml", "apiVersion: v1\n", false), ("syntax.yaml", "a: [\n", false),
      ("mixed.yaml", "a: 1\n---\nkind: Service\n", false),
    ])
  func whatIsNoManifestIsLeftOutOfACheck(name: String, text: String, isLeftOut: Bool) throws {
    let directory = try TemporaryDirectory()
    try directory.write("namespace.yaml", TemporaryDirectory.namespace("shop"))
    try directory.write(name, text)
    func read(_ path: String) -> ManifestUpdate {
      ManifestReader.readOnce(directories: [path], leavingOutStrangers: true)
    }
    let update = read(directory.path)
    #expect((update.mesh != nil) == isLeftOut, "\(update.findings)")
    #expect(update.findings.isEmpty == isLeftOut)
    // Named by itself it is what was meant, and for who runs a directory it may be a policy.
    #expect(read("\(directory.path)/\(name)").mesh == nil)
    #expect(ManifestReader.readOnce(directories: [directory.path]).mesh == nil)
  }

  @Test func aMissingDirectoryIsToldByName() {
    var reader = ManifestReader(directories: ["/nowhere/at/all"])
    let update = reader.read()
    #expect(update?.mesh == nil)
    #expect(update?.findings.contains { $0.file.contains("/nowhere/at/all") } == true)
  }
}
