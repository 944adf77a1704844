// swift-tools-version: 6.2
import PackageDescription

// Measuring programs, apart from the main package so that users and tests never build them.
let package = Package(
  name: "bench",
  dependencies: [.package(name: "apus", path: "../..")],
  targets: [
    .executableTarget(
      name: "endpoint-pick", dependencies: [.product(name: "ApusResilience", package: "apus")],
      swiftSettings: [.swiftLanguageMode(.v6)]),
    .executableTarget(
      name: "engine-costs", dependencies: [.product(name: "ApusDataPath", package: "apus")],
      swiftSettings: [.swiftLanguageMode(.v6)]),
    .executableTarget(
      name: "plain-pair", dependencies: [.product(name: "ApusDataPath", package: "apus")],
      swiftSettings: [.swiftLanguageMode(.v6)]),
    .executableTarget(
      name: "csr-rate", dependencies: [.product(name: "ApusAuthority", package: "apus")],
      swiftSettings: [.swiftLanguageMode(.v6)]),
    .executableTarget(
      name: "route-match", dependencies: [.product(name: "ApusRouting", package: "apus")],
      swiftSettings: [.swiftLanguageMode(.v6)]),
    .executableTarget(
      name: "policy-verdict", dependencies: [.product(name: "ApusPolicy", package: "apus")],
      swiftSettings: [.swiftLanguageMode(.v6)]),
  ]
)
