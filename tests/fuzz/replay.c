/* SPDX-License-Identifier: BSD-2-Clause */
/* Feeds an entry with files, one after the other:
 *
 *     fuzz_NAME FILE...                        as they are
 *     fuzz_NAME --damaged FROM COUNT FILE...   COUNT damaged copies of them (damage.h), the same ones every time
 *
 * A damaged copy may take two seconds of the processor, and 1 GiB of memory, which is measured where there is a
 * sanitizer for addresses. `fuzz_NAME --damaged 4711 1 FILE...` repeats number 4711 alone. With libFuzzer the entry has
 * libFuzzer's main instead, which does the first of the two. */
#include "fuzz.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "damage.h"

#define SECONDS_MOST 2.0
#define MEMORY_MOST ((size_t)1 << 30)

const char *replayed_path;

/* ------------------------------------------------------------------ memory ---- */

/* There with AddressSanitizer alone. */
extern int __sanitizer_install_malloc_and_free_hooks(void (*taken)(const volatile void *, size_t),
                                                     void (*given)(const volatile void *)) __attribute__((weak));
extern size_t __sanitizer_get_allocated_size(const volatile void *memory) __attribute__((weak));

static atomic_size_t held, most; /* bytes */

static void taken(const volatile void *memory, size_t size)
{
    (void)memory;
    const size_t now = atomic_fetch_add(&held, size) + size;
    size_t before = atomic_load(&most);
    while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
        continue;
}

static void given(const volatile void *memory)
{
    if (memory)
        atomic_fetch_sub(&held, __sanitizer_get_allocated_size(memory));
}

/* ------------------------------------------------------------------ files ---- */

/* Exactly as large as the file, so that a sanitizer sees every byte read past its end. */
static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    long length = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    uint8_t *bytes = length >= 0 ? malloc((size_t)length + (length == 0)) : NULL;
    *size = length >= 0 ? (size_t)length : 0;
    if (!bytes || fseek(file, 0, SEEK_SET) != 0 || fread(bytes, 1, *size, file) != *size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    fclose(file);
    return bytes;
}

static void replay(const char *path)
{
    size_t size;
    uint8_t *bytes = read_file(path, &size);
    replayed_path = path;
    fprintf(stderr, "%s\n", path); /* the last line names the file that broke something */
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
}

/* ------------------------------------------------------------------ damaged copies ---- */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Number n, which is of the file. Returns the seconds that it took. */
static double replay_damaged(const char *path, unsigned long n)
{
    size_t size;
    uint8_t *bytes = read_file(path, &size), *copy = malloc(size + DAMAGE_GROWTH);
    if (!copy)
        abort();
    uint64_t state = (n + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    size = damage(bytes, size, copy, &state);
    uint8_t *exact = realloc(bytes, size + (size == 0));
    if (!exact)
        abort();
    memcpy(exact, copy, size);
    free(copy);
    replayed_path = path;
    fprintf(stderr, "%lu %s\n", n, path);
    const size_t before = atomic_load(&held);
    atomic_store(&most, before);
    const double start = seconds();
    LLVMFuzzerTestOneInput(exact, size);
    const double took = seconds() - start;
    free(exact);
    if (took <= SECONDS_MOST && atomic_load(&most) - before <= MEMORY_MOST)
        return took;
    fprintf(stderr, "%lu %s: %.1f seconds, %zu bytes of memory\n", n, path, took, atomic_load(&most) - before);
    exit(1);
}

static int replay_all_damaged(unsigned long from, unsigned long count, char **files, unsigned long n_files)
{
    double longest = 0;
    size_t largest = 0;
    if (__sanitizer_install_malloc_and_free_hooks)
        __sanitizer_install_malloc_and_free_hooks(taken, given);
    const char *full = getenv("VIT_TEST_FULL");
    if (full && *full && count > 1)
        count = 10000;
    for (unsigned long n = from; n < from + count; n++) {
        const size_t before = atomic_load(&held);
        const double took = replay_damaged(files[n % n_files], n);
        longest = took > longest ? took : longest;
        largest = atomic_load(&most) - before > largest ? atomic_load(&most) - before : largest;
    }
    printf("%lu damaged copies of %lu files: at most %.2f seconds, %zu bytes of memory\n", count, n_files, longest,
           largest);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 4 && strcmp(argv[1], "--damaged") == 0)
        return replay_all_damaged(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10), argv + 4,
                                  (unsigned long)argc - 4);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%d files\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
