/*
 * Carries the original destination from the application's socket to the one that the agent accepts: before
 * the SYN it is filed under the connection's addresses, and taken up when the agent's side is established,
 * which the kernel does before accept() can return.
 *
 * And files the host's own connections to pods, by which a pod's sk_lookup tells the kubelet from everybody
 * who only has its address.
 */
#include "address.bpf.h"

/* The connection's key, from the addresses of the application's side. */
static __always_inline struct capture_flow flow(struct bpf_sock_ops *ctx,
                                                const struct capture_address *source, __u32 port)
{
  struct capture_flow key = {bpf_get_netns_cookie(ctx), *source, port, 0};
  return key;
}

static __always_inline struct capture_address local_address(struct bpf_sock_ops *ctx)
{
  __u32 family = ctx->family, v4 = ctx->local_ip4;
  struct capture_address v6 = {
    {ctx->local_ip6[0], ctx->local_ip6[1], ctx->local_ip6[2], ctx->local_ip6[3]}};
  pinned_to_register(v4);
  return family == AF_INET ? mapped(v4) : v6;
}

static __always_inline struct capture_address remote_address(struct bpf_sock_ops *ctx)
{
  __u32 family = ctx->family, v4 = ctx->remote_ip4;
  struct capture_address v6 = {
    {ctx->remote_ip6[0], ctx->remote_ip6[1], ctx->remote_ip6[2], ctx->remote_ip6[3]}};
  pinned_to_register(v4);
  return family == AF_INET ? mapped(v4) : v6;
}

/* The application is about to send its SYN: its port is known, nobody has answered yet. */
static __always_inline void file_destination(struct bpf_sock_ops *ctx)
{
  struct bpf_sock *sk = ctx->sk;
  struct capture_destination *asked = sk ? bpf_sk_storage_get(&clients, sk, NULL, 0) : NULL;

  if (!asked)
    return;
  struct capture_address source = local_address(ctx);
  struct capture_flow key = flow(ctx, &source, ctx->local_port);
  /* On failure the agent finds no destination and refuses the connection. */
  bpf_map_update_elem(&flows, &key, asked, BPF_ANY);
  /* To learn of a SYN that nobody answers. */
  bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

/* The application's connection failed: nobody will take its entry up. */
static __always_inline void forget_destination(struct bpf_sock_ops *ctx)
{
  struct bpf_sock *sk = ctx->sk;

  if (ctx->args[0] != BPF_TCP_SYN_SENT || ctx->args[1] != BPF_TCP_CLOSE)
    return;
  if (!sk || !bpf_sk_storage_get(&clients, sk, NULL, 0))
    return;
  struct capture_address source = local_address(ctx);
  struct capture_flow key = flow(ctx, &source, ctx->local_port);
  bpf_map_delete_elem(&flows, &key);
}

/* The agent's side is established. */
static __always_inline void take_destination(struct bpf_sock_ops *ctx)
{
  if (ctx->local_port != OUTBOUND_PORT)
    return;
  struct capture_address source = remote_address(ctx);
  struct capture_flow key = flow(ctx, &source, bpf_ntohl(ctx->remote_port));
  struct capture_destination *filed = bpf_map_lookup_elem(&flows, &key);

  if (!filed)
    return;
  struct capture_destination asked = *filed;
  struct bpf_sock *sk = ctx->sk;

  if (sk)
    bpf_sk_storage_get(&accepted, sk, &asked, BPF_SK_STORAGE_GET_F_CREATE);
  bpf_map_delete_elem(&flows, &key);
}

/*
 * Whether the socket is of the host's own network namespace: the kubelet's, say. No pod can make one there,
 * and a pod of the host's network is the host.
 */
static __always_inline bool is_of_host(struct bpf_sock_ops *ctx)
{
  __u32 only = 0;
  __u64 *cookie = bpf_map_lookup_elem(&host, &only);

  return cookie && *cookie && *cookie == bpf_get_netns_cookie(ctx);
}

static __always_inline struct capture_host_flow host_flow(struct bpf_sock_ops *ctx)
{
  struct capture_host_flow key = {
    local_address(ctx), remote_address(ctx), ctx->local_port, bpf_ntohl(ctx->remote_port)};
  return key;
}

/* The host is about to send a SYN: when it is for a captured pod, the pod's sk_lookup will know it. */
static __always_inline void file_host_flow(struct bpf_sock_ops *ctx)
{
  __u32 set = 1;

  if (!is_of_host(ctx))
    return;
  struct capture_host_flow key = host_flow(ctx);
  if (!bpf_map_lookup_elem(&addresses, &key.destination))
    return;
  /* An entry that nobody would delete must not be made. */
  if (bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG))
    return;
  bpf_map_update_elem(&host_flows, &key, &set, BPF_ANY);
}

/* A socket of the host is closed: whoever has its addresses from now on is a stranger. */
static __always_inline void forget_host_flow(struct bpf_sock_ops *ctx)
{
  if (ctx->args[1] != BPF_TCP_CLOSE || !is_of_host(ctx))
    return;
  struct capture_host_flow key = host_flow(ctx);
  bpf_map_delete_elem(&host_flows, &key);
}

SEC("sockops")
int carry(struct bpf_sock_ops *ctx)
{
  switch (ctx->op) {
  case BPF_SOCK_OPS_TCP_CONNECT_CB:
    file_destination(ctx);
    file_host_flow(ctx);
    break;
  case BPF_SOCK_OPS_STATE_CB:
    forget_destination(ctx);
    forget_host_flow(ctx);
    break;
  case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
    take_destination(ctx);
    break;
  }
  return 1;
}
