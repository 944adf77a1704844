import Reactor

extension AgentConfiguration {
  /// By what the kernel knows the host's network namespace; nil when nothing of it passes unjudged.
  ///
  /// - Throws: `AgentError`, naming the path that is no network namespace.
  func hostCookie() throws(AgentError) -> UInt64? {
    guard let path = hostNamespace else { return nil }
    do throws(SystemError) { return try NetworkNamespace(path: path).cookie() } catch {
      throw AgentError(
        .failed,
        "it cannot enter the host's network namespace \(path) (\(error)): say another --host-netns, or "
          + "--no-host-probes")
    }
  }
}
