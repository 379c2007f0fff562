/* SPDX-License-Identifier: BSD-2-Clause */
/* Preloaded into vit: counts the calls that change what is on the disk, and kills the process at the one numbered
 * VIT_KILL_AT, before it (VIT_KILL_WHEN=before) or just after. At the end of a run it writes how many there were to
 * VIT_KILL_COUNT, if that is set. */
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

static int is_now(const char *when)
{
    const char *at = getenv("VIT_KILL_AT"), *asked = getenv("VIT_KILL_WHEN");
    return at && asked && atol(at) == atomic_load(&calls) && strcmp(when, asked) == 0;
}

static void before(void)
{
    atomic_fetch_add(&calls, 1);
    if (is_now("before"))
        raise(SIGKILL);
}

static void after(void)
{
    if (is_now("after"))
        raise(SIGKILL);
}

/* The next definition of the function that is wrapped. A union, since C has no cast from an object's to a function's
 * pointer. */
#define WRAP(result, name, parameters, arguments)                                                                      \
    result name parameters;                                                                                            \
    result name parameters                                                                                             \
    {                                                                                                                  \
        union {                                                                                                        \
            void *object;                                                                                              \
            result(*function) parameters;                                                                              \
        } next = {dlsym(RTLD_NEXT, #name)};                                                                            \
        before();                                                                                                      \
        result got = next.function arguments;                                                                          \
        after();                                                                                                       \
        return got;                                                                                                    \
    }

WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, rmdir, (const char *path), (path))
WRAP(int, fsync, (int descriptor), (descriptor))
WRAP(int, ftruncate, (int descriptor, off_t size), (descriptor, size))
WRAP(int, mkstemp, (char *name), (name))
WRAP(int, unlink, (const char *path), (path))
WRAP(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
WRAP(int, fflush, (FILE * stream), (stream))

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("VIT_KILL_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    fprintf(file, "%ld\n", atomic_load(&calls));
    fclose(file);
}
