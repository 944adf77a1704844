import ClusterWatch
import FoundationEssentials
import Logging

/// Keeps our ValidatingWebhookConfiguration true: whose certificate the API is to expect, and that nothing
/// gets by once somebody can judge. Until then the API lets objects through: a control plane that has never
/// run must not lock the cluster that is to run it.
struct WebhookKeeper: Sendable {
  static let name = "apus-validation"
  private static let path =
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/\(name)"

  let client: ClusterClient
  let log: Logger

  /// Writes what is not so yet.
  func keep(roots: String) async {
    do throws(ClusterError) {
      guard let present = try await client.get(Self.path) else { return }
      let bundle = JSONValue.text(Data(roots.utf8).base64EncodedString())
      let hooks = (present["webhooks"]?.list ?? []).map { hook -> JSONValue in
        var fields = hook.fields
        var config = fields["clientConfig"]?.fields ?? [:]
        config["caBundle"] = bundle
        fields["clientConfig"] = .object(config)
        fields["failurePolicy"] = "Fail"
        return .object(fields)
      }
      guard !hooks.isEmpty, .list(hooks) != present["webhooks"] else { return }
      var fields = present.fields
      fields["webhooks"] = .list(hooks)
      try await client.replace(Self.path, .object(fields))
      log.notice("objects are judged at admission", metadata: ["webhook": "\(Self.name)"])
    } catch {
      log.warning("the webhook's configuration cannot be written", metadata: ["error": "\(error)"])
    }
  }
}
