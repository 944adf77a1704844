/* getpeername(): a captured application sees the address that it asked for. */
#include "address.bpf.h"

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
  struct bpf_sock *sk = ctx->sk;
  struct capture_destination *asked = sk ? bpf_sk_storage_get(&clients, sk, NULL, 0) : NULL;

  if (asked) {
    ctx->user_ip4 = asked->address.word[3];
    ctx->user_port = bpf_htons(asked->port);
  }
  return 1;
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx)
{
  struct bpf_sock *sk = ctx->sk;
  struct capture_destination *asked = sk ? bpf_sk_storage_get(&clients, sk, NULL, 0) : NULL;

  if (asked) {
    ctx->user_ip6[0] = asked->address.word[0];
    ctx->user_ip6[1] = asked->address.word[1];
    ctx->user_ip6[2] = asked->address.word[2];
    ctx->user_ip6[3] = asked->address.word[3];
    ctx->user_port = bpf_htons(asked->port);
  }
  return 1;
}
