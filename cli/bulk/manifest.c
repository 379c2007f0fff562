/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json_read.h"
#include "json_write.h"
#include "limit.h"
#include "talk.h"

char *cli_part_name(const cli_manifest *manifest, size_t part)
{
    cli_text name = {0};
    cli_text_format(&name, "%s%spart-%05zu", manifest->folder, cli_ends_with(manifest->folder, "/") ? "" : "/", part);
    return name.data;
}

size_t cli_part_count(const cli_manifest *manifest)
{
    size_t rows = manifest->mark.rows;
    return rows / manifest->shard_size + (rows % manifest->shard_size != 0);
}

static char *manifest_path(const char *folder)
{
    return cli_join(folder, CLI_MANIFEST_NAME);
}

bool cli_manifest_exists(const char *folder)
{
    char *path = manifest_path(folder);
    bool exists = access(path, F_OK) == 0;
    free(path);
    return exists;
}

/* ------------------------------------------------------------------ writing ---- */

static void add_parts(cli_text *text, const cli_manifest *manifest)
{
    size_t count = cli_part_count(manifest), left = manifest->mark.rows;
    cli_text_string(text, ",\"parts\":[");
    for (size_t i = 0; i < count; i++) {
        size_t rows = left < manifest->shard_size ? left : manifest->shard_size;
        cli_text_format(text, "%s\n{\"file\":\"part-%05zu%s\",\"rows\":%zu}", i ? "," : "", i, manifest->extension,
                        rows);
        left -= rows;
    }
    cli_text_string(text, count ? "\n]" : "]");
}

static void add_mark(cli_text *text, const cli_progress_mark *mark)
{
    cli_text_format(text, ",\"complete\":%s,\"inputs_done\":%zu,\"rows\":%zu,\"failed\":%zu,\"errors_bytes\":%zu",
                    mark->complete ? "true" : "false", mark->inputs, mark->rows, mark->failed, mark->errors_size);
    cli_text_format(text, ",\"inputs_done_digest\":\"%s\"", mark->digest);
}

static void add_shape(cli_text *text, const cli_manifest *manifest)
{
    cli_text_format(text, ",\"shape\":[%zu,", manifest->mark.rows);
    if (manifest->shape[0])
        cli_text_format(text, "%zu,", manifest->shape[0]);
    cli_text_format(text, "%zu]", manifest->shape[1]);
}

bool cli_manifest_write(const cli_manifest *manifest)
{
    cli_text text = {0};
    cli_text_string(&text, "{\"model\":");
    cli_json_string(&text, manifest->model);
    cli_text_string(&text, ",");
    cli_text_add(&text, manifest->settings->data, manifest->settings->size);
    cli_text_format(&text, ",\"shard_size\":%zu", manifest->shard_size);
    add_shape(&text, manifest);
    add_mark(&text, &manifest->mark);
    add_parts(&text, manifest);
    cli_text_string(&text, "}\n");
    char *path = manifest_path(manifest->folder);
    cli_file file;
    bool done = cli_file_open(&file, path);
    if (done && !cli_file_write(&file, text.data, text.size)) {
        cli_file_discard(&file);
        done = false;
    }
    done = done && cli_file_commit(&file);
    free(path);
    cli_text_free(&text);
    return done;
}

/* ------------------------------------------------------------------ reading ---- */

/* What a difference means to the reader of the message; other settings speak for themselves. */
static const struct {
    const char *key, *words;
} differences[] = {
    {"input_digest", "the inputs are others (one was added, removed or renamed, or their order changed)"},
    {"vit_version", "another version of vit began it"},
};

/* Settings that are digests: what of the model they are of, and what to do where the model is the
 * same. */
typedef struct digest_setting {
    const char *key, *words, *remedy;
} digest_setting;

static const digest_setting digests[] = {
    {"model_digest", "weights", "put back what was there"},
    {"preprocessing_digest", "preprocessing", "put back what was there, or give --preprocessor as before"},
};

