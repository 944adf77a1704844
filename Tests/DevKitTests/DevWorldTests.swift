import Foundation
import Reactor
import Testing

@testable import DevKit

/// Two nodes with plain pods and no agents, as root.
@Suite(.serialized, .enabled(if: DevWorld.obstacle == nil, "\(DevWorld.obstacle ?? "")"))
struct DevWorldTests {
  private static func manifests(replicas: Int = 2, greeting: String = "hello") -> String {
    """
    apiVersion: v1
    kind: Namespace
    metadata: {name: plain}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: echo, namespace: plain}
    spec:
      clusterIP: None
      selector: {app: echo}
      ports: [{port: 7000}]
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: virtual, namespace: plain}
    spec:
      ipFamilyPolicy: PreferDualStack
      ipFamilies: [IPv4, IPv6]
      selector: {app: echo}
      ports: [{port: 7000, targetPort: main}]
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: echo, namespace: plain}
    spec:
      replicas: \(replicas)
      selector: {matchLabels: {app: echo}}
      template:
        metadata: {labels: {app: echo}}
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - name: echo
            image: ignored
            command: [/usr/bin/python3, -u, -c]
            args:
            - |
              import os, socket
              six = socket.AF_INET6
              server = socket.create_server(("::", 7000), family=six, dualstack_ipv6=True, backlog=64)
              while True:
                connection, peer = server.accept()
                text = " ".join((os.environ["GREETING"], os.environ["NODE"], peer[0]))
                connection.sendall(text.encode() + b"\\n")
                connection.close()
            env:
            - {name: GREETING, value: \(greeting)}
            - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
            ports: [{name: main, containerPort: 7000}]
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: client, namespace: plain}
    spec:
      nodeName: node-2
      terminationGracePeriodSeconds: 0
      containers: [{name: client, image: ignored, command: [sleep, infinity]}]
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: imageonly, namespace: plain}
    spec:
      containers: [{name: main, image: ignored}]
    """
  }

  /// A world for one test, removed also when the test fails.
  private func within(_ body: (DevWorld) async throws -> Void) async throws {
    let world = try DevWorld(Self.manifests())
    do {
      try await body(world)
    } catch {
      await world.remove()
      throw error
    }
    await world.remove()
  }

  private static let ask = """
    import socket, sys
    print(socket.create_connection((sys.argv[1], 7000), timeout=5).makefile().read().strip())
    """

  @Test func podsRunOnTwoNodesAndFindEachOther() async throws {
    try await within { world in
      let up = try await world.dev("up", "--no-mesh", "--detach", world.directory)
      #expect(up.code == 0, "\(up.err)")
      #expect(up.err.contains("imageonly: nothing runs for main"))
      let pods = try await world.pods()
      #expect(Set(pods.filter { $0.name.hasPrefix("echo-") }.map(\.node)) == ["node-1", "node-2"])
      let areReady = pods.filter { $0.name.hasPrefix("echo-") }.allSatisfy(\.isReady)
      #expect(areReady)
      #expect(pods.first { $0.name == "client" }?.node == "node-2")
      #expect(pods.first { $0.name == "imageonly" }?.state == "Paused")
      #expect(pods.allSatisfy { $0.capturedBy == nil && $0.reason == "started with --no-mesh" })

      let client = try #require(pods.first { $0.name == "client" })
      for pod in pods where pod.name.hasPrefix("echo-") {
        for address in pod.addresses {
          let answer = try await world.dev(
            "exec", "client", "--", "/usr/bin/python3", "-c", Self.ask, address)
          #expect(answer.code == 0, "\(answer.err)")
          let source = client.addresses.first { $0.contains(":") == address.contains(":") } ?? ""
          let shown = address.contains(":") ? source : "::ffff:\(source)"
          #expect(answer.out == "hello \(pod.node) \(shown)\n")
        }
      }
      // By name: headless, so it stands for the ready pods.
      let named = try await world.dev(
        "exec", "-n", "plain", "client", "--", "/usr/bin/python3", "-c", Self.ask, "echo.plain")
      #expect(named.out.hasPrefix("hello node-"), "\(named.err)")
      // By virtual address, which the namespace translates: no agent does.
      let virtual = try await world.dev(
        "exec", "client", "--", "/usr/bin/python3", "-c", Self.ask, "virtual.plain")
      #expect(virtual.out.hasPrefix("hello node-"), "\(virtual.err)")
      let names = try await world.dev("exec", "plain/client", "--", "cat", "/etc/hosts").out
      #expect(names.contains("echo echo.plain.svc.cluster.local echo.plain.svc echo.plain\n"))
    }
  }

