import Testing

@testable import Inspecting

@Suite struct ListingTests {
  private func listing(_ names: [String]) -> Listing {
    Listing(
      "things",
      [
        .init("name", "NAME"), .init("tags", "TAGS", isWide: true), .init("secret", nil),
      ],
      names.map { name in
        Listing.Row(
          ["name": .text(name), "tags": JSONTree([name, "x"]), "secret": .number(1)],
          cells: ["name": Cell(name, .good)])
      })
  }

  @Test func sortsNumbersInNamesAsNumbers() {
    let sorted = listing(["node-10", "node-9", "a", "node-1"])
    #expect(sorted.rows.map { $0.cell("name").text } == ["a", "node-1", "node-9", "node-10"])
  }

  @Test func showsWideColumnsOnlyWhenAskedAndOthersOnlyInJSON() {
    let one = listing(["a"])
    #expect(one.table(isWide: false).text(Table.Style()) == "NAME\na\n")
    #expect(one.table(isWide: true).text(Table.Style()) == "NAME  TAGS\na     a x\n")
    #expect(one.tree == [.object(["name": "a", "tags": ["a", "x"], "secret": 1])])
  }

  @Test func everyRowHasEveryKey() {
    let bare = Listing("things", [.init("name", "NAME"), .init("other", nil)], [Listing.Row(["name": "a"])])
    #expect(bare.tree == [.object(["name": "a", "other": nil])])
  }

  @Test func selectsByTheKeysOfTheJSON() throws {
    let all = listing(["a", "b"])
    #expect(try all.selecting(Selection("name=a")).rows.count == 1)
    #expect(try all.selecting(Selection("name!=a,tags=x")).rows.count == 1)
    #expect(try all.selecting(Selection("tags==b")).rows.count == 1)
    #expect(try all.selecting(Selection("name=a,name=b")).rows.isEmpty)
    #expect(try all.selecting(Selection("secret=1")).rows.count == 2)
  }

  @Test func saysWhichKeysThereAre() {
    let error = #expect(throws: SelectionError.self) { try listing([]).selecting(try Selection("nmae=a")) }
    #expect(error?.description == "There is no nmae to select things by; there is name, tags, secret.")
    #expect(throws: SelectionError.self) { try Selection("name") }
    #expect(throws: SelectionError.self) { try Selection("=a") }
    #expect(throws: SelectionError.self) { try Selection("a=b,") }
  }

  @Test func tellsWhatWasNotReached() {
    let shown = Shown(
      [listing(["a"])],
      unreachable: [Unreachable(name: "node-2", url: "http://127.0.0.1:15000/", reason: "nothing answers")])
    #expect(
      shown.text(.json, Table.Style()) == """
        {
          "things": [
            {
              "name": "a",
              "secret": 1,
              "tags": [
                "a",
                "x"
              ]
            }
          ],
          "unreachable": [
            {
              "name": "node-2",
              "reason": "nothing answers",
              "url": "http://127.0.0.1:15000/"
            }
          ]
        }

        """)
    #expect(shown.text(.table, Table.Style()) == "NAME\na\n")
  }

  @Test func severalListsStandApart() {
    let shown = Shown(
      [listing(["a"]), Listing("none", [.init("x", "X")], []), listing(["b"])],
      heading: [("mesh", "dev"), ("control", Cell("a long line that is cut somewhere", .good))])
    #expect(
      shown.text(.table, Table.Style(width: 30)) == """
        mesh:     dev
        control:  a long lin…somewhere

        NAME
        a

        NAME
        b

        """)
  }
}
