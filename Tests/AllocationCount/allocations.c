// Counts what each thread of the process allocates: these functions stand before those of the C library,
// which do the work.
#define _GNU_SOURCE
#include "include/allocations.h"
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

#define THREADS 16384

struct tally {
  _Atomic int thread;
  _Atomic uint64_t count;
};

static struct tally tallies[THREADS];
static _Atomic int taken;
static struct tally spare;
static __thread struct tally *own;

static void note(void) {
  if (own == NULL) {
    int next = atomic_fetch_add(&taken, 1);
    own = next < THREADS ? &tallies[next] : &spare;
    if (next < THREADS) atomic_store(&own->thread, gettid());
  }
  atomic_fetch_add_explicit(&own->count, 1, memory_order_relaxed);
}

uint64_t apus_allocations_of(int thread) {
  int count = atomic_load(&taken);
  uint64_t sum = 0;
  for (int index = 0; index < count && index < THREADS; index++)
    if (atomic_load(&tallies[index].thread) == thread) sum += atomic_load(&tallies[index].count);
  return sum;
}

void *malloc(size_t size) {
  note();
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  note();
  return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
  note();
  return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
  note();
  *block = __libc_memalign(alignment, size);
  return *block == NULL ? ENOMEM : 0;
}