  @Test func execPassesEverythingOn() async throws {
    try await within { world in
      #expect(try await world.dev("up", "--no-mesh", "--detach", world.directory).code == 0)
      #expect(try await world.dev("exec", "client", "--", "sh", "-c", "exit 42").code == 42)
      #expect(try await world.dev("exec", "client", "--", "cat", input: "in and out").out == "in and out")
      #expect(
        try await world.dev("exec", "client", "--", "echo", "a  b", "$HOME", ";").out == "a  b $HOME ;\n")
      #expect(try await world.dev("exec", "client", "--", "hostname").out == "client\n")
      #expect(try await world.dev("exec", "client", "--", "pwd").out == "\(world.directory)\n")
      #expect(try await world.dev("exec", "echo", "--", "sh", "-c", "echo $GREETING").out == "hello\n")
      let group = try await world.dev("exec", "client", "--", "cat", "/proc/self/cgroup").out
      // By the pod's uid, as a kubelet would name it.
      #expect(group.contains("/apus-\(world.name)/node-2/pod"))
      let missing = try await world.dev("exec", "client", "--", "no-such-program")
      #expect(missing.code == 1 && missing.err.contains("no-such-program was not found"))
      let nobody = try await world.dev("exec", "nobody", "--", "true")
      #expect(nobody.code == 1 && nobody.err.contains("There is no pod nobody"))
      #expect(try await world.dev("exec", "node-1", "--", "hostname").code == 0)
    }
  }

  @Test func nothingIsLeftAfterDownAlsoWhenUpWasKilled() async throws {
    try await within { world in
      for isKilled in [false, true] {
        #expect(try await world.dev("up", "--no-mesh", "--detach", world.directory).code == 0)
        #expect(try !world.traces().isEmpty)
        let again = try await world.dev("up", "--no-mesh", "--detach", world.directory)
        #expect(again.code == 3 && again.err.contains("is running already"), "\(again)")
        if isKilled {
          try ProcessSetup.signal(9, to: try #require(try world.process()))
          #expect(try !world.traces().isEmpty)
        }
        #expect(try await world.dev("down").code == 0)
        #expect(try world.traces() == [])
        #expect(try await world.dev("down").code == 0)
      }
      // A killed run does not stand in the way of the next one either.
      #expect(try await world.dev("up", "--no-mesh", "--detach", world.directory).code == 0)
      try ProcessSetup.signal(9, to: try #require(try world.process()))
      #expect(try await world.dev("up", "--no-mesh", "--detach", world.directory).code == 0)
      #expect(try await world.dev("down").code == 0)
      #expect(try world.traces() == [])
    }
  }

  @Test func editsRollThrough() async throws {
    try await within { world in
      #expect(try await world.dev("up", "--no-mesh", "--detach", world.directory).code == 0)
      let before = Set(try await world.pods().map(\.name))
      try world.write(Self.manifests(replicas: 3, greeting: "goodbye"))
      let echoes = try await world.pods { pods in
        let echoes = pods.filter { $0.name.hasPrefix("echo-") }
        return echoes.count == 3 && echoes.allSatisfy { $0.isReady && !before.contains($0.name) }
      }.filter { $0.name.hasPrefix("echo-") }
      for pod in echoes {
        let answer = try await world.dev(
          "exec", "client", "--", "/usr/bin/python3", "-c", Self.ask, pod.addresses[0])
        #expect(answer.out.hasPrefix("goodbye "), "\(answer.err)")
      }
      // A broken edit changes nothing.
      try world.write("kind: [broken")
      _ = try await world.dev("wait", "--timeout", "1")
      #expect(Set(try await world.pods().map(\.name)).isSuperset(of: echoes.map(\.name)))
    }
  }
}
