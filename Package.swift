// swift-tools-version: 6.2
import PackageDescription

// The floors of the house are the folders of Sources: Doors, Ground, Engines, Minds, Wires, Hands,
// Rooms, FrontDoors. Imports only point down; Scripts/check-floors reads this file and fails otherwise.

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A door to a C library: a module map and a shim of static inlines.
func door(_ name: String, pkgConfig: String? = nil, apt: [String] = []) -> Target {
  .systemLibrary(name: name, path: "Sources/Doors/\(name)", pkgConfig: pkgConfig, providers: [.apt(apt)])
}

func room(_ floor: String, _ name: String, _ needs: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: needs, path: "Sources/\(floor)/\(name)", swiftSettings: strict)
}

func frontDoor(_ name: String, _ needs: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name,
    dependencies: needs + [.product(name: "ArgumentParser", package: "swift-argument-parser"), logging],
    path: "Sources/FrontDoors/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ needs: [Target.Dependency], resources: [Resource]? = nil) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + needs, path: "Tests/\(name)Tests",
    resources: resources, swiftSettings: strict)
}

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
  name: "apus",
  products: [
    .executable(name: "apus", targets: ["apus"]),
    .executable(name: "apus-agent", targets: ["apus-agent"]),
    .executable(name: "apus-control", targets: ["apus-control"]),
    .executable(name: "apus-waypoint", targets: ["apus-waypoint"]),
    .executable(name: "apus-cni", targets: ["apus-cni"]),
    // For the measuring programs of Tests/Bench alone.
    .library(name: "ApusPolicy", targets: ["PolicyEngine", "MeshIndex", "HTTPModel", "MeshModel"]),
    .library(name: "ApusRouting", targets: ["HTTPRouting", "HTTPModel", "MeshModel"]),
    .library(
      name: "ApusDataPath",
      targets: [
        "Proxying", "MeshIndex", "MeshModel", "Reactor", "TLSEngine", "H1Engine", "HTTPModel", "Bytes",
      ]),
    .library(name: "ApusResilience", targets: ["Resilience", "MeshModel", "Bytes"]),
    .library(
      name: "ApusAuthority",
      targets: [
        "Authority", "Telemetry", "Transport", "RPC", "Reactor", "TLSEngine", "MeshAPI", "MeshModel", "Bytes",
      ]),
    // For Scripts/fuzz alone.
    .library(name: "ApusFuzzTargets", targets: ["FuzzTargets"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // 0 Doors
    door("CLinux"),
    door("COpenSSL", pkgConfig: "openssl", apt: ["libssl-dev"]),
    door("CNghttp2", pkgConfig: "libnghttp2", apt: ["libnghttp2-dev"]),
    // Also holds the capture programs, built from BPF/ by Scripts/build-bpf.
    .target(name: "CBPF", path: "Sources/Doors/CBPF", linkerSettings: [.linkedLibrary("bpf")]),
    door("CMnl", pkgConfig: "libmnl", apt: ["libmnl-dev"]),

    // 1 Ground
    room("Ground", "Bytes"),
    room("Ground", "MeshModel"),
    room("Ground", "HTTPModel"),
    room("Ground", "Patterns"),
    .target(
      name: "MeshAPI", dependencies: [protobuf], path: "Sources/Ground/MeshAPI",
      exclude: ["proto"], swiftSettings: [.swiftLanguageMode(.v6)]),

    // 2 Engines: without descriptors
    room("Engines", "TLSEngine", ["COpenSSL", "Bytes", "MeshModel"]),
    room("Engines", "H2Engine", ["CNghttp2", "Bytes", "HTTPModel"]),
    room("Engines", "H1Engine", ["Bytes", "HTTPModel"]),
    // 2 Engines: with descriptors
    room("Engines", "Reactor", ["CLinux", "Bytes", "MeshModel"]),
    room("Engines", "BPFRuntime", ["CBPF", "MeshModel"]),
    room("Engines", "Netlink", ["CMnl", "MeshModel"]),

    // 3 Minds: pure
    room("Minds", "HBONE", ["Bytes", "MeshModel", "HTTPModel"]),
    room("Minds", "RPC", ["Bytes", "HTTPModel"]),
    room("Minds", "HTTPExchange", ["H1Engine", "H2Engine", "HTTPModel", "Bytes"]),
    room("Minds", "PolicyEngine", ["HTTPModel", "Patterns", "MeshModel"]),
    room("Minds", "MeshIndex", ["MeshModel"]),
    room("Minds", "Tokens", ["TLSEngine", "HTTPModel", "MeshModel"]),
    room("Minds", "Resilience", ["Bytes", "HTTPModel", "MeshModel"]),
    room("Minds", "Manifests", ["TLSEngine", "Patterns", "HTTPModel", "MeshModel", "Bytes", yams]),
    room("Minds", "Enrollment"),
    room("Minds", "CNI"),
    room("Minds", "HTTPRouting", ["Patterns", "HTTPModel", "MeshModel"]),
    room("Minds", "MeshCodec", ["MeshModel", "MeshAPI", protobuf]),
    room("Minds", "MeshGraph", ["MeshModel", "Bytes"]),

    // 4 Wires: one TLS and HTTP/2 connection on a socket, with an async face
    room(
      "Wires", "Transport",
      ["Reactor", "TLSEngine", "H2Engine", "H1Engine", "RPC", "Bytes", "HTTPModel", "MeshModel", logging]),

    room(
      "Wires", "Fetching",
      ["Tokens", "Reactor", "TLSEngine", "H1Engine", "HTTPModel", "MeshModel", "Bytes"]),

    // 5 Hands: do input and output
    room(
      "Hands", "Proxying",
      [
        "Reactor", "TLSEngine", "H2Engine", "H1Engine", "HBONE", "MeshIndex", "PolicyEngine", "Bytes",
        "HTTPModel", "MeshModel",
      ]),
    room(
      "Hands", "RequestProxying",
      [
        "HTTPExchange", "HTTPRouting", "Resilience", "PolicyEngine", "Tokens", "MeshIndex", "MeshModel",
        "HTTPModel", "TLSEngine", "Reactor", "Bytes",
      ]),
    room(
      "Hands", "Subscription",
      [
        "Transport", "TLSEngine", "RPC", "MeshCodec", "MeshAPI", "MeshModel", "Reactor", "Bytes", protobuf,
        logging,
      ]),
    room(
      "Hands", "Publication",
      ["Transport", "RPC", "MeshCodec", "MeshAPI", "MeshModel", "Reactor", "Bytes", protobuf, logging]),
    room(
      "Hands", "Issuance",
      ["Transport", "TLSEngine", "RPC", "MeshAPI", "MeshModel", "Reactor", "Bytes", protobuf, logging]),
    room(
      "Hands", "Authority",
      ["Transport", "RPC", "TLSEngine", "Reactor", "MeshAPI", "MeshModel", "Bytes", protobuf, logging]),
    room(
      "Hands", "Telemetry", ["Transport", "Reactor", "Patterns", "MeshModel", "Bytes", logging]),
    room(
      "Hands", "Reporting",
      ["Transport", "RPC", "TLSEngine", "Reactor", "MeshAPI", "MeshModel", "Bytes", logging]),
    room("Hands", "ManifestWatch", ["Reactor", "Manifests", "MeshModel", "Bytes", logging]),
    room(
      "Hands", "ClusterWatch",
      ["Fetching", "Manifests", "Reactor", "TLSEngine", "HTTPModel", "MeshModel", "Bytes", logging]),

    // 6 Rooms
    room(
      "Rooms", "AgentKit",
      [
        "Proxying", "Subscription", "Issuance", "Telemetry", "Reporting", "Fetching", "Enrollment",
        "MeshIndex",
        "MeshCodec", "Bytes", "BPFRuntime", "Netlink", "Reactor", "Transport", "TLSEngine", "MeshAPI",
        "MeshModel", protobuf,
        logging,
      ]),
    room(
      "Rooms", "ControlKit",
      [
        "Publication", "Authority", "ManifestWatch", "ClusterWatch", "Manifests", "Telemetry", "Fetching",
        "MeshCodec",
        "MeshGraph", "MeshAPI", "TLSEngine", "Transport", "RPC", "Reactor", "MeshModel", "Bytes", protobuf,
        logging,
      ]),
    room(
      "Rooms", "DevKit",
      [
        "ManifestWatch", "Manifests", "Netlink", "BPFRuntime", "Reactor", "MeshAPI", "MeshModel", "Bytes",
        protobuf, logging,
      ]),
    room(
      "Rooms", "WaypointKit",
      [
        "RequestProxying", "Proxying", "PolicyEngine", "Tokens", "Fetching", "Subscription", "Issuance",
        "Telemetry", "Reporting", "HTTPExchange", "MeshIndex",
        "MeshCodec", "TLSEngine", "Transport", "RPC", "Reactor", "MeshAPI", "MeshModel", "Bytes", protobuf,
        logging,
      ]),
    room(
      "Rooms", "Explaining",
      [
        "Manifests", "MeshIndex", "PolicyEngine", "HTTPRouting", "Tokens", "HTTPModel", "MeshModel",
        "Reactor",
      ]),

    room(
      "Rooms", "Inspecting",
      [
        "Fetching", "ManifestWatch", "Manifests", "Telemetry", "MeshCodec", "MeshGraph", "HTTPModel",
        "MeshModel",
        "Reactor",
      ]),

    // 7 Front doors
    frontDoor(
      "apus-agent",
      [
        "AgentKit", "Fetching", "TLSEngine", "H2Engine", "BPFRuntime", "Reactor", "MeshModel", "Telemetry",
      ]),
    frontDoor(
      "apus-control",
      [
        "ControlKit", "Authority", "Telemetry", "Fetching", "TLSEngine", "H2Engine", "Reactor", "MeshModel",
      ]),
    frontDoor("apus-cni", ["CNI", "Reactor", "Bytes"]),
    frontDoor(
      "apus-waypoint",
      ["WaypointKit", "Fetching", "TLSEngine", "H2Engine", "Reactor", "MeshModel", "Telemetry"]),
    frontDoor(
      "apus",
      [
        "DevKit", "Explaining", "Inspecting", "ManifestWatch", "Fetching", "Manifests", "BPFRuntime",
        "TLSEngine",
        "H2Engine", "MeshCodec", "MeshGraph", "HTTPModel", "MeshModel", "Reactor", "Bytes",
      ]),

    // Every parser that reads the network, as a function of bytes: for the tests and for Scripts/fuzz.
    .target(
      name: "FuzzTargets",
      dependencies: [
        "TLSEngine", "H2Engine", "H1Engine", "HBONE", "RPC", "MeshCodec", "Publication", "Subscription",
        "Telemetry", "Explaining", "HTTPRouting", "Resilience", "Tokens", "Manifests", "CNI", "MeshAPI",
        "HTTPModel",
        "MeshModel", "Patterns", "Bytes", protobuf,
      ],
      path: "Tests/Fuzz/Targets", swiftSettings: strict),
    .testTarget(
      name: "FuzzTests", dependencies: ["FuzzTargets"], path: "Tests/FuzzTests", swiftSettings: strict),

    // What several test targets share.
    .target(
      name: "TestSupport", dependencies: ["HTTPExchange", "HTTPModel", "Bytes", logging],
      path: "Tests/Support", swiftSettings: strict),

    // Stands before the C library's allocation in the tests' process.
    .target(name: "AllocationCount", path: "Tests/AllocationCount"),

    tests("Bytes", []),
    tests("MeshModel", []),
    tests("HTTPModel", []),
    .testTarget(
      name: "PatternsTests", dependencies: ["Patterns"], path: "Tests/PatternsTests",
      exclude: ["differential.py"], resources: [.copy("differential.json")], swiftSettings: strict),
    tests("TLSEngine", ["Bytes", "MeshModel"]),
    tests("H2Engine", ["HTTPModel"]),
    tests("H1Engine", ["HTTPModel", "Bytes"]),
    tests("HBONE", ["HTTPModel", "MeshModel", "Bytes"]),
    tests("RPC", ["HTTPModel", "Bytes"]),
    tests("HTTPExchange", ["TestSupport", "HTTPModel", "Bytes"]),
    tests("Reactor", ["MeshModel", "Bytes"]),
    tests("PolicyEngine", ["HTTPModel", "Patterns", "MeshModel"]),
    tests("MeshIndex", ["MeshModel"]),
    .testTarget(
      name: "TokensTests", dependencies: ["Tokens", "TLSEngine", "HTTPModel", "MeshModel"],
      path: "Tests/TokensTests", exclude: ["vectors.py"], resources: [.copy("vectors.json")],
      swiftSettings: strict),
    tests("Resilience", ["Bytes", "HTTPModel", "MeshModel"]),
    tests(
      "Manifests", ["HTTPModel", "MeshModel", "PolicyEngine", "TLSEngine"], resources: [.copy("Golden")]),
    tests("Enrollment", []),
    tests("HTTPRouting", ["Patterns", "HTTPModel", "MeshModel"]),
    tests("BPFRuntime", ["CBPF", "Netlink", "Reactor", "MeshModel"]),
    tests("Netlink", ["Reactor", "Bytes", "MeshModel"]),
    tests("MeshCodec", ["MeshAPI", "MeshModel", protobuf]),
    tests("MeshGraph", ["MeshModel", "Bytes"]),
    tests(
      "Issuance",
      ["Transport", "TLSEngine", "RPC", "MeshAPI", "MeshModel", "Reactor", "Bytes", protobuf, logging]),
    tests("Telemetry", ["Transport", "MeshModel", "Reactor", "Bytes", logging]),
    tests(
      "Publication",
      [
        "TestSupport", "Subscription", "Transport", "TLSEngine", "RPC", "Reactor", "MeshCodec", "MeshAPI",
        "MeshModel",
        "Bytes", protobuf, logging,
      ]),
    tests(
      "Authority",
      [
        "TestSupport", "Transport", "TLSEngine", "RPC", "Reactor", "MeshAPI", "MeshModel", "Bytes", protobuf,
        logging,
      ]),
    tests(
      "ControlKit",
      [
        "TestSupport", "ClusterWatch", "Fetching", "Manifests", "Authority", "Subscription", "Reporting",
        "Telemetry", "MeshGraph", "Transport",
        "TLSEngine", "RPC", "Reactor", "MeshCodec", "MeshAPI",
        "MeshModel", "Bytes", protobuf, logging,
      ]),
    tests("Transport", ["Reactor", "TLSEngine", "RPC", "Bytes", "MeshModel", logging]),
    tests(
      "AgentKit",
      [
        "Issuance", "Proxying", "Enrollment", "BPFRuntime", "Netlink", "Reactor", "TLSEngine", "MeshModel",
        "Bytes", logging,
      ]),
    tests(
      "Fetching",
      ["Tokens", "Transport", "Reactor", "TLSEngine", "HTTPModel", "MeshModel", "Bytes", logging]),
    tests("DevKit", ["Manifests", "Netlink", "MeshAPI", "MeshModel", "Reactor", "Bytes", protobuf]),
    tests("Explaining", ["Telemetry", "Manifests", "MeshModel"]),
    tests(
      "Inspecting",
      [
        "Fetching", "Manifests", "MeshCodec", "MeshGraph", "Transport", "TestSupport", "Reactor", "MeshModel",
        "Bytes", logging,
      ]),
    tests("CNI", []),
    tests("ClusterWatch", ["Manifests", "Fetching", "Reactor", "TLSEngine", "MeshModel", "Bytes", logging]),
    tests("ManifestWatch", ["Manifests", "TLSEngine", "MeshModel", "Reactor", "Bytes", logging]),
    tests(
      "WaypointKit",
      [
        "Proxying", "RequestProxying", "HTTPModel", "Fetching", "Transport", "TLSEngine", "MeshIndex",
        "MeshModel",
        "Reactor", "Bytes", logging,
      ]),
    tests(
      "RequestProxying",
      ["TestSupport", "HTTPExchange", "HTTPModel", "Tokens", "TLSEngine", "MeshIndex", "MeshModel", "Bytes"]),
    tests(
      "Proxying",
      [
        "AllocationCount", "Reactor", "TLSEngine", "H2Engine", "HBONE", "HTTPModel", "MeshIndex", "MeshModel",
        "Bytes",
      ]),
  ]
)
