// What Swift's Glibc module lacks or cannot express: GNU-only calls, macros, and socket addresses as plain
// values.
#pragma once
// _GNU_SOURCE is not defined here: Swift's Glibc module is built without it, and the two must agree on every
// type.
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <grp.h>
#include <fcntl.h>
#include <malloc.h>
#include <linux/sched.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

// An address as Swift holds it: family 4 or 6, sixteen bytes as two big-endian words, a port in host order.
struct apus_socket_address {
  int family;
  uint64_t high, low;
  uint16_t port;
};

static inline socklen_t apus_to_sockaddr(struct apus_socket_address a, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  if (a.family == 4) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(a.port);
    v4->sin_addr.s_addr = htonl((uint32_t)a.low);
    return sizeof *v4;
  }
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
  uint64_t high = htobe64(a.high), low = htobe64(a.low);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(a.port);
  memcpy(&v6->sin6_addr, &high, 8);
  memcpy((char *)&v6->sin6_addr + 8, &low, 8);
  return sizeof *v6;
}

static inline struct apus_socket_address apus_from_sockaddr(const struct sockaddr_storage *in) {
  struct apus_socket_address a = {0};
  if (in->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)in;
    a.family = 4;
    a.low = ntohl(v4->sin_addr.s_addr);
    a.port = ntohs(v4->sin_port);
  } else if (in->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)in;
    memcpy(&a.high, &v6->sin6_addr, 8);
    memcpy(&a.low, (const char *)&v6->sin6_addr + 8, 8);
    a.high = be64toh(a.high);
    a.low = be64toh(a.low);
    a.family = 6;
    a.port = ntohs(v6->sin6_port);
  }
  return a;
}

static inline int apus_bind(int fd, struct apus_socket_address a) {
  struct sockaddr_storage storage;
  socklen_t length = apus_to_sockaddr(a, &storage);
  return bind(fd, (struct sockaddr *)&storage, length);
}

static inline int apus_connect(int fd, struct apus_socket_address a) {
  struct sockaddr_storage storage;
  socklen_t length = apus_to_sockaddr(a, &storage);
  return connect(fd, (struct sockaddr *)&storage, length);
}

static inline int apus_disconnect(int fd) {
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  return connect(fd, &none, sizeof none);
}

static inline int apus_accept(int fd, struct apus_socket_address *peer) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  memset(&storage, 0, sizeof storage);
  int accepted = (int)syscall(SYS_accept4, fd, &storage, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (accepted >= 0) *peer = apus_from_sockaddr(&storage);
  return accepted;
}

static inline int apus_getsockname(int fd, struct apus_socket_address *out) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  int result = getsockname(fd, (struct sockaddr *)&storage, &length);
  if (result == 0) *out = apus_from_sockaddr(&storage);
  return result;
}

static inline int apus_getpeername(int fd, struct apus_socket_address *out) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  int result = getpeername(fd, (struct sockaddr *)&storage, &length);
  if (result == 0) *out = apus_from_sockaddr(&storage);
  return result;
}

static inline int apus_unix_address(const char *path, struct sockaddr_un *out) {
  memset(out, 0, sizeof *out);
  out->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof out->sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(out->sun_path, path, strlen(path));
  return 0;
}

static inline int apus_unix_connect(int fd, const char *path) {
  struct sockaddr_un address;
  if (apus_unix_address(path, &address)) return -1;
  return connect(fd, (struct sockaddr *)&address, sizeof address);
}

static inline int apus_unix_bind(int fd, const char *path) {
  struct sockaddr_un address;
  if (apus_unix_address(path, &address)) return -1;
  return bind(fd, (struct sockaddr *)&address, sizeof address);
}

// Sends one message with at most one descriptor attached (-1 for none).
static inline ssize_t apus_send_with_fd(int fd, const void *bytes, size_t count, int passed) {
  struct iovec part = {(void *)bytes, count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (passed >= 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &passed, sizeof passed);
  }
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

// Receives one message; up to `room` descriptors are stored, the surplus is closed. `flags` gets msg_flags.
static inline ssize_t apus_receive_with_fds(
    int fd, void *bytes, size_t count, int *passed, int room, int *stored, int *flags) {
  struct iovec part = {bytes, count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * 8)];
  } control;
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1,
      .msg_control = control.space, .msg_controllen = sizeof control.space};
  *stored = 0;
  ssize_t received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  if (received < 0) return received;
  *flags = message.msg_flags;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int total = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (int i = 0; i < total; i++) {
      int one;
      memcpy(&one, CMSG_DATA(header) + i * sizeof(int), sizeof one);
      if (*stored < room)
        passed[(*stored)++] = one;
      else
        close(one);
    }
  }
  return received;
}

// One sendmsg of up to 64 ranges (offset, length) of one block of memory.
static inline ssize_t apus_send_gathered(int fd, const void *base, const long *ranges, int count) {
  struct iovec parts[64];
  if (count > 64) count = 64;
  for (int i = 0; i < count; i++)
    parts[i] = (struct iovec){(char *)base + ranges[2 * i], (size_t)ranges[2 * i + 1]};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
  return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static inline int apus_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data = {.u64 = token}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static inline int apus_epoll_change(int epoll, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data = {.u64 = token}};
  return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
}

static inline int apus_epoll_remove(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); }

struct apus_event {
  uint64_t token;
  uint32_t events;
};

static inline struct apus_event apus_event_at(const void *batch, int index) {
  const struct epoll_event *event = (const struct epoll_event *)batch + index;
  return (struct apus_event){event->data.u64, event->events};
}

