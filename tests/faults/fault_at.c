/* SPDX-License-Identifier: BSD-2-Clause */
/* Preloaded into vit: system calls on files that fail, or do less than they are asked to.
 *
 *   VIT_FAULT=read:3:EIO      the third read fails with EIO
 *   VIT_FAULT=read:3:short    the third read gives half of what it could
 *   VIT_FAULT=write:3+:ENOSPC the third write and all that follow fail
 *   VIT_FAULT_COUNT=FILE      "read 17" and so on are written there, a line for each kind
 *
 * Kinds: read (and pread), write (pwrite, and fwrite and fflush of stdio, whose own calls cannot be wrapped), sync
 * (fsync, fdatasync), rename, open, map (of a file), make (mkstemp, mkdir), size (ftruncate). Only reads and writes of
 * regular files and pipes count, and those of stderr do not; memory (malloc and its kin, of all libraries).
 *
 *   VIT_FAULT_SPARED=libx,liby  these libraries, by a part of their names, are refused no memory
 *
 *   VIT_CLOCK=SECONDS         the wall clock jumps by so much, and back, with every look at it
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum kind { READ, WRITE, SYNC, RENAME, OPEN, MAP, MAKE, SIZE, MEMORY, KINDS };

static const char *const names[KINDS] = {"read", "write", "sync", "rename", "open", "map", "make", "size", "memory"};
static atomic_long calls[KINDS];

static const struct {
    const char *name;
    int number; /* 0: half of it is done */
} errors[] = {{"short", 0},       {"EINTR", EINTR},   {"EIO", EIO},       {"ENOSPC", ENOSPC},
              {"EDQUOT", EDQUOT}, {"ENOMEM", ENOMEM}, {"EMFILE", EMFILE}, {"EACCES", EACCES}};

/* Counts a call. -1: it goes on as it is; else what happens to it. */
static int strikes(enum kind kind)
{
    long call = atomic_fetch_add(&calls[kind], 1) + 1;
    const char *fault = getenv("VIT_FAULT");
    size_t length = strlen(names[kind]);
    if (!fault || strncmp(fault, names[kind], length) != 0 || fault[length] != ':')
        return -1;
    char *end;
    long at = strtol(fault + length + 1, &end, 10);
    int lasts = *end == '+';
    if (lasts ? call < at : call != at)
        return -1;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(end + 1 + lasts, errors[i].name) == 0)
            return errors[i].number;
    abort(); /* a test that is written wrongly */
}

/* Whether the call fails at once. *half: it does half. */
static int fails(enum kind kind, int *half)
{
    int number = strikes(kind);
    *half = number == 0;
    if (number <= 0)
        return 0;
    errno = number;
    return 1;
}

static int counts(int descriptor)
{
    struct stat st;
    return descriptor != STDERR_FILENO && fstat(descriptor, &st) == 0 && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode));
}

