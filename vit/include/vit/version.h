/* SPDX-License-Identifier: BSD-2-Clause */
/* The version that a program is compiled with. Before 1.0 a new
 * MINOR may break programs, and has a soname of its own. */
#ifndef VIT_VERSION_H
#define VIT_VERSION_H

#define VIT_VERSION_MAJOR 0
#define VIT_VERSION_MINOR 1
#define VIT_VERSION_PATCH 0

/* For comparing: #if VIT_VERSION >= VIT_VERSION_OF(0, 2, 0) */
#define VIT_VERSION_OF(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define VIT_VERSION VIT_VERSION_OF(VIT_VERSION_MAJOR, VIT_VERSION_MINOR, VIT_VERSION_PATCH)

#endif
