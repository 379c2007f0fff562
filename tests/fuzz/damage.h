/* SPDX-License-Identifier: BSD-2-Clause */
/* Damages files of any kind in ways that can be repeated, so that what is behind the first check is reached too. */
#ifndef VIT_DAMAGE_H
#define VIT_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

#define DAMAGE_GROWTH ((size_t)8192) /* bytes that a damaged copy may have more */

/* Copies bytes to copy (room for size + DAMAGE_GROWTH) with a few changes; returns the new size. In JSON these are
 * values: a number becomes another one, a string, nothing. In a safetensors file they are values of its header, or
 * numbers of its tensors that become infinite or none. In all others, and one time in four in these, they are bytes
 * (tests/io/mutate.h). */
size_t damage(const uint8_t *bytes, size_t size, uint8_t *copy, uint64_t *state);

#endif
