import FuzzTargets
import Glibc

// libFuzzer calls this with each input; which target takes it, APUS_FUZZ_TARGET says.
private let target: FuzzTarget = {
  let name = getenv("APUS_FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = FuzzTarget.named(name) else {
    let known = FuzzTarget.all.map(\.name).joined(separator: " ")
    print("fuzz: no target \(name); there are: \(known)")
    exit(2)
  }
  return target
}()

private let feed: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32 = { bytes, count in
  target.feed(Array(UnsafeBufferPointer(start: bytes, count: count)))
  return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ feed: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(runDriver(&count, &arguments, feed))
