/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer changes bytes, and learns which changes lead on. Half of the time it changes them as damaged copies are
 * (damage.h) instead: values of JSON, numbers of tensors, so that what it tries is still of its kind. */
#include <stdlib.h>
#include <string.h>

#include "damage.h"
#include "fuzz.h"
#include "random.h"

const char *replayed_path; /* none is */

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned int seed);

/* Bytes before those of the file: the line that names it (fuzz_folder.c). */
static size_t line_of(const uint8_t *bytes, size_t size)
{
#ifdef FUZZ_DATA
    const uint8_t *end = size > 0 ? memchr(bytes, '\n', size) : NULL;
    return end ? (size_t)(end - bytes) + 1 : 0;
#else
    (void)bytes;
    (void)size;
    return 0;
#endif
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned int seed)
{
    uint64_t state = ((uint64_t)seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    const size_t line = line_of(bytes, size);
    uint8_t *file = bytes + line;
    if (random_next(&state) % 2 || size == line)
        return line + LLVMFuzzerMutate(file, size - line, most - line);
    uint8_t *copy = malloc(size - line + DAMAGE_GROWTH);
    if (!copy)
        abort();
    size_t damaged = damage(file, size - line, copy, &state);
    damaged = damaged < most - line ? damaged : most - line;
    memcpy(file, copy, damaged);
    free(copy);
    return line + damaged;
}
