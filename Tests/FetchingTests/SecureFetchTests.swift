import Foundation
import HTTPModel
import Reactor
import TLSEngine
import Testing

@testable import Fetching

/// Against Python's TLS with certificates made by the openssl program: neither end is ours.
@Suite("Fetching over https", .timeLimit(.minutes(1)))
final class SecureFetchTests {
  let thread: ReactorThread
  let folder: URL

  init() throws {
    thread = try ReactorThread(name: "t-fetch-tls")
    folder = FileManager.default.temporaryDirectory.appending(path: "apus-fetch-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func openssl(_ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.currentDirectoryURL = folder
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "openssl \(arguments)")
  }

  /// An authority `name.pem`, and a server's certificate below it for these alternative names.
  func server(_ authority: String, _ names: String) throws -> PythonServer {
    try openssl(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
      "/CN=\(authority)", "-addext", "keyUsage=critical,keyCertSign", "-keyout", "\(authority).key", "-out",
      "\(authority).pem")
    try openssl(
      "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
      "-keyout",
      "leaf.key", "-out", "leaf.csr")
    try Data("subjectAltName=\(names)\n".utf8).write(to: folder.appending(path: "names"))
    try openssl(
      "x509", "-req", "-in", "leaf.csr", "-CA", "\(authority).pem", "-CAkey", "\(authority).key", "-days",
      "2",
      "-set_serial", "1", "-extfile", "names", "-out", "leaf.pem")
    return try PythonServer(
      certificate: folder.appending(path: "leaf.pem").path, key: folder.appending(path: "leaf.key").path)
  }

  func roots(_ authority: String) throws -> TrustBundle {
    try TrustBundle(pem: String(contentsOf: folder.appending(path: "\(authority).pem"), encoding: .utf8))
  }

  @Test("a server that proves its name is read, by name and by address")
  func trusted() async throws {
    let server = try server("one", "DNS:localhost,IP:127.0.0.1")
    let fetcher = try Fetcher(on: thread, roots: roots("one"))
    for host in ["localhost", "127.0.0.1"] {
      let answer = try await fetcher.get("https://\(host):\(server.port)/chunked")
      #expect(answer.status == 200 && answer.body.count == 19_000 + 10_000)
    }
    let body = [UInt8](repeating: 0x62, count: 200_000)
    let posted = try await fetcher.fetch(
      FetchRequest(
        "POST", FetchURL("https://localhost:\(server.port)/"), fields: [Field("content-type", "x")],
        body: body))
    #expect(posted.body == Array("x|".utf8) + body)
  }

  @Test("another name, another authority, and no TLS at all are refused, and say so")
  func refused() async throws {
    let server = try server("one", "DNS:elsewhere.example")
    let wrongName = await failure("https://localhost:\(server.port)/fields", try roots("one"))
    #expect(
      wrongName?.stage == .tls && wrongName?.reason.contains("localhost") == true, "\(wrongName as Any)")
    let other = try self.server("two", "DNS:localhost")
    let unknown = await failure("https://localhost:\(other.port)/fields", try roots("one"))
    #expect(unknown?.stage == .tls && unknown != wrongName, "\(unknown as Any)")
    let plain = try PythonServer()
    let spoken = await failure("https://localhost:\(plain.port)/fields", try roots("one"))
    #expect(spoken?.stage == .tls, "\(spoken as Any)")
  }

  func failure(_ url: String, _ roots: @autoclosure () throws -> TrustBundle) async -> FetchError? {
    do {
      _ = try await Fetcher(on: thread, roots: roots()).get(url)
    } catch let error as FetchError {
      return error
    } catch {
      Issue.record(error)
    }
    return nil
  }

  @Test("the machine's own authorities, where it has any")
  func system() throws {
    if SystemRoots.places.contains(where: { FileManager.default.fileExists(atPath: $0) }) {
      #expect(try SystemRoots.read().certificates.count > 10)
    }
    #expect(throws: FetchError.self) { try SystemRoots.read(from: ["/nowhere"]) }
  }
}
