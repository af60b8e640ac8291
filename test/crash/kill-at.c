/*
 * Kills the process that it is preloaded into at one of the calls by which it changes files: before the call, or in the
 * middle of a write. Calls of all threads are counted; those of children are not.
 *
 *   KILL_AT=n        SIGKILL instead of the nth call
 *   KILL_TORN=1      when that call writes, after half of its bytes
 *   KILL_TALLY=file  gets the number of calls when the process ends by itself
 *   KILL_NO_LINKS=1  hard links fail with EPERM, as on FAT
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;
static long kill_at = -1;
static int torn, no_links;
static char tally[4096];

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
  return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void arm(void) {
  const char *at = getenv("KILL_AT"), *file = getenv("KILL_TALLY");
  if (at != NULL) kill_at = atol(at);
  if (file != NULL) snprintf(tally, sizeof tally, "%s", file);
  torn = getenv("KILL_TORN") != NULL;
  no_links = getenv("KILL_NO_LINKS") != NULL;
  unsetenv("LD_PRELOAD");
  unsetenv("KILL_AT");
  unsetenv("KILL_TORN");
  unsetenv("KILL_TALLY");
  unsetenv("KILL_NO_LINKS");
}

__attribute__((destructor)) static void tell(void) {
  if (tally[0] == '\0') return;
  FILE *file = fopen(tally, "w");
  if (file == NULL) return;
  fprintf(file, "%ld\n", atomic_load(&calls));
  fclose(file);
}

static void end(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

/* Counts a call; 1 when it is the one to be killed at. */
static int is_last(void) {
  return atomic_fetch_add(&calls, 1) + 1 == kill_at;
}

static void count(void) {
  if (is_last()) end();
}

static int is_file(int fd) {
  struct stat stats;
  return fstat(fd, &stats) == 0 && S_ISREG(stats.st_mode);
}

static int changes(int flags) {
  return (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0;
}

#define OPEN(name, path_args, ...)                            \
  int name path_args {                                        \
    mode_t mode = 0;                                          \
    if (flags & (O_CREAT | O_TMPFILE)) {                      \
      va_list list;                                           \
      va_start(list, flags);                                  \
      mode = va_arg(list, mode_t);                            \
      va_end(list);                                           \
    }                                                         \
    if (changes(flags)) count();                              \
    return REAL(name)(__VA_ARGS__, flags, mode);              \
  }

OPEN(open, (const char *path, int flags, ...), path)
OPEN(open64, (const char *path, int flags, ...), path)
OPEN(openat, (int folder, const char *path, int flags, ...), folder, path)
OPEN(openat64, (int folder, const char *path, int flags, ...), folder, path)

/* Writes of `size` bytes. */
#define WRITE(type, name, args, size, whole, half)            \
  type name args {                                            \
    if (is_file(fd) && is_last()) {                           \
      if (torn && (size) > 1) (void)!REAL(name) half;         \
      end();                                                  \
    }                                                         \
    return REAL(name) whole;                                  \
  }

WRITE(ssize_t, write, (int fd, const void *from, size_t n), n, (fd, from, n), (fd, from, n / 2))
WRITE(ssize_t, pwrite, (int fd, const void *from, size_t n, off_t at), n, (fd, from, n, at), (fd, from, n / 2, at))
WRITE(ssize_t, pwrite64, (int fd, const void *from, size_t n, off64_t at), n, (fd, from, n, at), (fd, from, n / 2, at))
WRITE(ssize_t, writev, (int fd, const struct iovec *from, int n), n, (fd, from, n), (fd, from, n / 2))
WRITE(ssize_t, pwritev, (int fd, const struct iovec *from, int n, off_t at), n, (fd, from, n, at),
      (fd, from, n / 2, at))
WRITE(ssize_t, pwritev64, (int fd, const struct iovec *from, int n, off64_t at), n, (fd, from, n, at),
      (fd, from, n / 2, at))
WRITE(ssize_t, sendfile, (int fd, int from, off_t *at, size_t n), n, (fd, from, at, n), (fd, from, at, n / 2))
WRITE(ssize_t, sendfile64, (int fd, int from, off64_t *at, size_t n), n, (fd, from, at, n), (fd, from, at, n / 2))
WRITE(ssize_t, copy_file_range, (int from, off64_t *at, int fd, off64_t *to, size_t n, unsigned flags), n,
      (from, at, fd, to, n, flags), (from, at, fd, to, n / 2, flags))

#define CALL(name, args, values)                              \
  int name args {                                             \
    count();                                                  \
    return REAL(name) values;                                 \
  }

CALL(rename, (const char *from, const char *to), (from, to))
CALL(unlink, (const char *path), (path))
CALL(unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
CALL(rmdir, (const char *path), (path))
CALL(mkdir, (const char *path, mode_t mode), (path, mode))
CALL(symlink, (const char *to, const char *path), (to, path))
CALL(ftruncate, (int fd, off_t size), (fd, size))
CALL(ftruncate64, (int fd, off64_t size), (fd, size))
CALL(fsync, (int fd), (fd))
CALL(fdatasync, (int fd), (fd))
CALL(utimensat, (int folder, const char *path, const struct timespec times[2], int flags), (folder, path, times, flags))
CALL(futimens, (int fd, const struct timespec times[2]), (fd, times))

int link(const char *from, const char *to) {
  count();
  if (!no_links) return REAL(link)(from, to);
  errno = EPERM;
  return -1;
}

/* libuv copies files by this. */
long syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int index = 0; index < 6; index++) a[index] = va_arg(list, long);
  va_end(list);
  if (number == SYS_copy_file_range && is_last()) {
    if (torn && a[4] > 1) REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4] / 2, a[5]);
    end();
  }
  return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
