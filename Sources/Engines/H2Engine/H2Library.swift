import CNghttp2

/// The library behind the engine.
public enum H2Library {
  /// Its version, for `--version`: `nghttp2 1.52.0`.
  public static var version: String {
    guard let info = unsafe nghttp2_version(0), let text = unsafe info.pointee.version_str else {
      return "nghttp2"
    }
    return unsafe "nghttp2 \(String(cString: text))"
  }
}
