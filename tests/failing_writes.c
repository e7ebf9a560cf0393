// Makes the FAIL_AT-th call fail that would change a file below FAIL_UNDER, and with FAIL_ON=1 all calls after it, with the
// error FAIL_ERRNO. How many calls there were is written to FAIL_COUNT. For LD_PRELOAD.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static int below(const char *path) {
  const char *under = getenv("FAIL_UNDER");
  char whole[PATH_MAX];
  if (!under || !path) return 0;
  if (path[0] != '/') {
    if (!getcwd(whole, sizeof whole)) return 0;
    strncat(whole, "/", sizeof whole - strlen(whole) - 1);
    strncat(whole, path, sizeof whole - strlen(whole) - 1);
    path = whole;
  }
  return strncmp(path, under, strlen(under)) == 0;
}

static int open_below(int file) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  // Pipes and sockets have no path.
  return path[0] == '/' && below(path);
}

static int fails(void) {
  long call = atomic_fetch_add(&calls, 1) + 1, at = atol(getenv("FAIL_AT"));
  const char *on = getenv("FAIL_ON");
  if (at == 0 || call < at || (call > at && !(on && *on == '1'))) return 0;
  errno = atoi(getenv("FAIL_ERRNO"));
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *bytes, size_t n) {
  if (open_below(file) && fails()) return -1;
  return REAL(write)(file, bytes, n);
}
ssize_t writev(int file, const struct iovec *parts, int n) {
  if (open_below(file) && fails()) return -1;
  return REAL(writev)(file, parts, n);
}
ssize_t pwrite64(int file, const void *bytes, size_t n, off64_t at) {
  if (open_below(file) && fails()) return -1;
  return REAL(pwrite64)(file, bytes, n, at);
}
int fsync(int file) { return open_below(file) && fails() ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return open_below(file) && fails() ? -1 : REAL(fdatasync)(file); }
int ftruncate64(int file, off64_t n) { return open_below(file) && fails() ? -1 : REAL(ftruncate64)(file, n); }
int rename(const char *from, const char *to) { return below(to) && fails() ? -1 : REAL(rename)(from, to); }
int mkdir(const char *path, mode_t mode) { return below(path) && fails() ? -1 : REAL(mkdir)(path, mode); }

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  int writes = (flags & O_ACCMODE) != O_RDONLY;
  if (writes && below(path) && fails()) return -1;
  return REAL(open64)(path, flags, mode);
}

__attribute__((destructor)) static void count(void) {
  const char *path = getenv("FAIL_COUNT");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%ld", atomic_load(&calls));
  fclose(file);
}

// The program ends by this call, without destructors.
void _exit(int code) {
  count();
  REAL(_exit)(code);
  __builtin_unreachable();
}
