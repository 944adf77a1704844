import Foundation
import Glibc
import Testing

@testable import Reactor

@Suite("Memory that a process leaves for the next")
struct MemoryVaultTests {
  /// The number under which a child would inherit it.
  private func inherited(_ vault: borrowing MemoryVault) throws -> Int32 {
    let copy = dup(vault.descriptor)
    try #require(copy > 2)
    return copy
  }

  @Test("empty, then written once, then the same for whoever comes next")
  func once() throws {
    let vault = try MemoryVault(name: "test")
    let first = try MemoryVault(inherited: inherited(vault))
    #expect(try first.content(limit: 10) == nil)
    try first.leave([1, 2, 3])
    let second = try MemoryVault(inherited: inherited(vault))
    #expect(try second.content(limit: 10) == [1, 2, 3])
    #expect(try second.content(limit: 3) == [1, 2, 3])
    #expect(throws: SystemError.self) { try second.content(limit: 2) }
    #expect(throws: SystemError.self) { try second.leave([4]) }
    #expect(try second.content(limit: 10) == [1, 2, 3])
  }

  @Test("what was left half-written counts for nothing")
  func halfWritten() throws {
    let vault = try MemoryVault(name: "test")
    #expect(unsafe pwrite(vault.descriptor, [9, 9, 9, 9] as [UInt8], 4, 0) == 4)
    let next = try MemoryVault(inherited: inherited(vault))
    #expect(try next.content(limit: 10) == nil)
    try next.leave([1])
    #expect(try next.content(limit: 10) == [1])
  }

  @Test("a file on a disk is refused, and so is one of a file system in memory")
  func files() throws {
    for folder in [FileManager.default.temporaryDirectory.path, "/dev/shm"] {
      let path = "\(folder)/apus-t-\(UUID().uuidString)"
      try Files.write([1], to: path)
      defer { unsafe unlink(path) }
      let number = unsafe open(path, O_RDWR)
      try #require(number > 2)
      defer { close(number) }
      #expect(throws: SystemError.self) { _ = try MemoryVault(inherited: number) }
    }
    #expect(throws: SystemError.self) { _ = try MemoryVault(inherited: 9_999) }
  }
}
