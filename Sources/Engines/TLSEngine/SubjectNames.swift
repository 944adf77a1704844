import COpenSSL

/// The alternative names of a certificate or a signing request, with their bytes exactly as written: a name
/// is judged by its owner, never repaired here.
struct SubjectNames {
  var uris: [[UInt8]] = []
  var dnsNames: [[UInt8]] = []
  /// Four or sixteen bytes each.
  var addresses: [[UInt8]] = []

  /// What a certificate says about its names.
  enum Reading {
    case none
    case names(SubjectNames)
    /// The extension is there twice, or does not parse.
    case unreadable
  }

  /// Reads an X509.
  static func read(_ certificate: OpaquePointer) -> Reading {
    var critical: Int32 = 0
    let names = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nil)
    return unsafe reading(of: names.map { OpaquePointer($0) }, critical)
  }

  /// Reads the extensions of an X509_REQ.
  static func read(extensions: OpaquePointer) -> Reading {
    var critical: Int32 = 0
    let names = unsafe X509V3_get_d2i(extensions, NID_subject_alt_name, &critical, nil)
    return unsafe reading(of: names.map { OpaquePointer($0) }, critical)
  }

  /// Takes the GENERAL_NAMES over; `critical` is -1 when there are none, -2 when there are two extensions.
  private static func reading(of names: OpaquePointer?, _ critical: Int32) -> Reading {
    guard let names = unsafe names else {
      ErrorQueue.clear()
      return critical == -1 ? .none : .unreadable
    }
    defer { unsafe apus_GENERAL_NAMES_free(names) }
    var found = SubjectNames()
    for index in 0..<max(0, unsafe apus_GENERAL_NAMES_count(names)) {
      var type: Int32 = 0
      guard let value = unsafe GENERAL_NAME_get0_value(apus_GENERAL_NAMES_at(names, index), &type) else {
        continue
      }
      switch type {
      case GEN_URI: unsafe found.uris.append(bytes(of: value))
      case GEN_DNS: unsafe found.dnsNames.append(bytes(of: value))
      case GEN_IPADD: unsafe found.addresses.append(bytes(of: value))
      default: continue
      }
    }
    return .names(found)
  }

  /// The bytes of an ASN1_STRING, which may hold NUL.
  private static func bytes(of value: UnsafeMutableRawPointer) -> [UInt8] {
    let string = unsafe value.assumingMemoryBound(to: ASN1_STRING.self)
    let start = unsafe ASN1_STRING_get0_data(string)
    return unsafe Array(UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(string))))
  }

  /// Builds a GENERAL_NAMES of these names; the caller frees it. Nil when memory is short.
  func makeGeneralNames() -> OpaquePointer? {
    guard let names = unsafe apus_GENERAL_NAMES_make() else { return nil }
    for (type, values) in [(GEN_URI, uris), (GEN_DNS, dnsNames), (GEN_IPADD, addresses)] {
      for value in values where unsafe !Self.append(type, value, to: names) {
        unsafe apus_GENERAL_NAMES_free(names)
        return nil
      }
    }
    return unsafe names
  }

  private static func append(_ type: Int32, _ value: [UInt8], to names: OpaquePointer) -> Bool {
    let stringType = type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING
    guard let string = unsafe ASN1_STRING_type_new(stringType) else { return false }
    guard unsafe ASN1_STRING_set(string, value, Int32(value.count)) == 1, let name = unsafe GENERAL_NAME_new()
    else {
      unsafe ASN1_STRING_free(string)
      return false
    }
    unsafe GENERAL_NAME_set0_value(name, type, string)
    guard unsafe apus_GENERAL_NAMES_append(names, name) > 0 else {
      unsafe GENERAL_NAME_free(name)
      return false
    }
    return true
  }
}
