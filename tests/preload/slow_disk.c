/* A disk that is slow, or hangs, for one process: loaded into it with LD_PRELOAD.
 *
 * Calls on files below a directory take longer by what a control file says, which the test may rewrite at any time. A call that
 * hangs waits for the lock of a file that the test has locked: as on a disk, its thread sleeps until the test unlocks that.
 * Calls that have begun and returned are counted in the control file.
 *
 *   SLOW_DISK_DIRECTORY   the directory, without symbolic links
 *   SLOW_DISK_CONTROL     a directory with the control file `control`, a `struct control`, and a file to be locked for each
 *                         kind of calls
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* One kind of calls. The test writes the delay, and reads the counts. */
struct kind {
    /* How much longer a call takes; UINT64_MAX hangs. */
    _Atomic uint64_t delay_ms;
    _Atomic uint64_t begun;
    _Atomic uint64_t returned;
};

struct control {
    /* fdatasync, fsync, sync_file_range */
    struct kind syncs;
    /* pread, pread64: counted only while they are delayed, as there are many */
    struct kind reads;
    /* write, pwrite, pwrite64: the same */
    struct kind writes;
};

static struct control *control;
static const char *control_directory;
static const char *directory;

/* The path of a file in the control directory. */
static void control_path(char path[4096], const char *name)
{
    snprintf(path, 4096, "%s/%s", control_directory, name);
}

__attribute__((constructor)) static void start(void)
{
    control_directory = getenv("SLOW_DISK_CONTROL");
    directory = getenv("SLOW_DISK_DIRECTORY");
    if (control_directory == NULL || directory == NULL)
        return;
    char path[4096];
    control_path(path, "control");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || mapped == MAP_FAILED) {
        perror("slow_disk: the control file");
        abort();
    }
    close(fd);
    control = mapped;
}

/* Whether a file is the directory, or below it. */
static int is_below(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = '\0';
    size_t prefix = strlen(directory);
    return strncmp(path, directory, prefix) == 0 && (path[prefix] == '/' || path[prefix] == '\0');
}

/* Returns once the test has unlocked a file. */
static void wait_for_lock(const char *name)
{
    char path[4096];
    control_path(path, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (flock(fd, LOCK_SH) != 0 && errno == EINTR)
        ;
    close(fd);
}

static const char *lock_of(const struct kind *kind)
{
    if (kind == &control->syncs)
        return "syncs";
    return kind == &control->reads ? "reads" : "writes";
}

/* A call of this kind begins; returns when it is to be carried out. */
static struct kind *begin(struct kind *kind, int fd)
{
    if (!is_below(fd))
        return NULL;
    kind->begun++;
    uint64_t delay_ms = kind->delay_ms;
    if (delay_ms == UINT64_MAX) {
        wait_for_lock(lock_of(kind));
    } else if (delay_ms > 0) {
        struct timespec delay = {(time_t)(delay_ms / 1000), (long)(delay_ms % 1000) * 1000000};
        while (nanosleep(&delay, &delay) != 0 && errno == EINTR)
            ;
    }
    return kind;
}

static struct kind *begin_if_delayed(struct kind *kind, int fd)
{
    return kind->delay_ms == 0 ? NULL : begin(kind, fd);
}

/* Makes the system call between its begin and its end. */
#define CARRY_OUT(begun, ...)                                                                      \
    struct kind *kind = control == NULL ? NULL : begun;                                            \
    long outcome = syscall(__VA_ARGS__);                                                           \
    if (kind != NULL)                                                                              \
        kind->returned++;                                                                          \
    return outcome

int fdatasync(int fd)
{
    CARRY_OUT(begin(&control->syncs, fd), SYS_fdatasync, fd);
}

int fsync(int fd)
{
    CARRY_OUT(begin(&control->syncs, fd), SYS_fsync, fd);
}

int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags)
{
    CARRY_OUT(begin(&control->syncs, fd), SYS_sync_file_range, fd, offset, length, flags);
}

ssize_t pread(int fd, void *to, size_t length, off_t offset)
{
    CARRY_OUT(begin_if_delayed(&control->reads, fd), SYS_pread64, fd, to, length, offset);
}

ssize_t pread64(int fd, void *to, size_t length, off64_t offset)
{
    CARRY_OUT(begin_if_delayed(&control->reads, fd), SYS_pread64, fd, to, length, offset);
}

ssize_t write(int fd, const void *from, size_t length)
{
    CARRY_OUT(begin_if_delayed(&control->writes, fd), SYS_write, fd, from, length);
}

ssize_t pwrite(int fd, const void *from, size_t length, off_t offset)
{
    CARRY_OUT(begin_if_delayed(&control->writes, fd), SYS_pwrite64, fd, from, length, offset);
}

ssize_t pwrite64(int fd, const void *from, size_t length, off64_t offset)
{
    CARRY_OUT(begin_if_delayed(&control->writes, fd), SYS_pwrite64, fd, from, length, offset);
}
