/* SPDX-License-Identifier: BSD-2-Clause */
/* How far a job is, on one line of stderr: count, rate, time left. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

typedef enum cli_progress_mode { CLI_PROGRESS_AUTO, CLI_PROGRESS_ALWAYS, CLI_PROGRESS_NEVER } cli_progress_mode;
extern const char *const cli_progress_names[];

typedef struct cli_progress {
    bool shown;
    size_t total;   /* 0: unknown */
    size_t already; /* done by an earlier run */
    double started, last;
} cli_progress;

/* AUTO shows it on a terminal only. */
bool cli_progress_is_shown(int mode);
/* total 0: it is not known how many there are. already: so many of them were done by an earlier run. */
cli_progress cli_progress_start(int mode, size_t already, size_t total);
/* done: those of an earlier run are among them. */
void cli_progress_show(cli_progress *progress, size_t done);
void cli_progress_end(cli_progress *progress);

/* Appends "1:05", or from an hour on "1:00:05". */
void cli_progress_time(cli_text *line, double seconds);

#endif
