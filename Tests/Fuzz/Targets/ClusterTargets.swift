import CNI
import Manifests

extension FuzzTarget {
  /// What a Kubernetes API and container runtimes send.
  static let cluster: [FuzzTarget] = [
    // Whatever an API tells of one object holds up no other, and what was closed stays closed.
    FuzzTarget("cluster-event") { bytes in
      for kind in ClusterKind.all {
        guard case .present(let object)? = try? ClusterEvent(bytes, of: kind, version: kind.versions[0])
        else { continue }
        var set = ClusterSample.set
        set.put(kind, object)
        let update = set.compile()
        precondition(update == nil || update?.mesh != nil, "one object holds up the mesh")
        precondition(set.standings.allSatisfy { $0.path.hasPrefix("/api") }, "an object without a place")
      }
    },
    FuzzTarget("cluster-list") { bytes in
      for kind in ClusterKind.all {
        guard let list = try? ClusterList(bytes, of: kind, version: kind.versions[0]) else { continue }
        precondition(!list.resourceVersion.isEmpty, "a list from which no watch could go on")
        var set = ClusterSet()
        set.replace(kind, with: list.objects)
        precondition(set.count(of: kind) <= list.objects.count)
        precondition(set.compile()?.mesh != nil, "a list of \(kind) makes no mesh")
      }
      _ = ClusterStatus(bytes)
    },
    FuzzTarget("kubeconfig") { bytes in
      guard let config = try? Kubeconfig(String(decoding: bytes, as: UTF8.self)) else { return }
      precondition((config.clientCertificate == nil) == (config.clientKey == nil))
    },
    // An edit is refused, or can be undone to the byte.
    FuzzTarget("network-list") { bytes in
      if let list = try? NetworkList(bytes), let added = list.adding(socket: "/run/apus/cni.sock") {
        guard let edited = try? NetworkList(added) else {
          preconditionFailure("what we wrote cannot be read")
        }
        precondition(edited.isOurs && edited.removing() == bytes, "an edit that cannot be undone")
      }
      if let made = try? NetworkList.list(of: bytes, socket: "/s") {
        precondition((try? NetworkList(made))?.isOurs == true, "a list that cannot be read")
      }
    },
    FuzzTarget("plugin-call") { bytes in
      _ = AgentAnswer(bytes)
      let text = String(decoding: bytes, as: UTF8.self)
      for command in ["ADD", "DEL", "VERSION"] {
        let environment = ["CNI_COMMAND": command, "CNI_NETNS": "/n", "CNI_ARGS": text]
        guard let call = try? PluginCall(environment: environment, input: bytes) else { continue }
        // What is written can be read: by the agent, and by the runtime.
        precondition(AgentAnswer(call.question) == nil, "a question is no answer")
        precondition((try? NetworkList(call.text(of: PluginCall.Failure(11, text)))) == nil)
      }
    },
  ]
}

/// A small cluster.
private enum ClusterSample {
  static let set: ClusterSet = {
    var set = ClusterSet()
    for (name, text) in [
      ("Namespace", #"{"metadata":{"name":"shop","labels":{"istio.io/dataplane-mode":"ambient"}}}"#),
      (
        "Service",
        #"{"metadata":{"name":"web","namespace":"shop"},"spec":{"clusterIP":"10.96.0.1","#
          + #""selector":{"app":"w"},"ports":[{"port":80}]}}"#
      ),
      (
        "PeerAuthentication",
        #"{"metadata":{"name":"p","namespace":"shop"},"spec":{"mtls":{"mode":"STRICT"}}}"#
      ),
    ] {
      guard let kind = ClusterKind.all.first(where: { $0.kind == name }),
        let object = try? ClusterObject(Array(text.utf8), of: kind, version: kind.versions[0])
      else { preconditionFailure("the sample is broken") }
      set.put(kind, object)
    }
    precondition(set.compile()?.isAccepted == true)
    return set
  }()
}
