/* SPDX-License-Identifier: BSD-2-Clause */
/* vit pull: checkpoints from the Hugging Face hub into the cache that everybody shares. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "fetch.h"
#include "json_write.h"
#include "options.h"
#include "output_file.h"
#include "talk.h"

typedef struct pull {
    cli_values models, include;
    const char *revision, *endpoint, *cache;
    uint64_t limit_rate;
    bool all, check, dry_run, json, no_token;
    int progress;
} pull;

/* "500K" is 500 x 1,024 bytes a second, as for curl. */
static const char *set_rate(const cli_option *option, const char *value, void *field)
{
    static const char units[] = "KMG", want[] = "bytes a second, such as 500K or 2M";
    char digits[32];
    size_t length = strlen(value);
    const char *unit = length > 1 ? strchr(units, toupper((unsigned char)value[length - 1])) : NULL;
    if (length == 0 || length >= sizeof digits)
        return want;
    memcpy(digits, value, length + 1);
    if (unit)
        digits[length - 1] = 0;
    if (cli_set_large(option, digits, field))
        return want;
    uint64_t *rate = field;
    const unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (*rate > (uint64_t)INT64_MAX >> shift)
        return want;
    *rate <<= shift;
    return NULL;
}

#define FIELD(member) offsetof(pull, member)
static const cli_option pull_table[] = {
    {"revision", 0, "R", cli_set_text, FIELD(revision), NULL,
     "a branch, tag, refs/pr/N or commit, for all that are named without one; the same as ID@R (default main)"},
    {"include", 0, "GLOB", cli_add_value, FIELD(include), NULL,
     "more files than vit reads, '*' is any text; may be given again"},
    {"all", 0, NULL, cli_set_flag, FIELD(all), NULL,
     "all files but pickles and the weights of other frameworks; a pickle comes where vit reads it, because there are no "
     "safetensors"},
    {"check", 0, NULL, cli_set_flag, FIELD(check), NULL, "hash what is there, and fetch anew what is broken"},
    {"dry-run", 0, NULL, cli_set_flag, FIELD(dry_run), NULL, "say what would be fetched, and fetch nothing"},
    {"json", 0, NULL, cli_set_flag, FIELD(json), NULL, "files, bytes and digests, one JSON object a model"},
    {"endpoint", 0, "URL", cli_set_text, FIELD(endpoint), NULL,
     "the hub (default $HF_ENDPOINT, or https://huggingface.co)"},
    {"cache-dir", 0, "DIR", cli_set_text, FIELD(cache), NULL,
     "the cache (default as huggingface_hub: $HF_HUB_CACHE, $HF_HOME/hub, ~/.cache/huggingface/hub)"},
    {"limit-rate", 0, "RATE", set_rate, FIELD(limit_rate), NULL, "at most so many bytes a second: 500K, 2M"},
    {"no-token", 0, NULL, cli_set_flag, FIELD(no_token), NULL, "send no token, even if there is one"},
    {"progress", 0, "auto|always|never", cli_set_choice, FIELD(progress), cli_progress_names,
     "show progress, rate and time left on stderr (default auto: on a terminal)"},
    {0},
};

static void add_model(void *options, const char *value)
{
    cli_add_value(NULL, value, &((pull *)options)->models);
}

/* ------------------------------------------------------------------ what is printed ---- */

static void add_json(cli_text *text, const vit_hub_snapshot *s)
{
    cli_text_string(text, "{\"model\":");
    cli_json_string(text, s->id);
    cli_text_string(text, ",\"revision\":");
    cli_json_string(text, s->revision);
    cli_text_format(text, ",\"commit\":\"%s\",\"folder\":", s->commit);
    cli_json_string(text, s->folder);
    cli_text_format(text, ",\"bytes\":%" PRIu64 ",\"fetched_bytes\":%" PRIu64 ",\"files\":[", s->bytes,
                    s->fetched_bytes);
    for (size_t i = 0; i < s->n_files; i++) {
        const vit_hub_file *file = &s->files[i];
        cli_text_format(text, "%s{\"name\":", i ? "," : "");
        cli_json_string(text, file->name);
        cli_text_format(text, ",\"bytes\":%" PRIu64 ",\"digest\":", file->size);
        cli_json_string(text, *file->digest ? file->digest : NULL);
        cli_text_format(text, ",\"fetched\":%s}", file->fetched ? "true" : "false");
    }
    cli_text_string(text, "]}\n");
}

static void add_plan(cli_text *text, const vit_hub_snapshot *s)
{
    for (size_t i = 0; i < s->n_files; i++)
        cli_text_format(text, "%12" PRIu64 "  %s%s\n", s->files[i].size, s->files[i].name,
                        s->files[i].fetched ? "" : "  (it is there)");
    cli_text_format(text, "%12" PRIu64 "  bytes to fetch, of %" PRIu64 "\n", s->fetched_bytes, s->bytes);
}

static cli_exit print(const pull *p, const vit_hub_snapshot *s)
{
    cli_text text = {0};
    if (p->json)
        add_json(&text, s);
    else if (p->dry_run)
        add_plan(&text, s);
    else
        cli_text_format(&text, "%s\n", s->folder);
    cli_exit status = cli_print(&text);
    cli_text_free(&text);
    return status;
}

/* ------------------------------------------------------------------ the command ---- */

static cli_exit pull_model(const pull *p, const char *model)
{
    const vit_hub_options options = {.endpoint = p->endpoint,
                                     .cache = p->cache,
                                     .include = p->include.values,
                                     .n_include = p->include.n,
                                     .all = p->all,
                                     .check = p->check,
                                     .dry_run = p->dry_run,
                                     .no_token = p->no_token,
                                     .limit_rate = p->limit_rate};
    vit_hub_snapshot *snapshot = NULL;
    char *name;
    cli_exit status = cli_fetch_name(model, strchr(model, '@') ? NULL : p->revision, &name);
    if (status == CLI_DONE)
        status = cli_fetch(name, options, p->progress, &snapshot);
    if (status == CLI_DONE)
        status = print(p, snapshot);
    vit_hub_snapshot_free(snapshot);
    free(name);
    return status;
}

/* One that fails does not keep the others from coming; its status stays. */
static cli_exit pull_models(const cli_command *command, const pull *p)
{
    cli_exit status = CLI_DONE;
    if (p->models.n == 0)
        return cli_usage_error(command, "name a model of the hub, such as facebook/dinov2-small");
    for (size_t i = 0; i < p->models.n; i++) {
        cli_exit one = pull_model(p, p->models.values[i]);
        if (status == CLI_DONE)
            status = one;
    }
    return status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    pull p = {0};
    const cli_group groups[] = {{"Fetching", pull_table, &p, add_model}, {0}};
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? pull_models(command, &p) : (cli_exit)parsed;
    free(p.models.values);
    free(p.include.values);
    return status;
}

const cli_command cli_pull = {
    .name = "pull",
    .summary = "a checkpoint from the Hugging Face hub into the local cache",
    .usage = "[OPTION]... ORG/NAME[@REVISION]...",
    .text =
        "Fetches what vit reads of a checkpoint into the cache that all programs share, as huggingface_hub does, and\n"
        "prints the folder of its snapshot. A fetch that was cut off goes on where it was. Every byte is compared with\n"
        "the hub's digest. Then -m ORG/NAME works without a network.",
    .example = "vit pull facebook/dinov2-small",
    .run = run,
};
