import MeshModel
import Resilience
import Synchronization

/// The circuit breakers of all destinations, made when they are first needed.
final class BreakerTable: Sendable {
  private let breakers = Mutex<[DestinationKey: CircuitBreaker]>([:])

  func breaker(_ key: DestinationKey, _ pool: ConnectionPool) -> CircuitBreaker {
    breakers.withLock { breakers in
      if let found = breakers[key] { return found }
      let made = CircuitBreaker(pool)
      breakers[key] = made
      return made
    }
  }
}
