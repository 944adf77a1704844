import MeshModel
import Testing

@testable import Manifests

@Suite struct VirtualAddressTests {
  private func services(_ names: [String], _ spec: String = "") -> ManifestSet {
    let text = names.map {
      """
      apiVersion: v1
      kind: Service
      metadata: {name: \($0), namespace: production}
      spec: {selector: {app: x}, ports: [{port: 80}]\(spec)}
      ---

      """
    }.joined()
    return ManifestSet.load(files: [ManifestFile(path: "services.yaml", text: text)]).objects
  }

  private func addresses(_ set: ManifestSet) -> [String: [IPAddress]] {
    AddressAllocation(set.services).addresses
  }

  /// These numbers are a promise between processes, and between versions.
  @Test func addressesComeFromTheName() {
    let found = addresses(services(["order-service"]))["production/order-service"]
    #expect(found?.map(\.description) == ["10.101.244.200", "fd00:10:96::a65:f4c8"])
  }

  @Test func addressesDoNotDependOnTheOthers() {
    let few = addresses(services(["a", "b"]))
    let many = addresses(services(["c", "b", "a", "d"]))
    #expect(few["production/a"] == many["production/a"])
    #expect(few["production/b"] == many["production/b"])
  }

  @Test func thousandsOfServicesAllDiffer() {
    let names = (0..<4000).map { "s\($0)" }
    let allocation = AddressAllocation(services(names).services)
    let all = allocation.addresses.values.joined()
    #expect(all.count == 8000)
    #expect(Set(all).count == 8000)
    #expect(
      all.allSatisfy {
        VirtualAddresses.v4?.contains($0) == true || VirtualAddresses.v6?.contains($0) == true
      })
    // Some do collide, are moved, and say so.
    #expect(!allocation.findings.isEmpty)
    #expect(allocation.findings.allSatisfy { $0.code == .addressConflict && $0.severity == .warning })
    #expect(allocation.findings.allSatisfy { !$0.remedy.isEmpty })
  }

  @Test func oneFamilyWhenAsked() {
    let v4 = addresses(services(["a"], ", ipFamilyPolicy: SingleStack"))["production/a"]
    #expect(v4?.map(\.family) == [.v4])
    let v6 = addresses(services(["a"], ", ipFamilyPolicy: SingleStack, ipFamilies: [IPv6]"))["production/a"]
    #expect(v6?.map(\.family) == [.v6])
  }

  @Test func writtenAddressesStayAndPushChosenOnesAside() throws {
    let free = try #require(addresses(services(["a"]))["production/a"]?.first)
    let text = """
      {apiVersion: v1, kind: Service, metadata: {name: z, namespace: production},
       spec: {clusterIP: \(free), selector: {app: x}, ports: [{port: 80}]}}
      """
    var set = ManifestSet.load(files: [ManifestFile(path: "z.yaml", text: text)]).objects
    let written = addresses(set)["production/z"]
    #expect(written == [free])
    let both = services(["a"]).services + set.services
    let allocation = AddressAllocation(both)
    #expect(allocation.addresses["production/z"] == [free])
    #expect(allocation.addresses["production/a"]?.contains(free) == false)
    #expect(allocation.findings.map(\.code) == [.addressConflict])
    set = ManifestSet()
    #expect(addresses(set).isEmpty)
  }
}
