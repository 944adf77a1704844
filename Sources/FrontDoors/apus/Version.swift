import ArgumentParser
import BPFRuntime
import DevKit
import Foundation
import H2Engine
import TLSEngine

/// What this program is.
enum Version {
  static let text =
    "apus 0.1.0 (\(TLSVersions.openssl), \(H2Library.version), libbpf \(LibbpfVersion.text))"
}

struct ShowVersion: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Show the versions of apus, its agent and its control plane.")

  func run() throws {
    print(Version.text)
    for program in ["apus-agent", "apus-control"] {
      let path = "\(OwnProgram.directory)/\(program)"
      let process = Process()
      let output = Pipe()
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = ["--version"]
      process.standardOutput = output
      guard (try? process.run()) != nil else {
        print("\(program): not found in \(OwnProgram.directory)")
        continue
      }
      let bytes = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      print(String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }
}

/// Where this program is.
enum OwnProgram {
  static var path: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  }

  static var directory: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }
}
