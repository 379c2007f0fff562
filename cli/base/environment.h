/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment variable that steers how libvit computes: VIT_CPU. libvit does not heed a value that it does not
 * know, or that cannot be had on this machine. libvit never prints, so the command says it. */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

/* A note if it is not heeded. Called once in a run. */
void cli_environment_note(void);

#endif
