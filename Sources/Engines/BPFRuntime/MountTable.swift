import Glibc

/// The mounts that this process sees, from /proc/self/mounts.
enum MountTable {
  /// Where the first file system of `type` is mounted.
  static func place(ofType type: String) -> String? {
    guard let text = try? readText("/proc/self/mounts") else { return nil }
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ")
      // The fields: device, place with spaces as \040, type, options.
      if fields.count > 2, fields[2] == type { return unescaped(fields[1]) }
    }
    return nil
  }

  private static func unescaped(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), rest.count >= 3,
        let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The whole text of a file of /proc.
func readText(_ path: String) throws(BPFError) -> String {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw BPFError.system("read \(path)", errno) }
  let owner = Descriptor(adopting: descriptor)
  var text: [UInt8] = []
  var block = [UInt8](repeating: 0, count: 16_384)
  while true {
    let count = unsafe read(owner.number, &block, block.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { throw BPFError.system("read \(path)", errno) }
    if count == 0 { return String(decoding: text, as: UTF8.self) }
    text.append(contentsOf: block.prefix(count))
  }
}
