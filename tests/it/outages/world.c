/* What a process sees of the world, otherwise than it is. Preloaded into it by outages/world.rs:
 *   its clock is as many seconds ahead as the file says that TEST_CLOCK names;
 *   no file may be written to while there is one of the name in TEST_READ_ONLY. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    const char *hand = getenv("TEST_CLOCK");
    if (!failed && hand && clock == CLOCK_REALTIME) {
        char text[32] = "";
        int file = syscall(SYS_openat, AT_FDCWD, hand, O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            if (read(file, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
            close(file);
        }
    }
    return failed;
}

static int is_read_only(void) {
    const char *mark = getenv("TEST_READ_ONLY");
    return mark && access(mark, F_OK) == 0;
}

/* Files alone: pipes, sockets and what is said on standard error go on. */
static int refuses(int fd) {
    struct stat is;
    return fd > STDERR_FILENO && is_read_only() && fstat(fd, &is) == 0 && S_ISREG(is.st_mode);
}

static long refused(void) {
    errno = EROFS;
    return -1;
}

ssize_t write(int fd, const void *bytes, size_t many) {
    return refuses(fd) ? refused() : syscall(SYS_write, fd, bytes, many);
}

ssize_t pwrite64(int fd, const void *bytes, size_t many, off64_t at) {
    return refuses(fd) ? refused() : syscall(SYS_pwrite64, fd, bytes, many, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t many, off_t at) {
    return pwrite64(fd, bytes, many, at);
}

int ftruncate64(int fd, off64_t size) {
    return refuses(fd) ? refused() : syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size) {
    return ftruncate64(fd, size);
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    return writes && is_read_only() ? refused() : syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    return open64(path, flags, mode);
}
