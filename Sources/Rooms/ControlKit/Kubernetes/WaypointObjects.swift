import ClusterWatch
import MeshModel

/// The objects that run a waypoint in a cluster. Pure.
struct WaypointObjects {
  let waypoint: WaypointName
  let replicas: Int
  let settings: ClusterSettings
  let image: String
  let trustDomain: TrustDomain

  /// Marks what is ours in lists.
  static let label = "apus.io/waypoint"
  static let selector = "apus.io%2Fwaypoint%3Dtrue"
  /// The ConfigMap with the mesh's roots, which every namespace has.
  static let roots = "apus-ca-root-cert"

  private var name: String { waypoint.name }
  private var namespace: String { waypoint.namespace }
  private var labels: [String: String] {
    [
      "app": name, "app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "apus", Self.label: "true",
    ]
  }
  private var podLabels: [String: String] {
    labels.merging([
      "istio.io/dataplane-mode": "none", "gateway.istio.io/managed": "apus",
      "sidecar.istio.io/inject": "false",
    ]) { $1 }
  }

  private func metadata(owner: JSONValue?) -> JSONValue {
    var fields: [String: JSONValue] = [
      "name": .text(name), "namespace": .text(namespace), "labels": .texts(labels),
    ]
    if let owner { fields["ownerReferences"] = .list([owner]) }
    return .object(fields)
  }

  static func owner(_ kind: String, _ name: String, uid: String) -> JSONValue {
    ["apiVersion": "v1", "kind": .text(kind), "name": .text(name), "uid": .text(uid)]
  }

  var accountPath: String { "/api/v1/namespaces/\(namespace)/serviceaccounts/\(name)" }
  var servicePath: String { "/api/v1/namespaces/\(namespace)/services/\(name)" }
  var deploymentPath: String { "/apis/apps/v1/namespaces/\(namespace)/deployments/\(name)" }
  var budgetPath: String { "/apis/policy/v1/namespaces/\(namespace)/poddisruptionbudgets/\(name)" }

  /// `owner`: the account before which the waypoint stands: with it, all of this goes.
  func account(owner: JSONValue?) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(owner: owner),
      "automountServiceAccountToken": false,
    ]
  }

  func service(owner: JSONValue?) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Service", "metadata": metadata(owner: owner),
      "spec": [
        "selector": .texts([Self.label: "true", "app": name]),
        "ports": [
          ["name": "hbone", "port": 15008, "targetPort": 15008, "protocol": "TCP", "appProtocol": "hbone"]
        ],
      ],
    ]
  }

  /// One waypoint at a time may be moved.
  func budget(owner: JSONValue?) -> JSONValue {
    [
      "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata(owner: owner),
      "spec": [
        "maxUnavailable": 1, "selector": ["matchLabels": .texts([Self.label: "true", "app": name])],
      ],
    ]
  }

  func deployment(owner: JSONValue?, running: Int) -> JSONValue {
    [
      "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(owner: owner),
      "spec": [
        "replicas": .integer(Int64(running)),
        "selector": ["matchLabels": .texts([Self.label: "true", "app": name])],
        "strategy": [
          "type": "RollingUpdate", "rollingUpdate": ["maxSurge": 1, "maxUnavailable": 0],
        ],
        "template": ["metadata": ["labels": .texts(podLabels)], "spec": pod],
      ],
    ]
  }

  private var pod: JSONValue {
    [
      "serviceAccountName": .text(name), "automountServiceAccountToken": false,
      "enableServiceLinks": false, "terminationGracePeriodSeconds": 35,
      "securityContext": [
        "runAsNonRoot": true, "runAsUser": 1337, "runAsGroup": 1337, "fsGroup": 1337,
        "seccompProfile": ["type": "RuntimeDefault"],
      ],
      "containers": [container],
      "volumes": [
        ["name": "roots", "configMap": ["name": .text(Self.roots)]],
        [
          "name": "token",
          "projected": [
            "sources": [
              [
                "serviceAccountToken": [
                  "audience": "apus-ca", "expirationSeconds": 3600, "path": "token",
                ]
              ]
            ]
          ],
        ],
      ],
    ]
  }

  private var container: JSONValue {
    [
      "name": "waypoint", "image": .text(image), "args": .list(arguments.map { .text($0) }),
      "env": [
        ["name": "POD_NAME", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]],
        ["name": "POD_IP", "valueFrom": ["fieldRef": ["fieldPath": "status.podIP"]]],
      ],
      "ports": [
        ["name": "hbone", "containerPort": 15008, "protocol": "TCP"],
        ["name": "metrics", "containerPort": 15020, "protocol": "TCP"],
      ],
      "readinessProbe": [
        "httpGet": ["path": "/healthz/ready", "port": 15021], "periodSeconds": 1, "failureThreshold": 3,
      ],
      "resources": [
        "requests": ["cpu": "50m", "memory": "32Mi"], "limits": ["memory": "512Mi"],
      ],
      "securityContext": [
        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
        "capabilities": ["drop": ["ALL"]],
      ],
      "volumeMounts": [
        ["name": "roots", "mountPath": "/var/run/apus/root", "readOnly": true],
        ["name": "token", "mountPath": "/var/run/secrets/tokens", "readOnly": true],
      ],
    ]
  }

  private var arguments: [String] {
    [
      "--waypoint", waypoint.description, "--pod", "$(POD_NAME)", "--address", "$(POD_IP)",
      "--control", settings.controlAddress, "--control-name", settings.controlName,
      "--control-root", "/var/run/apus/root/root-cert.pem", "--token", "/var/run/secrets/tokens/token",
      "--trust-domain", trustDomain.name, "--log-format", "json",
    ]
  }
}
