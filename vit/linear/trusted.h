/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether this processor computes as it should: each table of kernels and each multiplier that would be taken here is
 * compared with plain C, once in a process, in less than a millisecond. What differs is left out. */
#ifndef VIT_TRUSTED_H
#define VIT_TRUSTED_H

#include "kernels.h"

/* The kernel whose results are not those of plain C, such as "softmax"; NULL: all agree. */
const char *vit__kernels_differ(const vit__kernels *kernels);

/* The precision whose products are not those of plain C, such as "int8"; NULL: all agree. */
const char *vit__tiles_differ(const vit__tiles *tiles);

/* Those of vit__cpu_here()->flags under which all agree; without matrix_unit none of VIT__CPU_AMX, for which the system
 * would be asked. */
unsigned vit__trusted_flags(bool matrix_unit);

/* What vit__trusted_flags left out of vit__cpu_here()->flags, for people; NULL: nothing. Static storage. */
const char *vit__trusted_left_out(void);

#endif