static const int apus_event_size = sizeof(struct epoll_event);

static inline int apus_epoll_wait(int epoll, void *batch, int room, int timeout) {
  return epoll_wait(epoll, (struct epoll_event *)batch, room, timeout);
}

static inline int apus_setns(int fd, int kind) { return (int)syscall(SYS_setns, fd, kind); }
static inline int apus_unshare(int flags) { return (int)syscall(SYS_unshare, flags); }
static const int apus_CLONE_NEWNET = CLONE_NEWNET;
static const int apus_CLONE_NEWNS = CLONE_NEWNS;

static inline int apus_netns_cookie(int fd, uint64_t *cookie) {
  socklen_t length = sizeof *cookie;
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
  return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &length);
}

static inline int apus_set_int(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value);
}

static inline int apus_get_int(int fd, int level, int option, int *value) {
  socklen_t length = sizeof *value;
  return getsockopt(fd, level, option, value, &length);
}

static inline int apus_set_linger_zero(int fd) {
  struct linger value = {.l_onoff = 1, .l_linger = 0};
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value);
}

static inline int apus_bind_to_device(int fd, const char *name) {
  return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name));
}

static inline int apus_peer_credentials(int fd, int *pid, unsigned *uid) {
  struct { int pid; unsigned uid, gid; } credentials;  // struct ucred of the kernel
  socklen_t length = sizeof credentials;
  int result = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length);
  if (result == 0) {
    *pid = credentials.pid;
    *uid = credentials.uid;
  }
  return result;
}

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
static inline int apus_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
static inline int apus_pidfd_signal(int pidfd, int signal) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}
// Reaps a child; *code is its exit code, or 128 + the signal that ended it. 0 when reaped, 1 when still
// running.
static inline int apus_reap(int pid, int *code) {
  int status = 0;
  int reaped = waitpid(pid, &status, WNOHANG);
  if (reaped < 0) return -1;
  if (reaped == 0) return 1;
  *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return 0;
}

int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
static inline int apus_spawn_chdir(posix_spawn_file_actions_t *actions, const char *path) {
  return posix_spawn_file_actions_addchdir_np(actions, path);
}

static inline int apus_spawn_signals(posix_spawnattr_t *attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(attributes, &none);
  posix_spawnattr_setsigdefault(attributes, &all);
  return posix_spawnattr_setflags(
      attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | 0x80 /* SETSID */);
}

static inline int apus_memfd(const char *name, int close_on_exec) {
  return (int)syscall(SYS_memfd_create, name, close_on_exec ? 1u : 0u);
}

// One that can be sealed, and is inherited only where it is passed on by number.
static inline int apus_sealable_memfd(const char *name) {
  return (int)syscall(SYS_memfd_create, name, 1u | 2u /* MFD_CLOEXEC | MFD_ALLOW_SEALING */);
}

static inline int apus_all_seals(void) { return 0xf; /* F_SEAL_SEAL, SHRINK, GROW, WRITE */ }

static inline int apus_seals(int descriptor) { return fcntl(descriptor, 1034 /* F_GET_SEALS */); }

static inline int apus_seal(int descriptor) {
  return fcntl(descriptor, 1033 /* F_ADD_SEALS */, apus_all_seals());
}

static inline uint64_t apus_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static inline int64_t apus_wall_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000ll + (int64_t)now.tv_nsec;
}

// Runs in a thread that does not block the signal: lets it block it from now on, and sends it to the process
// again, until no thread takes it and it stays pending for the signalfd.
static inline void apus_pass_signal_on(int number, siginfo_t *info, void *context) {
  (void)info;
  sigaddset(&((ucontext_t *)context)->uc_sigmask, number);
  int saved = errno;
  kill(getpid(), number);
  errno = saved;
}

// Blocks the signals in the calling thread and those it starts; threads that run already come to it by the
// handler.
static inline int apus_block_signals(const int *signals, int count, sigset_t *set) {
  sigemptyset(set);
  for (int i = 0; i < count; i++) sigaddset(set, signals[i]);
  int blocked = pthread_sigmask(SIG_BLOCK, set, NULL);
  for (int i = 0; i < count && blocked == 0; i++) {
    struct sigaction action = {.sa_sigaction = apus_pass_signal_on, .sa_flags = SA_SIGINFO | SA_RESTART};
    blocked = sigaction(signals[i], &action, NULL);
  }
  return blocked;
}

static inline void apus_unblock_all_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

// Large buffers come and go with flows: fixed thresholds keep them out of the heap, which would hold on to
// them.
static inline void apus_return_freed_memory(void) {
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  mallopt(M_TRIM_THRESHOLD, 256 << 10);
  mallopt(M_ARENA_MAX, 2);
}

static inline void apus_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }
static inline void apus_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
static inline int apus_forbid_core_dumps(void) {
  struct rlimit none = {0, 0};
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) | setrlimit(RLIMIT_CORE, &none);
}
/* In this order: a user that is not root may change no groups. */
static inline int apus_become_user(uint32_t user) {
  if (setgroups(0, NULL) || setgid(user)) return -1;
  return setuid(user); // of root: the real, effective and saved one
}
static inline int apus_forbid_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
static inline int apus_raise_descriptor_limit(uint64_t *limit) {
  struct rlimit value;
  if (getrlimit(RLIMIT_NOFILE, &value)) return -1;
  value.rlim_cur = value.rlim_max;
  *limit = value.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &value);
}
