/*
 * What the capture programs and the agent share: one layout, included by both sides.
 *
 * Addresses are sixteen bytes in network order, IPv4 in its v4-mapped form. Ports are in host order.
 */
#ifndef CAPTURE_MAPS_H
#define CAPTURE_MAPS_H

#include <linux/types.h>

/* Ports of the agent in every captured pod's network namespace. */
#define OUTBOUND_PORT 15001
#define INBOUND_PORT 15006
#define HBONE_PORT 15008

/* Default limits; the agent may set others when it makes the maps. */
#define CAPTURE_POD_LIMIT 1024
#define CAPTURE_FLOW_LIMIT 32768

struct capture_address {
  __u32 word[4];
};

/* The address that an application asked for. */
struct capture_destination {
  struct capture_address address;
  __u32 port;
};

enum capture_pod_flag {
  CAPTURE_POD_V4 = 1, /* v4 is set */
  CAPTURE_POD_V6 = 2, /* v6 is set */
};

/* A captured pod: its own address, where its connections are sent instead. Key: its namespace's cookie. */
struct capture_pod {
  __u32 flags;
  struct capture_address v4;
  struct capture_address v6;
};

/*
 * A connection on its way from a pod's application to the agent in the same namespace. The other end is
 * always the pod's own address and OUTBOUND_PORT.
 */
struct capture_flow {
  __u64 netns;
  struct capture_address source;
  __u32 port;
  __u32 zero;
};

/*
 * A connection that a socket of the host's own network namespace opens to a captured pod, as it sends its
 * SYN. A pod sees it so, unless somebody translates addresses in between.
 */
struct capture_host_flow {
  struct capture_address source;
  struct capture_address destination;
  __u32 source_port;
  __u32 destination_port;
};

/* What the programs count, one number a processor. */
enum capture_count {
  CAPTURE_COUNT_HOST_PASSED = 0, /* packets of the host that went to a pod's own listener */
  CAPTURE_COUNTS = 1,
};

#endif
