import CBPF
import Glibc

/// The typed entries of a map, by descriptor. Key and value types are those of BPF/maps.h; the descriptors
/// come from the object that was built with it, so their sizes agree.
extension Descriptor {
  func value<Key: BitwiseCopyable, Value: BitwiseCopyable>(of key: Key, initial: Value) -> Value? {
    var key = key
    var value = initial
    return unsafe bpf_map_lookup_elem(number, &key, &value) == 0 ? value : nil
  }

  func set<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _ key: Key, to value: Value, for operation: @autoclosure () -> String
  ) throws(BPFError) {
    var key = key
    var value = value
    guard unsafe bpf_map_update_elem(number, &key, &value, UInt64(BPF_ANY)) == 0 else {
      throw BPFError.system(operation(), errno)
    }
  }

  /// Deletes an entry; one that is not there is no error.
  func remove<Key: BitwiseCopyable>(_ key: Key, for operation: @autoclosure () -> String) throws(BPFError) {
    var key = key
    guard unsafe bpf_map_delete_elem(number, &key) == 0 || errno == ENOENT || errno == EINVAL else {
      throw BPFError.system(operation(), errno)
    }
  }

  /// All keys. While others change the map a key may be missed; at most `limit` are returned.
  func keys<Key: BitwiseCopyable>(from zero: Key, limit: Int) -> [Key] {
    var found: [Key] = []
    var following = zero
    guard unsafe bpf_map_get_next_key(number, nil, &following) == 0 else { return [] }
    repeat {
      found.append(following)
      var current = following
      guard unsafe bpf_map_get_next_key(number, &current, &following) == 0 else { break }
    } while found.count < limit
    return found
  }
}
