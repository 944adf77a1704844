import Testing

@testable import Enrollment

func pod(_ uid: String, inode: UInt64 = 1) -> PodEnrollment {
  PodEnrollment(
    uid: uid, namespaceInode: inode, name: "pod-\(uid)", namespace: "production", serviceAccount: "default")
}

@Suite struct EnrollmentPlanTests {
  @Test func namesWhatChanged() {
    let plan = EnrollmentPlan(
      desired: [pod("c"), pod("b"), pod("d", inode: 2)], actual: [pod("a"), pod("b"), pod("d", inode: 1)])
    #expect(plan.add == [pod("c"), pod("d", inode: 2)])
    #expect(plan.remove == [pod("a"), pod("d", inode: 1)])
    #expect(plan.keep == [pod("b")])
    #expect(!plan.isEmpty)
  }

  @Test func nothingToDo() {
    #expect(EnrollmentPlan(desired: [pod("a")], actual: [pod("a")]).isEmpty)
    #expect(EnrollmentPlan(desired: [], actual: []).isEmpty)
  }

  /// Whatever both sides hold, carrying out the plan gives what is desired.
  @Test func leadsToWhatIsDesired() {
    for round in UInt64(0)..<200 {
      let desired = (0..<8).filter { (round >> $0) & 1 == 1 }.map { pod("\($0)", inode: round % 3) }
      let actual = (0..<8).filter { (round &* 37 >> $0) & 1 == 1 }.map { pod("\($0)", inode: round % 2) }
      let plan = EnrollmentPlan(desired: desired, actual: actual)
      let result = Set(actual).subtracting(plan.remove).union(plan.add)
      #expect(result == Set(desired))
      #expect(Set(plan.keep).isSubset(of: Set(actual)))
    }
  }
}

@Suite struct EnrollmentLedgerTests {
  @Test func addsOnce() {
    var ledger = EnrollmentLedger()
    ledger.beginSession()
    #expect(ledger.add(pod("a")) == .enroll)
    #expect(ledger.add(pod("a")) == .alreadyEnrolled)
    #expect(ledger.add(pod("a", inode: 2)) == .replace(pod("a")))
    #expect(ledger.enrolled == [pod("a", inode: 2)])
    #expect(ledger.completeList().isEmpty)
    #expect(ledger.isComplete)
  }

  @Test func dropsWhatTheNewListDoesNotName() {
    var ledger = EnrollmentLedger()
    for uid in ["a", "b", "c"] { _ = ledger.add(pod(uid)) }
    _ = ledger.completeList()
    ledger.beginSession()
    #expect(!ledger.isComplete)
    #expect(ledger.count == 3)
    #expect(ledger.add(pod("a")) == .alreadyEnrolled)
    let (known, unknown) = (ledger.keep(uid: "b"), ledger.keep(uid: "z"))
    #expect(known && !unknown)
    #expect(ledger.completeList() == [pod("c")])
    #expect(ledger.enrolled.map(\.uid) == ["a", "b"])
  }

  @Test func forgetsWhatFailed() {
    var ledger = EnrollmentLedger()
    _ = ledger.add(pod("a"))
    ledger.failed(uid: "a")
    #expect(ledger["a"] == nil)
    #expect(ledger.add(pod("a")) == .enroll)
  }

  @Test func removesAndToleratesTheUnknown() {
    var ledger = EnrollmentLedger()
    _ = ledger.add(pod("a"))
    #expect(ledger.remove(uid: "a") == pod("a"))
    #expect(ledger.remove(uid: "a") == nil)
    #expect(ledger.count == 0)
  }

  @Test func refusesMoreThanANodeHolds() {
    var ledger = EnrollmentLedger()
    for index in 0..<EnrollmentLedger.mostPods { #expect(ledger.add(pod("\(index)")) == .enroll) }
    #expect(ledger.add(pod("more")) == .refuse)
    #expect(ledger.add(pod("0")) == .alreadyEnrolled)
  }
}
