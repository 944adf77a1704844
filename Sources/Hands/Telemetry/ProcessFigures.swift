import Reactor

/// What the process itself takes, by the names that dashboards know (`process_*`).
public enum ProcessFigures {
  /// Adds them to the page, with the name and version of the program.
  public static func register(in registry: MetricRegistry, component: String, version: String) {
    let started = startTime()
    registry.add { text in
      text.begin("process_start_time_seconds", .gauge, help: "When the process began, in seconds since 1970.")
      text.sample(started)
      text.begin("istio_build", .gauge, help: "The program and its version.")
      text.sample(UInt64(1), [("component", component), ("tag", version)])
      write(into: &text)
    }
  }

  /// Resident memory; 0 when the kernel does not tell.
  public static var residentBytes: UInt64 {
    (try? Files.text("/proc/self/status")).flatMap { field("VmRSS:", of: $0) }.map { $0 * 1_024 } ?? 0
  }

  private static func write(into text: inout MetricsText) {
    if let status = try? Files.text("/proc/self/status"), let kib = field("VmRSS:", of: status) {
      text.begin("process_resident_memory_bytes", .gauge, help: "Resident memory.")
      text.sample(kib * 1_024)
      text.begin("process_virtual_memory_bytes", .gauge, help: "Virtual memory.")
      text.sample((field("VmSize:", of: status) ?? 0) * 1_024)
      text.begin("process_threads", .gauge, help: "Threads.")
      text.sample(field("Threads:", of: status) ?? 0)
    }
    if let stat = try? Files.text("/proc/self/stat"), let seconds = cpuSeconds(stat) {
      text.begin("process_cpu_seconds_total", .counter, help: "User and system time.")
      text.sample(seconds)
    }
    // Since Linux 6.2 the size of the directory is the number of its entries.
    if let open = Files.size("/proc/self/fd"), open > 0 {
      text.begin("process_open_fds", .gauge, help: "Open descriptors.")
      text.sample(UInt64(open))
    }
    if let limits = try? Files.text("/proc/self/limits"), let most = field("Max open files", of: limits) {
      text.begin("process_max_fds", .gauge, help: "Descriptors that may be open.")
      text.sample(most)
    }
  }

  /// In seconds since 1970.
  private static func startTime() -> Double {
    guard let stat = try? Files.text("/proc/self/stat"), let ticks = words(stat, from: 19, count: 1)?.first,
      let boot = (try? Files.text("/proc/stat")).flatMap({ field("btime", of: $0) })
    else { return 0 }
    return Double(boot) + Double(ticks) / 100
  }

  /// The first number after the name.
  static func field(_ name: String, of text: String) -> UInt64? {
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      return line.dropFirst(name.count).split { $0 == " " || $0 == "\t" }.first.flatMap { UInt64($0) }
    }
    return nil
  }

  /// utime and stime of `/proc/self/stat`, in ticks of 1/100 s, which is what the kernel tells every process.
  static func cpuSeconds(_ stat: String) -> Double? {
    words(stat, from: 11, count: 2).map { Double($0[0] + $0[1]) / 100 }
  }

  /// Numbers of `/proc/self/stat`, counted from the field behind the name.
  private static func words(_ stat: String, from first: Int, count: Int) -> [UInt64]? {
    // The name of the process, in parentheses, may hold spaces and parentheses.
    guard let end = stat.lastIndex(of: ")") else { return nil }
    let found = stat[stat.index(after: end)...].split(separator: " ").dropFirst(first).prefix(count)
      .compactMap { UInt64($0) }
    return found.count == count ? found : nil
  }
}
