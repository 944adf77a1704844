import Glibc

extension Files {
  /// The names in a directory, in no order, without `.` and `..`.
  public static func entries(of path: String) throws(SystemError) -> [String] {
    guard let directory = unsafe opendir(path) else { throw SystemError("opendir(\(path))") }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
          unsafe String(cString: $0)
        }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// So many bytes of a file from an offset on; fewer at its end.
  public static func part(of path: String, from offset: Int, count: Int) throws(SystemError) -> [UInt8] {
    let file = try Descriptor.open(path, O_RDONLY)
    var content: [UInt8] = []
    while content.count < count {
      let chunk = try file.read(at: offset + content.count, upTo: min(1 << 20, count - content.count))
      if chunk.isEmpty { break }
      content += chunk
    }
    return content
  }
}
