import CBPF
import Glibc

/// A pinned attachment of a program: held by its pin, not by this process.
struct KernelLink: ~Copyable {
  let descriptor: Descriptor
  let pin: String

  /// The link pinned at `pin`, nil when there is none.
  init?(pinnedAt pin: String) throws(BPFError) {
    let number = unsafe bpf_obj_get(pin)
    guard number >= 0 else {
      guard errno == ENOENT else { throw BPFError.system("open the link pinned at \(pin)", errno) }
      return nil
    }
    descriptor = Descriptor(adopting: number)
    self.pin = pin
  }

  /// Attaches a program and pins the attachment; when that fails the attachment is gone with its descriptor.
  init(
    attaching program: borrowing Descriptor, to target: Int32, _ type: bpf_attach_type, pinnedAt pin: String
  ) throws(BPFError) {
    let number = bpf_link_create(program.number, target, type, nil)
    guard number >= 0 else { throw BPFError.system("attach a program for \(pin)", errno) }
    let link = Descriptor(adopting: number)
    guard unsafe bpf_obj_pin(number, pin) == 0 else { throw BPFError.system("pin \(pin)", errno) }
    descriptor = link
    self.pin = pin
  }

  /// Puts another program in the place of the attached one; no packet sees neither.
  func update(to program: borrowing Descriptor) throws(BPFError) {
    guard bpf_link_update(descriptor.number, program.number, nil) == 0 else {
      throw BPFError.system("replace the program of \(pin)", errno)
    }
  }

  /// Detaches at once, whoever else holds the link, and removes the pin.
  consuming func remove() throws(BPFError) {
    // ENOLINK: what it was attached to is gone, and so is the attachment.
    let failure = bpf_link_detach(descriptor.number) == 0 ? 0 : errno
    guard failure == 0 || failure == ENOLINK else { throw BPFError.system("detach \(pin)", failure) }
    guard unsafe unlink(pin) == 0 || errno == ENOENT else { throw BPFError.system("remove \(pin)", errno) }
  }

  /// The control group that it is attached to; zero when that is gone.
  func controlGroup() throws(BPFError) -> UInt64 { try information().cgroup.cgroup_id }

  /// The inode number of the network namespace that it is attached to; zero when that is gone.
  func networkNamespace() throws(BPFError) -> UInt32 { try information().netns.netns_ino }

  private func information() throws(BPFError) -> bpf_link_info {
    var information = bpf_link_info()
    var length = UInt32(MemoryLayout<bpf_link_info>.size)
    guard unsafe bpf_obj_get_info_by_fd(descriptor.number, &information, &length) == 0 else {
      throw BPFError.system("read the link pinned at \(pin)", errno)
    }
    return information
  }
}
