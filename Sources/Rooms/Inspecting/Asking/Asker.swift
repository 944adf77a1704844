/// Asks several places at once. What one does not tell holds up nobody else.
public struct Asker: Sendable {
  /// What came of asking one place.
  public struct Answer<Value: Sendable>: Sendable {
    public let place: Place
    public let result: Result<Value, AskingError>
  }

  public let places: [Place]
  private let clients: [Result<PlaceClient, AskingError>]

  public init(_ places: [Place]) {
    self.places = places
    clients = places.map { place in
      do throws(AskingError) { return .success(try PlaceClient(place)) } catch { return .failure(error) }
    }
  }

  /// In the order of the places.
  public func ask<Value: Sendable>(
    _ question: @escaping @Sendable (PlaceClient) async throws(AskingError) -> Value
  ) async -> Answers<Value> {
    await withTaskGroup(of: (Int, Result<Value, AskingError>).self) { group in
      for (index, client) in clients.enumerated() {
        group.addTask {
          do throws(AskingError) {
            return (index, .success(try await question(try client.get())))
          } catch {
            return (index, .failure(error))
          }
        }
      }
      var results: [Int: Result<Value, AskingError>] = [:]
      for await (index, result) in group { results[index] = result }
      return Answers(
        places.indices.compactMap { index in
          results[index].map { Answer(place: places[index], result: $0) }
        })
    }
  }
}

/// What several places answered.
public struct Answers<Value: Sendable>: Sendable {
  public let all: [Asker.Answer<Value>]

  public init(_ all: [Asker.Answer<Value>]) { self.all = all }

  /// Those who told.
  public var told: [(place: Place, value: Value)] {
    all.compactMap { answer in
      if case .success(let value) = answer.result { (answer.place, value) } else { nil }
    }
  }

  /// Those who did not.
  public var unreachable: [Unreachable] {
    all.compactMap { answer in
      if case .failure(let error) = answer.result { answer.place.unreachable("\(error)") } else { nil }
    }
  }
}
