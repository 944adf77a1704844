import HTTPModel
import Testing

@Suite struct B3Tests {
  static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  static let span = "00f067aa0ba902b7"

  @Test(arguments: [
    "\(trace)-\(span)", "\(trace)-\(span)-1", "\(trace)-\(span)-0", "\(trace)-\(span)-d",
    "\(trace)-\(span)-1-05e3ac9a4f6e3b90", "a3ce929d0e0e4736-\(span)-1", "0", "1", "d",
  ])
  func printsWhatItRead(_ text: String) throws {
    let one = try #require(B3(single: text))
    #expect(one.fieldValue == text)
    #expect(B3(multiple: one.fields) == one || one.place == nil && one.sampling != nil)
  }

  @Test(arguments: [
    "", "2", "x", "\(trace)", "\(trace)-", "\(trace)-\(span)-", "\(trace)-\(span)-2", "\(trace)-\(span)-1-5",
    "\(trace)-\(span)-1-05e3ac9a4f6e3b90-1", "00000000000000000000000000000000-\(span)",
    "\(trace)-0000000000000000",
    "4BF92F3577B34DA6A3CE929D0E0E4736-\(span)", "4bf9-\(span)",
  ])
  func refusesWhatIsNotWellFormed(_ text: String) { #expect(B3(single: text) == nil) }

  @Test func aNextSpanHasTheOldOneAsItsParent() throws {
    let next = try #require(B3(single: "\(Self.trace)-\(Self.span)-1")).at(span: 0xab)
    #expect(next.fieldValue == "\(Self.trace)-00000000000000ab-1-\(Self.span)")
    #expect(
      next.fields == [
        Field("x-b3-traceid", Self.trace), Field("x-b3-spanid", "00000000000000ab"),
        Field("x-b3-parentspanid", Self.span), Field("x-b3-sampled", "1"),
      ])
  }
}