#define DIGITS 12 /* of a digest, that are shown */

/* then, now: of the job as it began, and of this run. */
typedef struct two_jobs {
    const vit__json *then, *now;
    const char *key; /* of a setting that differs */
} two_jobs;

static const char *text_in(const vit__json *job, const char *key)
{
    const char *text = vit__json_string(vit__json_get(job, key));
    return text ? text : "none";
}

/* Digests mean nothing to people, the names of the models do. */
static cli_exit refuse_digest(const cli_command *command, const cli_manifest *manifest, const two_jobs *jobs,
                              const digest_setting *digest)
{
    const char *model = text_in(jobs->then, "model");
    const char *then = text_in(jobs->then, jobs->key), *now = text_in(jobs->now, jobs->key);
    if (strcmp(model, manifest->model) == 0)
        return cli_usage_error(command,
                               "%s: cannot go on with this job: the %s of model %s changed since it began (digest "
                               "%.*s then, %.*s now); %s, or name another folder with %s",
                               manifest->folder, digest->words, model, DIGITS, then, DIGITS, now, digest->remedy,
                               manifest->option);
    return cli_usage_error(command,
                           "%s: cannot go on with this job: it began with the %s of model %s "
                           "(digest %.*s), and those of model %s (digest %.*s) are others; name "
                           "the same with -m, or another folder with %s",
                           manifest->folder, digest->words, model, DIGITS, then, manifest->model, DIGITS, now,
                           manifest->option);
}

static cli_exit refuse_difference(const cli_command *command, const cli_manifest *manifest, const two_jobs *jobs)
{
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        if (strcmp(jobs->key, digests[i].key) == 0)
            return refuse_digest(command, manifest, jobs, &digests[i]);
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++)
        if (strcmp(jobs->key, differences[i].key) == 0)
            return cli_usage_error(command, "%s: cannot go on with this job: %s; name another folder with %s",
                                   manifest->folder, differences[i].words, manifest->option);
    char *was = cli_json_print(vit__json_get(jobs->then, jobs->key));
    char *is = cli_json_print(vit__json_get(jobs->now, jobs->key));
    cli_usage_error(command,
                    "%s: cannot go on with this job: its %s is %s, now it is %s; use the same options, or name "
                    "another folder with %s",
                    manifest->folder, jobs->key, was, is, manifest->option);
    free(was);
    free(is);
    return CLI_USAGE;
}

static bool differs(const two_jobs *jobs, const char *key)
{
    char *then = cli_json_print(vit__json_get(jobs->then, key));
    char *now = cli_json_print(vit__json_get(jobs->now, key));
    bool differ = strcmp(then, now) != 0;
    free(then);
    free(now);
    return differ;
}

/* NULL: nothing differs. --image-size is the user's own, and changes the preprocessing: it is the
 * one to name. */
static const char *find_difference(const two_jobs *jobs)
{
    const char *key = cli_json_difference(jobs->now, jobs->then);
    bool rules = key && strcmp(key, "preprocessing_digest") == 0;
    return rules && differs(jobs, "image_size") ? "image_size" : key;
}

static cli_exit damaged(const cli_manifest *manifest, const char *what)
{
    cli_error("%s/" CLI_MANIFEST_NAME ": %s: remove the folder and begin again", manifest->folder, what);
    return CLI_OUTPUT;
}

static cli_exit check_settings(const cli_command *command, const cli_manifest *manifest, const vit__json *json)
{
    cli_text text = {0};
    cli_text_format(&text, "{%s}", manifest->settings->data);
    vit__json *settings = cli_json_parse(text.data, text.size);
    cli_text_free(&text);
    cli_exit status = settings ? CLI_DONE : damaged(manifest, "the settings of this job cannot be compared");
    two_jobs jobs = {.then = json, .now = settings};
    jobs.key = find_difference(&jobs);
    if (jobs.key)
        status = refuse_difference(command, manifest, &jobs);
    vit__json_free(settings);
    return status;
}

