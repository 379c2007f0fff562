/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include <stdio.h>

#include "clock.h"
#include "talk.h"

#define REFRESH_SECONDS 0.1

const char *const cli_progress_names[] = {"auto", "always", "never", NULL};

bool cli_progress_is_shown(int mode)
{
    return mode == CLI_PROGRESS_ALWAYS || (mode == CLI_PROGRESS_AUTO && cli_is_watched());
}

cli_progress cli_progress_start(int mode, size_t already, size_t total)
{
    cli_progress progress = {.shown = cli_progress_is_shown(mode), .already = already, .total = total};
    if (progress.shown)
        progress.started = vit__seconds();
    return progress;
}

void cli_progress_time(cli_text *line, double seconds)
{
    unsigned long whole = (unsigned long)(seconds + 0.5);
    if (whole >= 3600)
        cli_text_format(line, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
    else
        cli_text_format(line, "%lu:%02lu", whole / 60, whole % 60);
}

void cli_progress_show(cli_progress *progress, size_t done)
{
    double now = progress->shown ? vit__seconds() : 0;
    bool last = progress->total > 0 && done >= progress->total;
    if (!progress->shown || (now - progress->last < REFRESH_SECONDS && !last))
        return;
    progress->last = now;
    double rate = now > progress->started ? (double)(done - progress->already) / (now - progress->started) : 0;
    cli_text line = {0};
    if (progress->total)
        cli_text_format(&line, "%zu of %zu images", done, progress->total);
    else
        cli_text_format(&line, "%zu images", done);
    cli_text_format(&line, ", %.3g images/s", rate);
    if (progress->total > done && rate > 0) {
        cli_text_string(&line, ", ");
        cli_progress_time(&line, (double)(progress->total - done) / rate);
        cli_text_string(&line, " left");
    }
    cli_status_line(line.data);
    cli_text_free(&line);
}

void cli_progress_end(cli_progress *progress)
{
    if (progress->shown)
        cli_status_end();
}
