import Bytes
import FoundationEssentials
import Glibc
import Manifests
import Reactor

/// Runs the program that a kubeconfig names for credentials and reads what it says: an ExecCredential, of
/// which a token is taken. Started without a shell, with the environment of this process.
enum CredentialPlugin {
  private struct ExecCredential: Decodable {
    struct Status: Decodable {
      var token: String?
      var expirationTimestamp: Date?
    }
    var status: Status?
  }

  /// Time that the program has.
  private static let patience = Interval.seconds(30)
  private static let largestAnswer = 1 << 20

  /// The token and its end, in seconds since 1970, if it has one.
  static func run(
    _ plugin: Kubeconfig.Plugin, on thread: ReactorThread
  ) async throws(ClusterError) -> (token: String, end: Int64?) {
    do {
      let output = try await output(of: plugin, on: thread)
      let decoder = JSONDecoder()
      decoder.dateDecodingStrategy = .iso8601
      let status = try decoder.decode(ExecCredential.self, from: Data(output)).status
      guard let token = status?.token, !token.isEmpty else {
        throw ClusterError.credentials("\(plugin.command) gave no token; certificates are not taken from it")
      }
      return (token, status?.expirationTimestamp.map { Int64($0.timeIntervalSince1970) })
    } catch let error as ClusterError {
      throw error
    } catch let error as SystemError {
      throw .credentials("\(plugin.command) cannot be run: \(error)")
    } catch {
      throw .credentials("\(plugin.command) did not answer with an ExecCredential")
    }
  }

  private static func output(
    of plugin: Kubeconfig.Plugin, on thread: ReactorThread
  ) async throws -> [UInt8] {
    var environment = ProcessInfo.processInfo.environment
    let path = try program(plugin.command, path: environment["PATH"] ?? "/usr/bin:/bin")
    environment.merge(plugin.environment) { _, own in own }
    environment["KUBERNETES_EXEC_INFO"] =
      #"{"apiVersion":"\#(plugin.apiVersion)","kind":"ExecCredential","spec":{"interactive":false}}"#
    let null = try Descriptor.open("/dev/null", O_RDWR)
    // Its answer is a secret, so it goes to no disk.
    let answer = try MemoryVault(name: "exec-credential")
    let child = try ChildProcess(
      ChildProcess.Launch(
        path: path, arguments: [plugin.command] + plugin.arguments, environment: environment,
        descriptors: [null.number, answer.descriptor, STDERR_FILENO]))
    let guarding = Task(executorPreference: thread) {
      try await thread.sleep(for: patience)
      child.signal(SIGKILL)
    }
    let code = try await child.exited(on: thread)
    guarding.cancel()
    guard code == 0 else { throw ClusterError.credentials("\(plugin.command) ended with code \(code)") }
    return try Files.read("/proc/self/fd/\(answer.descriptor)", limit: largestAnswer)
  }

  /// As a shell would find it.
  private static func program(_ command: String, path: String) throws(ClusterError) -> String {
    if command.contains("/") { return command }
    for directory in path.split(separator: ":") {
      let candidate = "\(directory)/\(command)"
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
    }
    throw .credentials("\(command) is not on the PATH")
  }
}
