#pragma once
// Samples of a thread's stack, taken and unwound by the kernel.
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static const uint32_t apus_perf_sample = PERF_RECORD_SAMPLE;
static const uint32_t apus_perf_lost = PERF_RECORD_LOST;
/// Values from here on in a stack are marks, not addresses.
static const uint64_t apus_perf_first_mark = (uint64_t)PERF_CONTEXT_MAX;

/// Of its own code only, so many times for each second on a processor.
static inline int apus_perf_open(pid_t thread, uint64_t hertz) {
  struct perf_event_attr wanted;
  memset(&wanted, 0, sizeof wanted);
  wanted.size = sizeof wanted;
  wanted.type = PERF_TYPE_SOFTWARE;
  wanted.config = PERF_COUNT_SW_CPU_CLOCK;
  wanted.freq = 1;
  wanted.sample_freq = hertz;
  wanted.sample_type = PERF_SAMPLE_CALLCHAIN;
  wanted.exclude_kernel = 1;
  wanted.exclude_hv = 1;
  wanted.exclude_callchain_kernel = 1;
  return (int)syscall(SYS_perf_event_open, &wanted, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static inline void *apus_perf_map(int event, size_t size) {
  void *ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, event, 0);
  return ring == MAP_FAILED ? NULL : ring;
}

static inline uint64_t apus_perf_head(void *ring) {
  return __atomic_load_n(&((struct perf_event_mmap_page *)ring)->data_head, __ATOMIC_ACQUIRE);
}

static inline void apus_perf_taken(void *ring, uint64_t upto) {
  __atomic_store_n(&((struct perf_event_mmap_page *)ring)->data_tail, upto, __ATOMIC_RELEASE);
}
