// swift-tools-version: 6.2
import PackageDescription

// libFuzzer around one target of FuzzTargets, apart from the main package: built by Scripts/fuzz alone, with
// the options that count which code an input reaches.
let package = Package(
  name: "fuzz",
  dependencies: [.package(name: "apus", path: "../../..")],
  targets: [
    .executableTarget(
      name: "fuzz", dependencies: [.product(name: "ApusFuzzTargets", package: "apus")],
      swiftSettings: [.swiftLanguageMode(.v6)])
  ]
)
