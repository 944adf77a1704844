/// Which log levels the parts of a mesh write.
public enum LogLevelListing {
  public static func make(_ levels: [(place: Place, value: String)]) -> Listing {
    Listing(
      "levels",
      [
        .init("component", "COMPONENT", minimum: 10), .init("levels", "LEVELS", minimum: 20),
        .init("kind", nil),
      ],
      levels.map { one in
        Listing.Row([
          "component": .text(one.place.name), "kind": .text(one.place.kind.rawValue),
          "levels": .text(one.value),
        ])
      })
  }
}
