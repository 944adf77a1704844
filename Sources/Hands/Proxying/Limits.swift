import Bytes

/// The bounds of the data path, in one place.
enum Limits {
  /// Bytes of ciphertext read at once; what is read at once is decrypted at once.
  static let ciphertextRead = 256 << 10
  /// Plaintext frames packed before they are encrypted.
  static let staging = 256 << 10
  /// Ciphertext that may wait for a tunnel's socket before no more frames are packed.
  static let tunnelBacklog = 1 << 20
  /// Bytes read at once from a plain socket.
  static let plainRead = 128 << 10
  /// Bytes that may wait for a plain socket before its partner is no longer read.
  static let plainBacklog = 256 << 10
  /// Bytes that may wait for the applications' sockets of a worker before the tunnels' windows stay shut:
  /// above it the session's credit is returned only when bytes leave.
  static let workerBacklog = 64 << 20
  /// Memory a connection's queue keeps when it has run empty.
  static let keptCapacity = 64 << 10
  /// The same for a tunnel's ciphertext, which is filled and emptied every tick while bulk flows; given back
  /// when the tunnel has been quiet.
  static let busyCapacity = 2 << 20
  /// Connections taken from one listener at one go, so that no listener starves the others.
  static let acceptBatch = 64
  /// Connections of one pod that wait for the mesh, for credentials or for a tunnel: what a burst may ask of
  /// a peer that has yet to answer, and 164 tunnels' worth of streams. More are refused.
  static let waitingPerPod = 16_384
  /// Live connections of one pod.
  static let connectionsPerPod = 65_536
  /// Tunnels that peers of proven identity may hold open to one pod; another is closed when its handshake is
  /// done.
  static let servedTunnelsPerPod = 4096
  /// Connections to one pod's HBONE port whose peers have proved nothing yet. A handshake takes milliseconds,
  /// so those that fill these places stall: the oldest is closed to make room.
  static let handshakesPerPod = 1024
  /// The same from one source address; more are refused. A pod that opens all the tunnels its waiting
  /// connections may need at once stays below.
  static let handshakesPerSource = 256
  /// Records that a pod's peers without a proven identity may cause in a period; the others are counted.
  static let strangersRecords = 50
  static let strangersRecordsPeriod = Interval.seconds(1)
  /// Ciphertext that one tunnel may send in one tick while others wait: it goes on in the next. Some four
  /// times what a socket's buffer takes at once, so that bulk does not feel it.
  static let flushQuantum = 1 << 20
  /// Endpoints tried for one connection.
  static let endpointAttempts = 6

  /// For TCP, TLS and HTTP/2 of a tunnel together.
  static let tunnelSetup = Interval.seconds(10)
  /// The same while other endpoints could be tried.
  static let tunnelSetupWithAlternatives = Interval.milliseconds(2_000)
  /// For the answer to a CONNECT.
  static let connectAnswer = Interval.seconds(15)
  /// For the application, or a host outside the mesh, to accept.
  static let plainConnect = Interval.seconds(10)
  /// For the control plane to tell of a new pod, and for its first certificate.
  static let awaitMesh = Interval.seconds(5)
  /// For a waypoint to be started, or replaced after a crash.
  static let awaitWaypoint = Interval.seconds(15)
  /// Between two looks for a waypoint while a connection is held: one that crashed may be back at once.
  static let waypointPause = Interval.milliseconds(250)
  /// Between two demands of a worker for the same waypoint.
  static let demandPause = Interval.seconds(1)
  /// An accepting pause after the process has run out of descriptors.
  static let descriptorPause = Interval.milliseconds(100)
}
