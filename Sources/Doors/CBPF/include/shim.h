#pragma once
#include <stddef.h>
#include <sys/vfs.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "../../../../BPF/maps.h"

/// The capture programs as an ELF object, and its length in bytes.
const void *apus_capture_object(void);
size_t apus_capture_object_length(void);
