/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file_kind.h"
#include "interrupt.h"
#include "safetensors.h"
#include "talk.h"

#define REFRESH_SECONDS 0.1
#define MEGABYTE 1e6

/* The line that shows how far a checkpoint has come. */
typedef struct display {
    bool shown;
    bool waits; /* the note that the hub is asked again is out */
    const char *name;
    double started, last;
    uint64_t first; /* bytes that were there when the content began to come */
    bool begun;
} display;

static void note_waiting(display *d, const vit_hub_progress *p)
{
    if (p->wait_seconds && !d->waits)
        cli_note("%s: the hub is busy or does not answer: it is asked again in %u s", d->name, p->wait_seconds);
    d->waits = p->wait_seconds > 0;
}

static void show(display *d, const vit_hub_progress *p, double now)
{
    if (!d->begun && p->done > 0) {
        d->begun = true;
        d->started = now;
        d->first = p->done;
    }
    cli_text line = {0};
    double rate = d->begun && now > d->started ? (double)(p->done - d->first) / (now - d->started) : 0;
    cli_text_format(&line, "%s: %.1f of %.1f MB, %.3g MB/s", *p->file ? p->file : "list of files",
                    (double)p->done / MEGABYTE, (double)p->total / MEGABYTE, rate / MEGABYTE);
    if (rate > 0 && p->total > p->done) {
        cli_text_string(&line, ", ");
        cli_progress_time(&line, (double)(p->total - p->done) / rate);
        cli_text_string(&line, " left");
    }
    cli_status_line(line.data);
    cli_text_free(&line);
}

static int on_progress(void *data, const vit_hub_progress *progress)
{
    display *d = data;
    double now = vit__seconds();
    note_waiting(d, progress);
    if (d->shown && now - d->last >= REFRESH_SECONDS) {
        d->last = now;
        show(d, progress, now);
    }
    return 0;
}

static cli_exit status_of(vit_status status)
{
    switch (status) {
    case VIT_OK:
        return CLI_DONE;
    case VIT_ERR_INVALID_ARGUMENT:
        return CLI_USAGE;
    case VIT_ERR_UNWRITABLE:
        return CLI_OUTPUT;
    default:
        return CLI_MODEL;
    }
}

cli_exit cli_fetch(const char *name, vit_hub_options options, int mode, vit_hub_snapshot **snapshot)
{
    display d = {.name = name, .shown = mode == CLI_PROGRESS_ALWAYS || (mode == CLI_PROGRESS_AUTO && cli_is_watched())};
    vit_error err = {0};
    options.progress = on_progress;
    options.data = &d;
    cli_interrupt_say("vit: interrupted; what has come stays, and the next 'vit pull' goes on with it\n");
    vit_status status = vit_hub_pull(name, &options, snapshot, &err);
    cli_interrupt_say(NULL);
    if (d.shown)
        cli_status_end();
    if (status != VIT_OK)
        cli_library_error(&err);
    return status_of(status);
}

/* A hub id that is not complete in the cache. base_of: a file that needs the model; NULL: the user has named it. */
static cli_exit fetch_missing(const char *name, const char *base_of)
{
    vit_hub_snapshot *snapshot = NULL;
    vit_status found = vit_hub_find(name, NULL, &snapshot, NULL);
    vit_hub_snapshot_free(snapshot);
    if (found == VIT_OK || found == VIT_ERR_INVALID_ARGUMENT) /* opening the model says what is wrong with its name */
        return CLI_DONE;
    if (base_of)
        cli_note("%s: a classifier alone, whose model %s is fetched now", base_of, name);
    cli_exit status = cli_fetch(name, (vit_hub_options){0}, CLI_PROGRESS_AUTO, &snapshot);
    vit_hub_snapshot_free(snapshot);
    return status;
}

/* The model that a classifier alone names. */
static cli_exit fetch_base(const char *path)
{
    cli_safetensors file;
    const char *words;
    if (!cli_kind_of_file(path, CLI_KIND_HEAD, &words) || cli_safetensors_open(path, &file, NULL) != VIT_OK)
        return CLI_DONE; /* opening the model says what is wrong with it */
    const char *base = cli_safetensors_metadata(&file, "base");
    cli_exit status = base && access(base, F_OK) != 0 ? fetch_missing(base, path) : CLI_DONE;
    cli_safetensors_close(&file);
    return status;
}

cli_exit cli_fetch_absent(const char *name)
{
    return access(name, F_OK) == 0 ? fetch_base(name) : fetch_missing(name, NULL);
}

cli_exit cli_fetch_name(const char *name, const char *revision, char **fetched)
{
    *fetched = NULL;
    if (!revision) {
        *fetched = cli_duplicate(name);
        return CLI_DONE;
    }
    if (strchr(name, '@')) {
        cli_error("--revision %s: the model %s has a revision already", revision, name);
        return CLI_USAGE;
    }
    cli_text text = {0};
    vit_hub_snapshot *snapshot = NULL;
    cli_text_format(&text, "%s@%s", name, revision);
    vit_status found = vit_hub_find(text.data, NULL, &snapshot, NULL);
    vit_hub_snapshot_free(snapshot);
    if (found == VIT_ERR_INVALID_ARGUMENT) {
        cli_error(
            "--revision %s: the model %s is not a hub id (\"organisation/name\"), or this is no name of a revision",
            revision, name);
        cli_text_free(&text);
        return CLI_USAGE;
    }
    *fetched = text.data;
    return CLI_DONE;
}
