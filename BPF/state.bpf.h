/* The maps, pinned by name: a dead agent's pods stay closed, and a later agent adopts them. */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"

/* The switch: a namespace is captured when it is in here. Written last on enrolment, deleted first. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, CAPTURE_POD_LIMIT);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u64);
  __type(value, struct capture_pod);
} pods SEC(".maps");

/* The agent's plaintext listener of each captured address. An entry goes when its socket is closed. */
struct {
  __uint(type, BPF_MAP_TYPE_SOCKHASH);
  __uint(max_entries, 2 * CAPTURE_POD_LIMIT);
  __type(key, struct capture_address);
  __type(value, __u64);
} inbound SEC(".maps");

/*
 * Original destinations between an application's SYN and the agent's side of the handshake. The oldest give
 * way when it is full: such a connection has no destination and the agent refuses it.
 */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, CAPTURE_FLOW_LIMIT);
  __type(key, struct capture_flow);
  __type(value, struct capture_destination);
} flows SEC(".maps");

/* Addresses of captured pods, and the cookie of the namespace that has each. Unlike `inbound` it outlives the
 * agent. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 2 * CAPTURE_POD_LIMIT);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct capture_address);
  __type(value, __u64);
} addresses SEC(".maps");

/* The cookie of the host's network namespace, whose own sockets reach pods unjudged; 0 for none. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} host SEC(".maps");

/*
 * Connections of the host's to captured pods, from before the SYN until the host's socket is closed: one may
 * be looked up again when the handshake ends, where SYN cookies are in use. The oldest give way when it is
 * full: such a connection is judged like anybody's.
 */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, CAPTURE_FLOW_LIMIT);
  __type(key, struct capture_host_flow);
  __type(value, __u32);
} host_flows SEC(".maps");

/* Key: enum capture_count. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, CAPTURE_COUNTS);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

/* The original destination of an application's socket, for getpeername. Apart from `accepted`: the agent's
 * own sockets must see their real peer. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct capture_destination);
} clients SEC(".maps");

/* The original destination of a connection that the agent accepted; read by descriptor. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct capture_destination);
} accepted SEC(".maps");

/* The agent's own sockets in the pods' namespaces. Unlike a mark, only who holds this map can set it. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, __u32);
} exempt SEC(".maps");
