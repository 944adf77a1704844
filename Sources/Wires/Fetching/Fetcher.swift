public import HTTPModel
import MeshModel
public import Reactor
public import TLSEngine

/// Fetches over HTTP/1.1, with and without TLS: key sets, traces, the Kubernetes API, pages of an agent.
///
/// One connection a request, bounded in time and bytes; what fails says where. Runs in the network
/// namespace of the reactor thread.
public final class Fetcher: Sendable {
  public let thread: ReactorThread
  public let limits: FetchLimits
  private let settings: TLSSettings?

  /// `roots` says who may vouch for https servers, which must show a certificate for the URL's host; without
  /// them https is refused. `credentials` are shown to servers that ask for a client certificate.
  public init(
    on thread: ReactorThread, roots: TrustBundle? = nil, credentials: Credentials? = nil,
    limits: FetchLimits = FetchLimits()
  ) throws(TLSError) {
    self.thread = thread
    self.limits = limits
    settings = try roots.map { roots throws(TLSError) in
      try .client(credentials: credentials, roots: roots, alpn: ["http/1.1"], insistsOnALPN: false)
    }
  }

  /// The whole response, whatever its status.
  public func fetch(_ request: FetchRequest) async throws(FetchError) -> FetchResponse {
    try await Deadline.within(limits.time, on: thread, "\(request.url)") {
      () async throws(FetchError) -> FetchResponse in
      let stream = try await self.follow(request)
      let body = try await stream.collect(limit: self.limits.body)
      return FetchResponse(status: stream.status, fields: stream.fields, body: body)
    }
  }

  /// Shorthand for a GET.
  public func get(_ url: String, fields: [Field] = []) async throws(FetchError) -> FetchResponse {
    try await fetch(FetchRequest("GET", FetchURL(url), fields: fields))
  }

  /// The response's head, and its body as it comes.
  public func open(_ request: FetchRequest) async throws(FetchError) -> FetchStream {
    try await Deadline.within(limits.time, on: thread, "\(request.url)") {
      () async throws(FetchError) -> FetchStream in try await self.follow(request)
    }
  }

  // MARK: Steps

  private func follow(_ request: FetchRequest) async throws(FetchError) -> FetchStream {
    var request = request
    var left = limits.redirects
    while true {
      let stream = try await exchange(request)
      guard limits.redirects > 0, [301, 302, 303, 307, 308].contains(stream.status),
        let location = stream.fields.first("location")
      else { return stream }
      guard left > 0 else {
        throw FetchError(.redirect, at: "\(request.url)", "more than \(limits.redirects) redirects")
      }
      left -= 1
      request = try request.redirected(to: location)
    }
  }

  private func exchange(_ request: FetchRequest) async throws(FetchError) -> FetchStream {
    let url = request.url
    let connection = FetchConnection(try await connect(url), place: "\(url)", limits: limits)
    do throws(FetchError) {
      if url.isSecure {
        guard let settings else {
          throw FetchError(.tls, at: "\(url)", "no roots are known that could vouch for an https server")
        }
        try await connection.secure(settings, name: url.host)
      }
      return FetchStream(try await connection.ask(request), connection)
    } catch {
      connection.close()
      throw error
    }
  }

  /// A connection to the first of the host's addresses that takes one.
  private func connect(_ url: FetchURL) async throws(FetchError) -> AsyncSocket {
    let addresses: [SocketAddress]
    do throws(NameLookup.Failure) {
      addresses = try await NameLookup.addresses(of: url.host, port: url.port)
    } catch {
      throw FetchError(.resolve, at: "\(url)", error.reason)
    }
    var failures: [String] = []
    for address in addresses where !Task.isCancelled {
      do throws(FetchError) {
        return try await Deadline.within(limits.connect, on: thread, "\(url)") {
          [thread] () async throws(FetchError) -> AsyncSocket in
          do throws(SystemError) {
            return try await AsyncSocket.connect(to: address, on: thread)
          } catch {
            throw FetchError(.connect, at: "\(url)", "\(error)")
          }
        }
      } catch {
        failures.append("\(address): \(error.reason)")
      }
    }
    throw FetchError(.connect, at: "\(url)", failures.joined(separator: "; "))
  }
}

extension FetchRequest {
  /// The request that a redirect leads to (RFC 9110 section 15.4).
  func redirected(to location: String) throws(FetchError) -> FetchRequest {
    var next = self
    if location.utf8.first == UInt8(ascii: "/"), !location.hasPrefix("//") {
      next.url.target = location
    } else {
      next.url = try FetchURL(location)
    }
    guard body == nil else {
      throw FetchError(.redirect, at: "\(url)", "a request with a body is not repeated")
    }
    guard next.url.isSecure || !url.isSecure else {
      throw FetchError(.redirect, at: "\(url)", "it leads from https to http")
    }
    // Another server has no business with what was for this one.
    if next.url.authority != url.authority {
      next.fields.removeAll { ["authorization", "cookie"].contains($0.name) }
    }
    return next
  }
}
