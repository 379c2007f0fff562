/* SPDX-License-Identifier: BSD-2-Clause */
/* The same work on many pieces, on several threads: for what needs no model and so has no session with its threads. */
#ifndef CLI_PARALLEL_H
#define CLI_PARALLEL_H

#include <stddef.h>

/* As many as asked for, or as this process may run on. */
unsigned cli_parallel_threads(unsigned asked);

/* piece(context, 0 .. n - 1, thread), each once, in no order; thread is below threads. Returns when all are done. */
void cli_parallel(unsigned threads, size_t n, void (*piece)(void *context, size_t index, unsigned thread),
                  void *context);

#endif