static cli_exit read_shard_size(const cli_command *command, cli_manifest *manifest, const vit__json *json)
{
    size_t size;
    if (!vit__json_size(vit__json_get(json, "shard_size"), &size) || size == 0)
        return damaged(manifest, "it has no shard_size");
    if (manifest->shard_size && manifest->shard_size != size)
        return cli_usage_error(command, "%s: cannot go on with this job: its --shard-size is %zu", manifest->folder,
                               size);
    manifest->shard_size = size;
    return CLI_DONE;
}

static cli_exit read_mark(cli_manifest *manifest, const vit__json *json)
{
    cli_progress_mark *mark = &manifest->mark;
    const char *digest = vit__json_string(vit__json_get(json, "inputs_done_digest"));
    mark->complete = cli_json_is_true(vit__json_get(json, "complete"));
    bool right = vit__json_size(vit__json_get(json, "inputs_done"), &mark->inputs) &&
                 vit__json_size(vit__json_get(json, "rows"), &mark->rows) &&
                 vit__json_size(vit__json_get(json, "failed"), &mark->failed) &&
                 vit__json_size(vit__json_get(json, "errors_bytes"), &mark->errors_size) && digest &&
                 strlen(digest) == VIT__SHA256_HEX - 1;
    /* No sum overflows: each is at most INT64_MAX. */
    if (!right || mark->inputs != mark->rows + mark->failed ||
        (mark->rows % manifest->shard_size != 0 && !mark->complete) ||
        vit__json_length(vit__json_get(json, "parts")) != cli_part_count(manifest))
        return damaged(manifest, "what it says is finished does not add up");
    memcpy(mark->digest, digest, VIT__SHA256_HEX);
    return CLI_DONE;
}

static cli_exit check_parts(const cli_manifest *manifest)
{
    for (size_t i = 0; i < cli_part_count(manifest); i++) {
        cli_text path = {0};
        char *name = cli_part_name(manifest, i);
        cli_text_format(&path, "%s%s", name, manifest->extension);
        bool there = access(path.data, F_OK) == 0;
        if (!there)
            cli_error("%s: this part was finished and is gone: put it back, or remove the folder and begin again",
                      path.data);
        free(name);
        cli_text_free(&path);
        if (!there)
            return CLI_OUTPUT;
    }
    return CLI_DONE;
}

static vit__json *load(const cli_manifest *manifest)
{
    char *path = manifest_path(manifest->folder);
    vit_error err = {0};
    vit__json *json = NULL;
    vit_status status = cli_json_load(path, VIT__LIMIT_MANIFEST_BYTES, &json, &err);
    if (status == VIT_ERR_CORRUPT)
        damaged(manifest, "it is no valid JSON object");
    else if (status != VIT_OK)
        cli_library_error(&err);
    free(path);
    return json;
}

/* Is it of a job that was cut off before anything was finished? */
static bool nothing_is_done(const vit__json *json)
{
    size_t done;
    return vit__json_size(vit__json_get(json, "inputs_done"), &done) && done == 0 &&
           !cli_json_is_true(vit__json_get(json, "complete"));
}

cli_exit cli_manifest_read(const cli_command *command, cli_manifest *manifest)
{
    vit__json *json = load(manifest);
    if (!json)
        return CLI_OUTPUT;
    bool bound = !nothing_is_done(json);
    cli_exit status = bound ? check_settings(command, manifest, json) : CLI_DONE;
    if (status == CLI_DONE && (bound || !manifest->shard_size))
        status = read_shard_size(command, manifest, json);
    if (status == CLI_DONE)
        status = read_mark(manifest, json);
    if (status == CLI_DONE)
        status = check_parts(manifest);
    vit__json_free(json);
    return status;
}
