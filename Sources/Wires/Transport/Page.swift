/// What a page server answers with.
public struct Page: Hashable, Sendable {
  /// A final HTTP status.
  public var status: Int
  public var contentType: String
  public var body: [UInt8]
  /// What a page for browsers may load and run (Content-Security-Policy); nil: nothing.
  public var contentPolicy: String?

  public init(status: Int = 200, contentType: String = "text/plain; charset=utf-8", body: [UInt8]) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }

  public init(status: Int = 200, text: String, contentType: String = "text/plain; charset=utf-8") {
    self.init(status: status, contentType: contentType, body: Array(text.utf8))
  }
}
