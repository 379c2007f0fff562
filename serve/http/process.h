/* SPDX-License-Identifier: BSD-2-Clause */
/* What the process uses of the system, and the files and sockets that it may have open (ulimit -n). */
#ifndef SERVE_PROCESS_H
#define SERVE_PROCESS_H

#include <stddef.h>

double serve_process_seconds(void); /* of processors, since the start */
double serve_process_memory(void);  /* resident bytes */
size_t serve_process_files(void);   /* that are open */
size_t serve_process_most_files(void);

/* Lets `wanted` further files be opened, as far as the system allows: that many, or how many there can be. */
size_t serve_process_reserve_files(size_t wanted);

#endif
