import Testing

@testable import Inspecting

@Suite struct TableTests {
  private let table = Table(
    [
      Table.Column("NAME", minimum: 8), Table.Column("ADDRESS", minimum: 6),
      Table.Column("N", isNumber: true),
    ],
    [
      ["a", "10.0.0.1", "1"],
      ["order-service-v1-6bb9c712-fxf65", "fd00:10:244:2::5", "12345"],
    ])

  @Test func isWholeWithoutAWidth() {
    #expect(
      table.lines(Table.Style()) == [
        "NAME                             ADDRESS               N",
        "a                                10.0.0.1              1",
        "order-service-v1-6bb9c712-fxf65  fd00:10:244:2::5  12345",
      ])
  }

  @Test(arguments: 1...60) func neverExceedsTheWidth(_ width: Int) {
    let lines = table.lines(Table.Style(width: width))
    #expect(lines.count == 3)
    #expect(lines.allSatisfy { $0.count <= width })
  }

  @Test func takesFromTheWidestColumnAndFromItsMiddle() {
    let lines = table.lines(Table.Style(width: 45))
    #expect(lines[2] == "order-serv…712-fxf65  fd00:10:244:2::5  12345")
  }

  @Test func keepsToTheMinimumAsLongAsItCan() {
    let narrow = table.lines(Table.Style(width: 8 + 2 + 6 + 2 + 5))
    #expect(narrow[2] == "orde…f65  fd0…:5  12345")
  }

  @Test func coloursOnlyWhereAskedAndChangesNoWidth() {
    let coloured = Table([Table.Column("STATE"), Table.Column("X")], [[Cell("bad", .bad), "x"]])
    #expect(coloured.text(Table.Style()) == "STATE  X\nbad    x\n")
    let text = coloured.text(Table.Style(hasColour: true))
    #expect(text == "\u{1b}[2mSTATE\u{1b}[0m  \u{1b}[2mX\u{1b}[0m\n\u{1b}[31mbad\u{1b}[0m    x\n")
  }

  @Test func cellsCannotSteerATerminal() {
    #expect(Cell("a\u{1b}[2Jb\n\u{202e}c").text == "a?[2Jb??c")
  }

  @Test(arguments: [
    ("abcdefghij", 10, "abcdefghij"), ("abcdefghij", 9, "abcd…ghij"), ("abcdefghij", 4, "ab…j"),
    ("abcdefghij", 1, "…"), ("abcdefghij", 0, ""), ("", 3, ""),
  ]) func losesTheMiddle(_ text: String, _ width: Int, _ expected: String) {
    #expect(Cell.shortened(text, to: width) == expected)
  }
}
