#pragma once
// What a child of `apus dev` does to itself before it becomes a pod's program. By number, so that no feature
// macro decides.
#include <linux/sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int apus_clone_mounts = CLONE_NEWNS;
static const int apus_clone_hostname = CLONE_NEWUTS;

static inline int apus_set_hostname(const char *name, size_t length) {
  return (int)syscall(SYS_sethostname, name, length);
}
