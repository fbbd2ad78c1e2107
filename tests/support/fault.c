/* Loaded before the C library by LD_PRELOAD: makes file calls below one directory fail when a test wants it, and the time
 * of day lie.
 *
 * FAULT_DIRECTORY names the directory, FAULT_CONTROL a file that holds `struct control`. The file is
 * mapped, so that what the test writes into it takes effect at the next call, and what is counted here can be read there.
 * A call that is made to fail has no effect at all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Bits of `calls`. */
enum { SYNC = 1, WRITE = 2, TRUNCATE = 4, OPEN = 8, READ = 16 };
/* Bits of `files`. */
enum { DATABASE = 1, LOG = 2, INDEX = 4, OTHER = 8 };
/* Values of `error` that are no error numbers. */
enum { COUNT_ONLY = 0, KILL = -1, HOLD = -2 };

/* `FIELDS` of fault.rs names the same places. */
struct control {
    int64_t calls;       /* which calls count */
    int64_t files;       /* on which files */
    int64_t first;       /* the first call to fail, from 1 */
    int64_t last;        /* the last one */
    int64_t error;       /* how: an error number, or one of the values above */
    int64_t count;       /* calls that counted so far */
    int64_t failed;      /* calls that were made to fail or held so far */
    int64_t syncs_begun; /* of all files below the directory, whatever counts */
    int64_t syncs_ended;
    int64_t clock_ms;    /* added to the time of day */
    int64_t frozen_ms;   /* the time of day, which stands still; 0 when it goes on */
};

static volatile struct control *control;
static const char *directory;
static size_t directory_length;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULT_CONTROL");
    directory = getenv("FAULT_DIRECTORY");
    int file = path && directory ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
    void *map = file < 0 ? MAP_FAILED
                         : mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) {
        fputs("fault.so: the control file cannot be used\n", stderr);
        _exit(99);
    }
    close(file);
    directory_length = strlen(directory);
    control = map;
}

/* Which kind of file it is; 0 when it is none of ours. */
static int kind_of(const char *path)
{
    if (strncmp(path, directory, directory_length) != 0 || path[directory_length] != '/')
        return 0;
    const char *end = path + strlen(path);
    if (strcmp(end - 3, ".db") == 0)
        return DATABASE;
    if (strcmp(end - 4, "-wal") == 0)
        return LOG;
    return strcmp(end - 4, "-shm") == 0 ? INDEX : OTHER;
}

static int kind_of_descriptor(int descriptor)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return kind_of(path);
}

/* Counts a call; whether it must fail, and then `errno` says how. */
static int fails(int call, int kind)
{
    if (!(control->calls & call) || !(control->files & kind))
        return 0;
    int64_t ordinal = __atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST);
    if (ordinal < control->first || ordinal > control->last || control->error == COUNT_ONLY)
        return 0;
    __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
    while (control->error == HOLD)
        usleep(200);
    if (control->error == COUNT_ONLY)
        return 0;
    if (control->error == KILL)
        kill(getpid(), SIGKILL);
    errno = (int)control->error;
    return 1;
}

static int fails_on(int call, int descriptor)
{
    if (!control || !(control->calls & call))
        return 0;
    int kept = errno, failing = fails(call, kind_of_descriptor(descriptor));
    if (!failing)
        errno = kept;
    return failing;
}

static int sync_file(long number, int descriptor)
{
    int ours = control && kind_of_descriptor(descriptor) != 0;
    if (fails_on(SYNC, descriptor))
        return -1;
    if (ours)
        __atomic_add_fetch(&control->syncs_begun, 1, __ATOMIC_SEQ_CST);
    int result = (int)syscall(number, descriptor);
    if (ours && result == 0)
        __atomic_add_fetch(&control->syncs_ended, 1, __ATOMIC_SEQ_CST);
    return result;
}

int fsync(int descriptor) { return sync_file(SYS_fsync, descriptor); }
int fdatasync(int descriptor) { return sync_file(SYS_fdatasync, descriptor); }

ssize_t write(int descriptor, const void *bytes, size_t length)
{
    return fails_on(WRITE, descriptor) ? -1 : syscall(SYS_write, descriptor, bytes, length);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t place)
{
    return fails_on(WRITE, descriptor) ? -1 : syscall(SYS_pwrite64, descriptor, bytes, length, place);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t place)
{
    return pwrite(descriptor, bytes, length, place);
}

ssize_t read(int descriptor, void *bytes, size_t length)
{
    return fails_on(READ, descriptor) ? -1 : syscall(SYS_read, descriptor, bytes, length);
}

ssize_t pread(int descriptor, void *bytes, size_t length, off_t place)
{
    return fails_on(READ, descriptor) ? -1 : syscall(SYS_pread64, descriptor, bytes, length, place);
}

ssize_t pread64(int descriptor, void *bytes, size_t length, off64_t place)
{
    return pread(descriptor, bytes, length, place);
}

int ftruncate(int descriptor, off_t length)
{
    return fails_on(TRUNCATE, descriptor) ? -1 : (int)syscall(SYS_ftruncate, descriptor, length);
}

int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }

/* Only opening for writing counts. */
int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (control && flags & (O_WRONLY | O_RDWR | O_CREAT) && fails(OPEN, kind_of(path)))
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return open(path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && control && control->frozen_ms) {
        time->tv_sec = control->frozen_ms / 1000;
        time->tv_nsec = control->frozen_ms % 1000 * 1000000;
    } else if (result == 0 && clock == CLOCK_REALTIME && control) {
        int64_t shift_ms = control->clock_ms;
        time->tv_sec += shift_ms / 1000;
        time->tv_nsec += shift_ms % 1000 * 1000000;
        if (time->tv_nsec < 0 || time->tv_nsec >= 1000000000) {
            int step = time->tv_nsec < 0 ? -1 : 1;
            time->tv_sec += step;
            time->tv_nsec -= step * 1000000000L;
        }
    }
    return result;
}
