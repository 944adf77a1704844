import Testing

@testable import Enrollment

@Suite struct UnservedPodsTests {
  @Test func whatIsNamedIsNotLetGo() {
    var pods = UnservedPods()
    pods.insert("a", cookie: 7)
    #expect(pods.mayInclude(cookie: 7))
    #expect(!pods.mayInclude(cookie: 8))
    #expect(pods.remove("a") == 7)
    #expect(!pods.mayInclude(cookie: 7))
  }

  @Test func anUnknownNamespaceMayBeAnyones() {
    var pods = UnservedPods()
    pods.insert("a", cookie: nil)
    #expect(pods.mayInclude(cookie: 7))
    #expect(pods.remove("a") == nil)
    #expect(!pods.mayInclude(cookie: 7))
    pods.insert("b", cookie: 9)
    pods.beginSession()
    #expect(!pods.mayInclude(cookie: 9))
  }
}
