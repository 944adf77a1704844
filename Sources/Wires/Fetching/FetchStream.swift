public import HTTPModel

/// A response whose body is read as it comes. Whoever lets it go ends the connection.
public final class FetchStream: AsyncSequence, Sendable {
  public typealias Element = [UInt8]
  public typealias Failure = FetchError

  public let status: Int
  public let fields: [Field]
  private let connection: FetchConnection

  init(_ head: ResponseHead, _ connection: FetchConnection) {
    status = head.status
    fields = head.fields
    self.connection = connection
  }

  deinit { connection.close() }

  public func makeAsyncIterator() -> Iterator { Iterator(stream: self) }

  /// The body in pieces as they came, none of them empty: nothing is read before it is asked for, so that a
  /// slow reader slows the server. For one reader.
  public struct Iterator: AsyncIteratorProtocol {
    let stream: FetchStream

    public mutating func next() async throws(FetchError) -> [UInt8]? { try await stream.read() }

    public mutating func next(isolation: isolated (any Actor)?) async throws(FetchError) -> [UInt8]? {
      try await stream.read()
    }
  }

  private func read() async throws(FetchError) -> [UInt8]? { try await connection.readStreamed() }

  /// The whole body, at most `limit` bytes.
  public func collect(limit: Int) async throws(FetchError) -> [UInt8] {
    var body: [UInt8] = []
    while let piece = try await read() {
      guard piece.count <= limit - body.count else {
        throw FetchError(.limit, at: connection.place, "the body is above the limit of \(limit) bytes")
      }
      body += piece
    }
    return body
  }

  /// Ends the connection, at once.
  public func close() { connection.close() }
}
