/* The capture object: all hooks and the maps between them, in one file for the kernel. */
#include "connect.bpf.c"
#include "peername.bpf.c"
#include "sk_lookup.bpf.c"
#include "sockops.bpf.c"

/* No helper in use asks for a GPL-compatible program. */
char capture_license[] SEC("license") = "Apache-2.0";
