/*
 * Carries the original destination from the application's socket to the one that the agent accepts: before
 * the SYN it is filed under the connection's addresses, and taken up when the agent's side is established,
 * which the kernel does before accept() can return.
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

SEC("sockops")
int carry(struct bpf_sock_ops *ctx)
{
  switch (ctx->op) {
  case BPF_SOCK_OPS_TCP_CONNECT_CB:
    file_destination(ctx);
    break;
  case BPF_SOCK_OPS_STATE_CB:
    forget_destination(ctx);
    break;
  case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
    take_destination(ctx);
    break;
  }
  return 1;
}
