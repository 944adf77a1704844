import CBPF
import Glibc
import Synchronization

/// The capture programs of one node in the kernel, and the pods switched on in them.
///
/// What it sets up is pinned and outlives it: when the process dies, captured pods are refused their
/// connections, in both directions, until another `Capture` with the same pins adopts them. Any thread may
/// call anything; the calls that change a pod take turns.
public final class Capture: Sendable {
  /// The pods that an earlier process left switched on; those whose namespace is gone are already removed.
  /// Each is refused its connections until it is enrolled again, and stays so until then or until it is
  /// withdrawn.
  public let adopted: [CapturedPod]
  /// Programs of other tools beside ours, when this began.
  public let neighbours: [HookNeighbour]

  let options: CaptureOptions
  let pins: PinDirectory
  let pods: Descriptor
  let inbound: Descriptor
  let addresses: Descriptor
  let flows: Descriptor
  let accepted: Descriptor
  let exemptions: Descriptor
  let hostFlows: Descriptor
  let counts: Descriptor
  let inboundProgram: Descriptor
  /// Held by calls that change a pod.
  let change = Mutex<Void>(())

  /// Loads the programs and attaches them to the control group, or takes over what is pinned already.
  ///
  /// Nothing is captured until a pod is enrolled. Takes some milliseconds. Start one process at a time with
  /// the same pins; a second one takes the first one's pods over.
  public init(_ options: CaptureOptions) throws(BPFError) {
    let pins = PinDirectory(path: options.pins)
    try HookSurvey.refuseForeign(at: options.controlGroup)
    try pins.prepare()
    let object = try CaptureObject()
    try pins.whileLocked { () throws(BPFError) in try Self.install(object, options, pins) }
    self.options = options
    self.pins = pins
    pods = try object.descriptor(of: .pods)
    inbound = try object.descriptor(of: .inbound)
    addresses = try object.descriptor(of: .addresses)
    flows = try object.descriptor(of: .flows)
    accepted = try object.descriptor(of: .accepted)
    exemptions = try object.descriptor(of: .exempt)
    hostFlows = try object.descriptor(of: .hostFlows)
    counts = try object.descriptor(of: .counts)
    inboundProgram = try object.descriptor(ofProgram: "inbound_lookup")
    neighbours = try Self.neighbours(of: object, at: options.controlGroup)
    adopted = try Self.adoptPods(pins, pods, addresses, inboundProgram)
    try settleHost(try object.descriptor(of: .host))
  }

  /// Detaches and removes everything pinned under a directory: all its pods are open again. For the end of a
  /// cluster, after its pods. Nothing when there is none.
  public static func removeAll(pins: String) throws(BPFError) {
    try PinDirectory(path: pins).removeAll()
  }

  /// Maps first, so that no link refers to one that would go with this process.
  private static func install(
    _ object: borrowing CaptureObject, _ options: CaptureOptions, _ pins: PinDirectory
  ) throws(BPFError) {
    try object.limit(.pods, to: options.podLimit)
    try object.limit(.inbound, to: 2 * options.podLimit)
    try object.limit(.addresses, to: 2 * options.podLimit)
    try object.limit(.flows, to: options.flowLimit)
    try object.limit(.hostFlows, to: options.flowLimit)
    var fresh: [CaptureMap] = []
    for map in CaptureMap.allCases {
      if try !object.adopt(map, pinnedAt: pins.place(of: map)) { fresh.append(map) }
    }
    try object.load()
    for map in fresh {
      let descriptor = try object.descriptor(of: map)
      guard unsafe bpf_obj_pin(descriptor.number, pins.place(of: map)) == 0 else {
        throw BPFError.system("pin \(pins.place(of: map))", errno)
      }
    }
    let group = try ControlGroup.open(options.controlGroup)
    let identifier = try ControlGroup.identifier(options.controlGroup)
    for hook in Hook.allCases {
      let program = try object.descriptor(ofProgram: hook.program)
      if let link = try KernelLink(pinnedAt: pins.place(of: hook)) {
        if try link.controlGroup() == identifier {
          try link.update(to: program)
          continue
        }
        // The group of an earlier cluster, removed or not the one meant now.
        try link.remove()
      }
      _ = try KernelLink(
        attaching: program, to: group.number, hook.attachType, pinnedAt: pins.place(of: hook))
    }
  }

  private static func neighbours(
    of object: borrowing CaptureObject, at controlGroup: String
  ) throws(BPFError) -> [HookNeighbour] {
    var ours: Set<UInt32> = []
    for hook in Hook.allCases {
      ours.insert(try HookSurvey.identifier(of: try object.descriptor(ofProgram: hook.program)))
    }
    return try HookSurvey.neighbours(at: controlGroup, ours: ours)
  }

  /// Brings the pods found to one of two states: switched on with a live link, or gone.
  private static func adoptPods(
    _ pins: PinDirectory, _ pods: borrowing Descriptor, _ addresses: borrowing Descriptor,
    _ program: borrowing Descriptor
  ) throws(BPFError) -> [CapturedPod] {
    var live: [CapturedPod] = []
    for cookie in try pins.pods() {
      guard let link = try KernelLink(pinnedAt: pins.place(ofPod: cookie)) else { continue }
      // No record: its enrolment or withdrawal was cut short. No namespace: the pod ended without us.
      let isRecorded = pods.value(of: cookie, initial: capture_pod()) != nil
      let isAlive = try link.networkNamespace() != 0
      if isRecorded, isAlive {
        try link.update(to: program)
      } else {
        try pods.remove(cookie, for: "forget a pod that is gone")
        try forget(addressesOf: cookie, addresses)
        try link.remove()
      }
    }
    for cookie in pods.keys(from: UInt64(0), limit: Int(UInt16.max)) {
      // A record without a link stays: its connections are refused, and enrolling it again makes the link.
      guard let record = pods.value(of: cookie, initial: capture_pod()) else { continue }
      live.append(record.pod(cookie: cookie))
    }
    return live
  }
}
