/* SPDX-License-Identifier: BSD-2-Clause */
/* Mapped files that are cut short. A read behind the new end raises SIGBUS. A program may have that caught
 * (vit_catch_sigbus): zeros then stand in for what is gone, the read goes on, and the file is torn from then on, which
 * whoever computes with it looks at afterwards. Nothing here changes the process before it is asked to. */
#ifndef VIT_SIGBUS_H
#define VIT_SIGBUS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

typedef struct vit__guarded vit__guarded;

/* Makes a mapping known. NULL: out of memory. It must be known no more before it is unmapped. */
vit__guarded *vit__guard(const void *data, size_t size);
void vit__unguard(vit__guarded *guarded);

/* Whether a read of it was caught. */
bool vit__guarded_torn(const vit__guarded *guarded);

/* Catches SIGBUS in the whole process from now on; the second call changes nothing. What is about no guarded mapping
 * goes to the handler that was there before. */
vit_status vit__sigbus_catch(vit_error *err);

/* Blocks signals in the calling thread, for threads that it starts: they are the program's, and come to its threads.
 * Not blocked are those that an instruction raises, such as SIGBUS and SIGSEGV: while they are blocked they end the
 * process, past every handler. *before: for pthread_sigmask, to have the mask back. */
void vit__signals_block(sigset_t *before);

#endif
