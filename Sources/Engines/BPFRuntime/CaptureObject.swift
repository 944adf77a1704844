import CBPF
import Glibc

/// The object of BPF/ in libbpf's hands, from opening to loading; afterwards only descriptors matter.
@safe struct CaptureObject: ~Copyable {
  private let object: OpaquePointer

  /// Opens the embedded object; nothing is in the kernel yet.
  init() throws(BPFError) {
    LibbpfLog.divert()
    let object = unsafe bpf_object__open_mem(apus_capture_object(), apus_capture_object_length(), nil)
    guard let object = unsafe object else {
      throw BPFError.failed(operation: "read the capture programs (\(LibbpfLog.take()))", code: errno)
    }
    unsafe self.object = object
  }

  deinit { unsafe bpf_object__close(object) }

  /// Leaves all programs out but this one.
  func keepOnly(program name: String) {
    var program = unsafe bpf_object__next_program(object, nil)
    while let current = unsafe program {
      let isWanted = unsafe String(cString: bpf_program__name(current)) == name
      _ = unsafe bpf_program__set_autoload(current, isWanted)
      unsafe program = bpf_object__next_program(object, current)
    }
  }

  func limit(_ map: CaptureMap, to entries: UInt32) throws(BPFError) {
    guard unsafe bpf_map__set_max_entries(try handle(of: map), entries) == 0 else {
      throw BPFError.failed(operation: "size the map \(map.rawValue)", code: errno)
    }
  }

  /// Uses the map pinned at `pin` instead of making one; false when none is pinned there.
  func adopt(_ map: CaptureMap, pinnedAt pin: String) throws(BPFError) -> Bool {
    let number = unsafe bpf_obj_get(pin)
    guard number >= 0 else {
      guard errno == ENOENT else { throw BPFError.system("open the map pinned at \(pin)", errno) }
      return false
    }
    let pinned = Descriptor(adopting: number)
    var found = bpf_map_info()
    var length = UInt32(MemoryLayout<bpf_map_info>.size)
    guard unsafe bpf_obj_get_info_by_fd(pinned.number, &found, &length) == 0 else {
      throw BPFError.system("read the map pinned at \(pin)", errno)
    }
    let ours = try unsafe handle(of: map)
    guard unsafe found.type == bpf_map__type(ours).rawValue, unsafe found.key_size == bpf_map__key_size(ours),
      unsafe found.value_size == bpf_map__value_size(ours)
    else { throw BPFError.foreignPins(path: pin) }
    guard unsafe bpf_map__reuse_fd(ours, pinned.number) == 0 else {
      throw BPFError.system("adopt the map pinned at \(pin)", errno)
    }
    return true
  }

  /// Loads what was not left out into the kernel.
  func load() throws(BPFError) {
    _ = LibbpfLog.take()
    let failure = unsafe bpf_object__load(object)
    guard failure != 0 else { return }
    let said = LibbpfLog.take()
    if failure == -EPERM { throw BPFError.unprivileged(operation: "load BPF programs") }
    throw BPFError.missingFeature(name: "support for the capture programs", detail: said)
  }

  func descriptor(of map: CaptureMap) throws(BPFError) -> Descriptor {
    try Descriptor(duplicating: unsafe bpf_map__fd(try handle(of: map)), for: "hold the map \(map.rawValue)")
  }

  func descriptor(ofProgram name: String) throws(BPFError) -> Descriptor {
    guard let program = unsafe bpf_object__find_program_by_name(object, name) else {
      throw BPFError.failed(operation: "find the program \(name)", code: ENOENT)
    }
    return try Descriptor(duplicating: unsafe bpf_program__fd(program), for: "hold the program \(name)")
  }

  private func handle(of map: CaptureMap) throws(BPFError) -> OpaquePointer {
    guard let handle = unsafe bpf_object__find_map_by_name(object, map.rawValue) else {
      throw BPFError.failed(operation: "find the map \(map.rawValue)", code: ENOENT)
    }
    return unsafe handle
  }
}
