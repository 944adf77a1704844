extension ManifestSet {
  /// The PeerAuthentication because of which pods with those labels refuse plaintext, on some port at least.
  public func strictPeerAuthentication(
    namespace: String, labels: [String: String], options: CompileOptions = CompileOptions()
  ) -> PeerAuthenticationObject? {
    PeerAuthenticationBindings(peerAuthentications, rootNamespace: options.rootNamespace)
      .strictPolicy(namespace: namespace, labels: labels)
  }
}