/* The next definition of a function. A union, since C has no cast from an object's to a function's pointer. */
#define NEXT(result, name, parameters)                                                                                 \
    union {                                                                                                            \
        void *object;                                                                                                  \
        result(*function) parameters;                                                                                  \
    } next = {dlsym(RTLD_NEXT, #name)}

/* A call that moves `size` bytes of a descriptor. */
#define MOVES(kind, result, name, parameters, arguments)                                                               \
    result name parameters;                                                                                            \
    result name parameters                                                                                             \
    {                                                                                                                  \
        NEXT(result, name, parameters);                                                                                \
        int half = 0;                                                                                                  \
        if (counts(descriptor) && fails(kind, &half))                                                                  \
            return -1;                                                                                                 \
        if (half && size > 1)                                                                                          \
            size /= 2;                                                                                                 \
        return next.function arguments;                                                                                \
    }

MOVES(READ, ssize_t, read, (int descriptor, void *bytes, size_t size), (descriptor, bytes, size))
MOVES(READ, ssize_t, pread, (int descriptor, void *bytes, size_t size, off_t at), (descriptor, bytes, size, at))
MOVES(READ, ssize_t, pread64, (int descriptor, void *bytes, size_t size, off_t at), (descriptor, bytes, size, at))
MOVES(WRITE, ssize_t, write, (int descriptor, const void *bytes, size_t size), (descriptor, bytes, size))
MOVES(WRITE, ssize_t, pwrite, (int descriptor, const void *bytes, size_t size, off_t at), (descriptor, bytes, size, at))
MOVES(WRITE, ssize_t, pwrite64, (int descriptor, const void *bytes, size_t size, off_t at),
      (descriptor, bytes, size, at))

/* A call that is done or not. */
#define DOES(kind, result, failed, when, name, parameters, arguments)                                                  \
    result name parameters;                                                                                            \
    result name parameters                                                                                             \
    {                                                                                                                  \
        NEXT(result, name, parameters);                                                                                \
        int half = 0;                                                                                                  \
        if ((when) && fails(kind, &half))                                                                              \
            return failed;                                                                                             \
        return next.function arguments;                                                                                \
    }

DOES(SYNC, int, -1, 1, fsync, (int descriptor), (descriptor))
DOES(SYNC, int, -1, 1, fdatasync, (int descriptor), (descriptor))
DOES(RENAME, int, -1, 1, rename, (const char *from, const char *to), (from, to))
DOES(MAKE, int, -1, 1, mkstemp, (char *name), (name))
DOES(MAKE, int, -1, 1, mkdir, (const char *path, mode_t mode), (path, mode))
DOES(SIZE, int, -1, 1, ftruncate, (int descriptor, off_t size), (descriptor, size))
DOES(SIZE, int, -1, 1, ftruncate64, (int descriptor, off_t size), (descriptor, size))
DOES(MAP, void *, MAP_FAILED, descriptor >= 0, mmap,
     (void *at, size_t size, int access, int flags, int descriptor, off_t from),
     (at, size, access, flags, descriptor, from))
DOES(MAP, void *, MAP_FAILED, descriptor >= 0, mmap64,
     (void *at, size_t size, int access, int flags, int descriptor, off_t from),
     (at, size, access, flags, descriptor, from))

/* Of stdio: whether a write fails. It goes on by itself after one that was short, and no signal interrupts one. */
static int stream_fails(FILE *stream)
{
    int half;
    return stream && stream != stderr && counts(fileno(stream)) && fails(WRITE, &half) && errno != EINTR;
}

int fflush(FILE *stream)
{
    NEXT(int, fflush, (FILE *));
    return stream_fails(stream) ? EOF : next.function(stream);
}

size_t fwrite(const void *bytes, size_t size, size_t n, FILE *stream);
size_t fwrite(const void *bytes, size_t size, size_t n, FILE *stream)
{
    NEXT(size_t, fwrite, (const void *, size_t, size_t, FILE *));
    if (!stream_fails(stream))
        return next.function(bytes, size, n, stream);
    int number = errno;
    size_t done = next.function(bytes, size, n / 2, stream);
    errno = number;
    return done;
}

static mode_t mode_of(int flags, va_list list)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

#define OPENS(name)                                                                                                    \
    int name(const char *path, int flags, ...);                                                                        \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        NEXT(int, name, (const char *, int, ...));                                                                     \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        mode_t mode = mode_of(flags, list);                                                                            \
        va_end(list);                                                                                                  \
        int half = 0;                                                                                                  \
        if (fails(OPEN, &half))                                                                                        \
            return -1;                                                                                                 \
        return next.function(path, flags, mode);                                                                       \
    }

OPENS(open)
OPENS(open64)

/* ------------------------------------------------------------------ memory ---- */

/* Whose memory it is: glibc's, or AddressSanitizer's where the command is built with it. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void *__interceptor_malloc(size_t size) __attribute__((weak));
extern void *__interceptor_calloc(size_t n, size_t size) __attribute__((weak));
extern void *__interceptor_realloc(void *memory, size_t size) __attribute__((weak));
extern void *__interceptor_memalign(size_t alignment, size_t size) __attribute__((weak));

/* In the sanitizer's own look at a thread's stack: it ends the process where that fails. Its variable is read without a
 * call, which the sanitizer would watch before it can. */
#define READ_AT_ONCE __attribute__((tls_model("initial-exec")))
static _Thread_local int spared READ_AT_ONCE;

int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    NEXT(int, pthread_getattr_np, (pthread_t, pthread_attr_t *));
    spared = 1;
    int got = next.function(thread, attributes);
    spared = 0;
    return got;
}

/* Is this address in a library that is refused nothing? */
static int is_spared(void *caller)
{
    const char *list = getenv("VIT_FAULT_SPARED");
    Dl_info from;
    if (!list || !dladdr(caller, &from) || !from.dli_fname)
        return 0;
    for (size_t length; *list; list += length + (list[length] == ',')) {
        length = strcspn(list, ",");
        if (memmem(from.dli_fname, strlen(from.dli_fname), list, length))
            return 1;
    }
    return 0;
}

static int refused(void *caller)
{
    int number = spared ? -1 : strikes(MEMORY);
    if (number <= 0 || is_spared(caller))
        return 0;
    errno = number;
    return 1;
}

#define ALLOCATES(name, parameters, arguments)                                                                         \
    void *name parameters;                                                                                             \
    void *name parameters                                                                                              \
    {                                                                                                                  \
        if (refused(__builtin_return_address(0)))                                                                      \
            return NULL;                                                                                               \
        return __interceptor_##name ? __interceptor_##name arguments : __libc_##name arguments;                        \
    }

ALLOCATES(malloc, (size_t size), (size))
ALLOCATES(calloc, (size_t n, size_t size), (n, size))
ALLOCATES(realloc, (void *memory, size_t size), (memory, size))
ALLOCATES(memalign, (size_t alignment, size_t size), (alignment, size))

static void *aligned(size_t alignment, size_t size)
{
    return __interceptor_memalign ? __interceptor_memalign(alignment, size) : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return refused(__builtin_return_address(0)) ? NULL : aligned(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = refused(__builtin_return_address(0)) ? NULL : aligned(alignment, size);
    return *memory ? 0 : ENOMEM;
}

/* ------------------------------------------------------------------ the clock ---- */

static time_t leap(void)
{
    static atomic_long looks;
    const char *seconds = getenv("VIT_CLOCK");
    return seconds && atomic_fetch_add(&looks, 1) % 2 ? atol(seconds) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    NEXT(int, clock_gettime, (clockid_t, struct timespec *));
    int got = next.function(clock, at);
    if (got == 0 && clock == CLOCK_REALTIME)
        at->tv_sec += leap();
    return got;
}

time_t time(time_t *at)
{
    NEXT(time_t, time, (time_t *));
    time_t now = next.function(NULL) + leap();
    if (at)
        *at = now;
    return now;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("VIT_FAULT_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    for (int kind = 0; kind < KINDS; kind++)
        fprintf(file, "%s %ld\n", names[kind], atomic_load(&calls[kind]));
    fclose(file);
}
