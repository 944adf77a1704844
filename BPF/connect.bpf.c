/* connect(): an application's connection goes to the agent in its own namespace instead. */
#include "address.bpf.h"

#ifndef IPPROTO_TCP
#define IPPROTO_TCP 6
#endif
#define IPPROTO_MULTIPATH_TCP 262
#define STREAM_SOCKET 1

enum connect_answer { REFUSE = 0, PERMIT = 1 };

struct redirection {
  enum connect_answer answer;
  bool rewrite;
  struct capture_address address;
};

static __always_inline bool is_tcp(struct bpf_sock_addr *ctx)
{
  return ctx->type == STREAM_SOCKET &&
         (ctx->protocol == IPPROTO_TCP || ctx->protocol == IPPROTO_MULTIPATH_TCP);
}

/*
 * Where a connection to `address` goes. Every failure of ours refuses (EPERM): letting it by would be
 * plaintext around the mesh.
 */
static __always_inline struct redirection redirect(struct bpf_sock_addr *ctx,
                                                   const struct capture_address *address, __u16 port)
{
  struct redirection as_asked = {.answer = PERMIT};
  struct redirection refused = {.answer = REFUSE};
  __u64 netns = bpf_get_netns_cookie(ctx);
  struct capture_pod *pod = bpf_map_lookup_elem(&pods, &netns);

  if (!pod || netns == bpf_get_netns_cookie(NULL))
    return as_asked;

  struct bpf_sock *sk = ctx->sk;
  if (!sk)
    return refused;
  if (bpf_sk_storage_get(&exempt, sk, NULL, 0))
    return as_asked;

  bool wants_v4 = is_mapped(address);
  bool has_family = pod->flags & (wants_v4 ? CAPTURE_POD_V4 : CAPTURE_POD_V6);
  const struct capture_address *own = wants_v4 ? &pod->v4 : &pod->v6;

  if (is_loopback(address) || is_unspecified(address) || (has_family && same_address(address, own))) {
    /* The socket may have been captured before and disconnected since. */
    bpf_sk_storage_delete(&clients, sk);
    return as_asked;
  }
  if (!has_family)
    return refused;

  struct capture_destination destination = {*address, port};
  struct capture_destination *stored =
    bpf_sk_storage_get(&clients, sk, &destination, BPF_SK_STORAGE_GET_F_CREATE);
  if (!stored)
    return refused;
  *stored = destination;

  struct redirection to_agent = {PERMIT, true, *own};
  return to_agent;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
  if (!is_tcp(ctx))
    return PERMIT;
  struct capture_address address = mapped(ctx->user_ip4);
  struct redirection to = redirect(ctx, &address, bpf_ntohs(ctx->user_port));

  if (to.rewrite) {
    ctx->user_ip4 = to.address.word[3];
    ctx->user_port = bpf_htons(OUTBOUND_PORT);
  }
  return to.answer;
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
  if (!is_tcp(ctx))
    return PERMIT;
  struct capture_address address = {
    {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]}};
  struct redirection to = redirect(ctx, &address, bpf_ntohs(ctx->user_port));

  if (to.rewrite) {
    ctx->user_ip6[0] = to.address.word[0];
    ctx->user_ip6[1] = to.address.word[1];
    ctx->user_ip6[2] = to.address.word[2];
    ctx->user_ip6[3] = to.address.word[3];
    ctx->user_port = bpf_htons(OUTBOUND_PORT);
  }
  return to.answer;
}
