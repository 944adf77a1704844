#pragma once
#include <stdint.h>

/// How often the thread has asked for memory since its start; 0 for one that never has.
uint64_t apus_allocations_of(int thread);
