extension PodSpec {
  init?(reading section: Section) {
    self.init()
    section.expectOnly(Self.readFields, unused: Self.unusedFields)
    serviceAccount = section.string("serviceAccountName") ?? section.string("serviceAccount") ?? "default"
    // Where nothing else schedules, a selector of one host is as good as its name.
    let selected = section.stringMap("nodeSelector")["kubernetes.io/hostname"]
    nodeName = section.string("nodeName") ?? selected ?? ""
    gracePeriod = section.integer("terminationGracePeriodSeconds", in: 0...86_400)
    usesHostNetwork = section.boolean("hostNetwork") ?? false
    hostname = section.string("hostname") ?? ""
    subdomain = section.string("subdomain") ?? ""
    if !section.has("containers") { section.missing("containers") }
    containers = section.sections("containers").compactMap { Container(reading: $0) }
    guard ObjectMeta.isName(serviceAccount) else {
      section.invalid("serviceAccountName", "\(serviceAccount.debugDescription) is not a name")
      return nil
    }
    for (index, container) in containers.enumerated()
    where containers[..<index].contains(where: { $0.name == container.name }) {
      section.invalid("containers", "names \(container.name.debugDescription) twice")
    }
  }

  private static let readFields: Set<String> = [
    "serviceAccountName", "serviceAccount", "nodeName", "hostNetwork", "hostname", "subdomain", "containers",
    "nodeSelector", "terminationGracePeriodSeconds",
  ]
  private static let unusedFields: Set<String> = [
    "activeDeadlineSeconds", "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy",
    "enableServiceLinks", "ephemeralContainers", "hostAliases", "hostIPC", "hostPID", "hostUsers",
    "imagePullSecrets", "initContainers", "os", "overhead", "preemptionPolicy", "priority",
    "priorityClassName", "readinessGates", "resourceClaims", "resources", "restartPolicy", "runtimeClassName",
    "schedulerName", "schedulingGates", "securityContext", "setHostnameAsFQDN", "shareProcessNamespace",
    "tolerations", "topologySpreadConstraints", "volumes",
  ]
}

extension Container {
  init?(reading section: Section) {
    guard let name = section.string("name") else {
      if !section.has("name") { section.missing("name") }
      return nil
    }
    self.init(name: name)
    section.expectOnly(Self.readFields, unused: Self.unusedFields)
    image = section.string("image") ?? ""
    command = section.strings("command")
    args = section.strings("args")
    workingDir = section.string("workingDir") ?? ""
    env = section.sections("env").compactMap { EnvironmentVariable(reading: $0) }
    section.unsupported("envFrom", "these variables are not set by `apus dev`")
    ports = section.sections("ports").compactMap { ContainerPort(reading: $0) }
    readiness = section.section("readinessProbe").flatMap { Probe(reading: $0) }
  }

  private static let readFields: Set<String> = [
    "name", "image", "command", "args", "workingDir", "env", "envFrom", "ports", "readinessProbe",
  ]
  private static let unusedFields: Set<String> = [
    "imagePullPolicy", "lifecycle", "livenessProbe", "resizePolicy", "resources", "restartPolicy",
    "securityContext", "startupProbe", "stdin", "stdinOnce", "terminationMessagePath",
    "terminationMessagePolicy", "tty", "volumeDevices", "volumeMounts",
  ]
}

extension ContainerPort {
  init?(reading section: Section) {
    section.expectOnly(["name", "protocol", "containerPort"], unused: ["hostPort", "hostIP"])
    guard section.has("containerPort") else {
      section.missing("containerPort")
      return nil
    }
    guard let port = section.portNumber("containerPort") else { return nil }
    self.init(name: section.string("name") ?? "", transport: section.transport("protocol"), port: port)
  }
}

extension EnvironmentVariable {
  init?(reading section: Section) {
    section.expectOnly(["name", "value", "valueFrom"])
    guard let name = section.string("name") else {
      if !section.has("name") { section.missing("name") }
      return nil
    }
    guard let source = section.section("valueFrom") else {
      self.init(name: name, value: .text(section.string("value") ?? ""))
      return
    }
    guard let path = source.section("fieldRef")?.string("fieldPath") else {
      section.unsupported("valueFrom", "only fieldRef is, so \(name) is not set by `apus dev`")
      return nil
    }
    self.init(name: name, value: .field(path))
  }
}

extension Probe {
  /// Nil, with a finding, for a probe of a kind that `apus dev` does not make.
  init?(reading section: Section) {
    let action: Action
    if let http = section.section("httpGet"), let port = http.targetPort("port") {
      action = .http(path: http.string("path") ?? "/", port: port)
    } else if let port = section.section("tcpSocket")?.targetPort("port") {
      action = .tcp(port: port)
    } else if let command = section.section("exec")?.strings("command") {
      action = .command(command)
    } else {
      let known = ["httpGet", "tcpSocket", "exec"]
      if !known.contains(where: section.has) {
        section.sink.report(
          .unsupportedField, .warning, line: section.line,
          "\(section.path) is none of httpGet, tcpSocket and exec and is not made by `apus dev`")
      }
      return nil
    }
    self.init(
      action: action, initialDelay: section.integer("initialDelaySeconds", in: 0...86_400) ?? 0,
      period: section.integer("periodSeconds", in: 1...86_400) ?? 10)
  }
}
