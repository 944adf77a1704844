import CMnl
import Glibc
import MeshModel

/// Translates virtual addresses for the TCP connections that a namespace's own processes open (nftables), as
/// kube-proxy does: for pods outside the mesh. Each connection gets an endpoint at random.
///
/// The session belongs to the namespace that the calling thread was in when it was opened.
public final class TranslationSession {
  /// Rules of one namespace, at most: one for each endpoint of each port. The rest is left out.
  public static let maximumRules = 4096
  private static let table = "apus-services"
  private static let chain = "output"
  /// A rule is under 700 bytes.
  private static let sendLimit: Int32 = 4 << 20

  private var channel: NetlinkChannel

  public init() throws(NetlinkError) {
    channel = try NetlinkChannel(bus: NETLINK_NETFILTER)
    channel.allowSending(Self.sendLimit)
  }

  /// Replaces all translations of the namespace in one step; none removes the tables.
  public func replace(with translations: [ServiceTranslation]) throws(NetlinkError) {
    for family in [IPAddress.Family.v4, .v6] {
      var builder = TranslationBatch(family, table: Self.table, chain: Self.chain)
      let mine = translations.filter { $0.virtual.ip.family == family && !$0.endpoints.isEmpty }
      builder.reset()
      if !mine.isEmpty {
        builder.begin()
        var room = Self.maximumRules
        for translation in mine where translation.endpoints.count <= room {
          builder.add(translation)
          room -= translation.endpoints.count
        }
      }
      try channel.transact(batch: builder.finished(), "translate service addresses")
    }
  }
}
