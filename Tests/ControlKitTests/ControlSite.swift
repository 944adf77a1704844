import TestSupport
import Bytes
import Foundation
import Logging
import MeshAPI
import MeshModel
import RPC
import Reactor
import Subscription
import SwiftProtobuf
import TLSEngine
import Transport

@testable import ControlKit

/// A control plane with directories of its own, served on loopback addresses.
final class ControlSite: Sendable {
  static let tokens = #"{"node-1": "token-of-the-node-1", "node-2": "token-of-the-node-2"}"#
  let directory: String
  let thread: ReactorThread
  let catcher = LogCatcher()
  let control: Control

  /// What `people` wrote, and two pods that `node-1` and `node-2` run.
  /// `files`: what the operator provides besides, by file name, of which `configure` tells the control plane.
  init(
    people: String = ControlSite.service(port: 80), metrics: Bool = false, files: [String: String] = [:],
    configure: (inout ControlConfiguration, _ directory: String) -> Void = { _, _ in }
  ) throws {
    directory = FileManager.default.temporaryDirectory.path + "/apus-t-\(UUID().uuidString)"
    for name in ["people", "pods"] {
      try FileManager.default.createDirectory(
        atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
    }
    thread = try ReactorThread(name: "t-control")
    try Files.write(Array(people.utf8), to: "\(directory)/people/all.yaml")
    for (name, node) in [("web", "node-1"), ("api", "node-2")] {
      try Files.write(Array(Self.pod(name, node).utf8), to: "\(directory)/pods/\(name).json")
    }
    try Files.write(Array(Self.tokens.utf8), to: "\(directory)/tokens.json")
    for (name, text) in files { try Files.write(Array(text.utf8), to: "\(directory)/\(name)") }
    var configuration = ControlConfiguration(
      manifests: ["\(directory)/people", "\(directory)/pods"], listen: SocketAddress(.loopback(.v4), 0),
      rootOutput: "\(directory)/root.pem", nodeTokens: "\(directory)/tokens.json",
      metrics: metrics ? SocketAddress(.loopback(.v4), 0) : nil)
    configure(&configuration, directory)
    control = try Control(configuration, on: thread, log: catcher.logger)
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  /// Replaces a file, as an editor or a kubelet does.
  func write(_ text: String, to path: String) throws {
    try Files.write(Array(text.utf8), to: "\(directory)/\(path)")
  }

  func connect() async throws -> RPCClient {
    try await RPCClient.connect(
      to: control.address, name: "apus-control",
      roots: TrustBundle(pem: Files.text("\(directory)/root.pem")), on: thread)
  }

  /// Every batch that an agent of `node-1` gets, in order.
  func batches() throws -> AsyncStream<MeshBatch> {
    try write("token-of-the-node-1\n", to: "token")
    let subscription = Subscription(
      Subscription.Settings(
        address: .address(control.address), name: "apus-control", rootFile: "\(directory)/root.pem",
        tokenFile: "\(directory)/token", nodeID: "ztunnel~127.0.0.1~a.b~b.svc.cluster.local",
        nodeName: "node-1"),
      on: thread, log: catcher.logger)
    return AsyncStream { batches in
      let task = Task { await subscription.run { batches.yield($0) } }
      batches.onTermination = { _ in task.cancel() }
    }
  }

  /// Asks for a certificate as the agent of a node would.
  func certificate(
    of account: String, token: String = "token-of-the-node-1"
  ) async throws -> Certificate {
    try await Certificate(pem: chain(of: account, token: token)[0])
  }

  /// The whole answer: the leaf first, the roots last.
  func chain(of account: String, token: String = "token-of-the-node-1") async throws -> [String] {
    let identity = try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/\(account)")
    let key = try PrivateKey()
    let request = try Istio_V1_Auth_IstioCertificateRequest.with {
      $0.csr = try SigningRequest.make(identity: identity, key: key)
      $0.metadata.fields["ImpersonatedIdentity"] = Google_Protobuf_Value(stringValue: identity.description)
    }
    let answer = try await connect().call(
      MethodPath.createCertificate, request.serializedBytes(), token: token, timeout: .seconds(30))
    return try Istio_V1_Auth_IstioCertificateResponse(serializedBytes: answer).certChain
  }

  // MARK: Manifests

  static func service(port: Int) -> String {
    """
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec:
      selector: {app: web}
      ports:
      - port: \(port)
        targetPort: 8080

    """
  }

  static func pod(_ name: String, _ node: String, isReady: Bool = true) -> String {
    """
    {"apiVersion": "v1", "kind": "Pod",
     "metadata": {"name": "\(name)", "namespace": "shop", "uid": "1", "labels": {"app": "\(name)"}},
     "spec": {"nodeName": "\(node)", "serviceAccountName": "\(name)",
       "containers": [{"name": "main", "image": "x", "ports": [{"containerPort": 8080, "protocol": "TCP"}]}]},
     "status": {"phase": "Running", "podIP": "10.244.0.\(name.utf8.count)\(node.last ?? "0")",
       "podIPs": [{"ip": "10.244.0.\(name.utf8.count)\(node.last ?? "0")"}],
       "conditions": [{"type": "Ready", "status": "\(isReady ? "True" : "False")"}]}}

    """
  }
}
