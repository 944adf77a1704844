public import MeshModel

extension ObservedCertificate {
  public init(_ status: IdentityStatus) {
    self.init(
      identity: status.identity.description, state: status.state.description, serial: status.serial,
      notBefore: status.notBefore, notAfter: status.notAfter, problem: status.problem?.description)
  }
}
