/*
 * A packet for a listener of a captured pod: plaintext from outside goes to the agent's listener, on every
 * port; a connection that a socket of this host opened goes to the pod's own. Attached to the pod's
 * namespace, so it never sees anybody else's.
 */
#include "address.bpf.h"

#ifndef IPPROTO_TCP
#define IPPROTO_TCP 6
#endif
/* The loopback link has this index in every network namespace. */
#define LOOPBACK_INDEX 1

/* What the host opened; the agent's own ports have nothing to say to it. */
static __always_inline bool is_from_host(const struct capture_host_flow *flow)
{
  __u32 port = flow->destination_port, which = CAPTURE_COUNT_HOST_PASSED;

  if (port == OUTBOUND_PORT || port == INBOUND_PORT || !bpf_map_lookup_elem(&host_flows, flow))
    return false;
  __u64 *count = bpf_map_lookup_elem(&counts, &which);
  if (count)
    ++*count;
  return true;
}

SEC("sk_lookup")
int inbound_lookup(struct bpf_sk_lookup *ctx)
{
  __u32 family = ctx->family, local_v4 = ctx->local_ip4, remote_v4 = ctx->remote_ip4;
  struct capture_address local = {
    {ctx->local_ip6[0], ctx->local_ip6[1], ctx->local_ip6[2], ctx->local_ip6[3]}};
  struct capture_address remote = {
    {ctx->remote_ip6[0], ctx->remote_ip6[1], ctx->remote_ip6[2], ctx->remote_ip6[3]}};
  pinned_to_register(local_v4);
  pinned_to_register(remote_v4);
  if (family == AF_INET) {
    local = mapped(local_v4);
    remote = mapped(remote_v4);
  }

  if (ctx->protocol != IPPROTO_TCP || ctx->local_port == HBONE_PORT)
    return SK_PASS;
  /* The pod itself, and the agent's onward connections. A pod's connection to its own address does not carry
   * the loopback index: the routing table names the link that has the address. */
  if (ctx->ingress_ifindex == LOOPBACK_INDEX || is_loopback(&remote) || same_address(&remote, &local))
    return SK_PASS;

  /* Before the agent is asked for: the kubelet's probes go on without it. */
  struct capture_host_flow flow = {remote, local, bpf_ntohs(ctx->remote_port), ctx->local_port};
  if (is_from_host(&flow))
    return SK_PASS;

  struct bpf_sock *listener = bpf_map_lookup_elem(&inbound, &local);
  /* The agent is away, or this address is not one of the pod's that it knows: refused. */
  if (!listener)
    return SK_DROP;
  long failure = bpf_sk_assign(ctx, listener, 0);
  bpf_sk_release(listener);
  return failure ? SK_DROP : SK_PASS;
}
