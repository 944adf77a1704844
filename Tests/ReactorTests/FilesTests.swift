import Glibc
import Reactor
import Testing

@Suite("Whole files")
struct FilesTests {
  @Test("what was written is read, and a longer file than allowed is refused")
  func roundTrip() throws {
    let path = "/tmp/apus-t-files-\(getpid())"
    defer { unsafe unlink(path) }
    try Files.write(Array("hello".utf8), to: path)
    try Files.write(Array("world!".utf8), to: path)
    #expect(try Files.read(path, limit: 6) == Array("world!".utf8))
    #expect(throws: SystemError.self) { try Files.read(path, limit: 5) }
  }

  @Test("a missing file says which")
  func missing() {
    #expect(throws: SystemError.self) { try Files.read("/nonexistent/file", limit: 10) }
  }
}
