/*
 * What the capture programs and the agent share: one layout, included by both sides.
 *
 * Addresses are sixteen bytes in network order, IPv4 in its v4-mapped form. Ports are in host order.
 */
#ifndef APUS_MAPS_H
#define APUS_MAPS_H

#include <linux/types.h>

/* Ports of the agent in every captured pod's network namespace. */
#define APUS_OUTBOUND_PORT 15001
#define APUS_HBONE_PORT 15008

/* Default limits; the agent may set others when it makes the maps. */
#define APUS_POD_LIMIT 1024
#define APUS_FLOW_LIMIT 32768

struct apus_address {
  __u32 word[4];
};

/* The address that an application asked for. */
struct apus_destination {
  struct apus_address address;
  __u32 port;
};

enum apus_pod_flag {
  APUS_POD_V4 = 1, /* v4 is set */
  APUS_POD_V6 = 2, /* v6 is set */
};

/* A captured pod: its own address, where its connections are sent instead. Key: its namespace's cookie. */
struct apus_pod {
  __u32 flags;
  struct apus_address v4;
  struct apus_address v6;
};

/*
 * A connection on its way from a pod's application to the agent in the same namespace. The other end is
 * always the pod's own address and APUS_OUTBOUND_PORT.
 */
struct apus_flow {
  __u64 netns;
  struct apus_address source;
  __u32 port;
  __u32 zero;
};

#endif
