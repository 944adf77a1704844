/* Questions about addresses, all in the sixteen-byte form. */
#pragma once

#include "state.bpf.h"

#ifndef AF_INET
#define AF_INET 2
#endif
#ifndef AF_INET6
#define AF_INET6 10
#endif

/*
 * Keeps a value read from the hook's argument in a register: two branches that read the same field are
 * otherwise merged into arithmetic on the argument's pointer, which the verifier refuses.
 */
#define pinned_to_register(value) asm volatile("" : "+r"(value))

static __always_inline struct capture_address mapped(__u32 v4)
{
  struct capture_address address = {{0, 0, bpf_htonl(0xffff), v4}};
  return address;
}

static __always_inline bool is_mapped(const struct capture_address *address)
{
  return !address->word[0] && !address->word[1] && address->word[2] == bpf_htonl(0xffff);
}

static __always_inline bool same_address(const struct capture_address *a, const struct capture_address *b)
{
  return a->word[0] == b->word[0] && a->word[1] == b->word[1] && a->word[2] == b->word[2] &&
         a->word[3] == b->word[3];
}

/* 127.0.0.0/8 or ::1. */
static __always_inline bool is_loopback(const struct capture_address *address)
{
  if (is_mapped(address))
    return (address->word[3] & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
  return !address->word[0] && !address->word[1] && !address->word[2] && address->word[3] == bpf_htonl(1);
}

/* 0.0.0.0 or ::, which connect() takes for this host. */
static __always_inline bool is_unspecified(const struct capture_address *address)
{
  return !address->word[3] && (is_mapped(address) ||
             (!address->word[0] && !address->word[1] && !address->word[2]));
}
