/* SPDX-License-Identifier: BSD-2-Clause */
/* vit serve: vectors, labels and search over HTTP. */
#include "serve/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "cpu.h"
#include "fetch.h"
#include "limit.h"
#include "model.h"
#include "picture.h"
#include "talk.h"
#include "text.h"
#include "zero_shot.h"

static const char *const log_names[] = {"text", "json", "off", NULL};

typedef struct serving {
    /* options */
    cli_values models, aliases, listen, hosts, origins;
    const char *key_file, *place;
    bool no_auth, lazy, any_dimensions;
    double batch_delay, timeout, drain, idle_unload;
    size_t queue, max_inputs, max_connections, text_cache;
    uint64_t max_body, max_memory;
    int log;
    cli_model_options model;
    cli_picture_options pictures;
    cli_zero_shot labels;
} serving;

/* "32M" is 33,554,432 bytes. */
static const char *set_bytes(const cli_option *option, const char *value, void *field)
{
    static const char units[] = "KMG";
    char *end;
    (void)option;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    unsigned shift = unit ? 10u * (unsigned)(unit - units + 1) : 0;
    bool good = value[0] >= '0' && value[0] <= '9' && errno == 0 && (unit ? end[1] == '\0' : *end == '\0') &&
                number > 0 && number <= ((unsigned long long)1 << 50 >> shift);
    if (!good)
        return "a number of bytes, with K, M or G for 1,024, 1,048,576 or 1,073,741,824 of them";
    *(uint64_t *)field = number << shift;
    return NULL;
}

static const char *set_number(const char *value, double most, double *number)
{
    return cli_read_number(value, number) && *number >= 0 && *number <= most ? NULL : "";
}

static const char *set_seconds(const cli_option *option, const char *value, void *field)
{
    (void)option;
    return set_number(value, 1e6, field) ? "a number of seconds from 0 to 1000000" : NULL;
}

static const char *set_delay(const cli_option *option, const char *value, void *field)
{
    (void)option;
    return set_number(value, 100, field) ? "a number of milliseconds from 0 to 100" : NULL;
}

/* Also 0. */
static const char *set_whole(const cli_option *option, const char *value, void *field)
{
    (void)option;
    if (!*value || strlen(value) > 7 || strspn(value, "0123456789") != strlen(value))
        return "a whole number of at most 7 digits";
    *(size_t *)field = strtoul(value, NULL, 10);
    return NULL;
}

#define FIELD(member) offsetof(serving, member)
static const cli_option serve_table[] = {
    {"model", 'm', "[NAME=]MODEL", cli_add_value, FIELD(models), NULL,
     "a checkpoint folder, a .safetensors file, or a hub id in the local cache, and the name that clients call it by; may "
     "be given again: the first is the default (default $VIT_MODEL, or the small model that ships with vit)"},
    {"pull", 0, NULL, cli_set_flag, FIELD(model.pull), NULL,
     "fetch the models from the Hugging Face hub that are not in the cache; nothing else touches the network"},
    {"alias", 0, "NAME=NAME2", cli_add_value, FIELD(aliases), NULL, "NAME is another name of the model NAME2"},
    {"listen", 0, "ADDRESS", cli_add_value, FIELD(listen), NULL,
     "HOST:PORT, [ADDRESS]:PORT or unix:PATH; may be given again; port 0 is any (default 127.0.0.1:8080)"},
    {"db", 0, "PLACE", cli_set_text, FIELD(place), NULL, "an index of the default model, to be searched"},
    {"log", 0, "text|json|off", cli_set_choice, FIELD(log), log_names, "a line a request on stderr (default text)"},
    {0},
};
static const cli_option security_table[] = {
    {"api-key-file", 0, "FILE", cli_set_text, FIELD(key_file), NULL,
     "keys, one a line, of which clients must have one; read again on SIGHUP ($VIT_API_KEY is one more)"},
    {"no-auth", 0, NULL, cli_set_flag, FIELD(no_auth), NULL, "other machines may ask without a key"},
    {"allow-host", 0, "NAME", cli_add_value, FIELD(hosts), NULL,
     "a further name of this machine that clients may use; may be given again"},
    {"cors-origin", 0, "ORIGIN", cli_add_value, FIELD(origins), NULL,
     "a site whose pages may ask (https://example.org); may be given again"},
    {0},
};
static const cli_option limit_table[] = {
    {"batch-delay", 0, "MS", set_delay, FIELD(batch_delay), NULL,
     "how long an input waits for others to share its batch (default 0)"},
    {"queue", 0, "N", cli_set_count, FIELD(queue), NULL,
     "inputs that may wait, of all requests together (default 256)"},
    {"timeout", 0, "S", cli_set_positive, FIELD(timeout), NULL, "longest wait for the encoder (default 60)"},
    {"max-body", 0, "BYTES", set_bytes, FIELD(max_body), NULL, "of a request (default 32M)"},
    {"max-inputs", 0, "N", cli_set_count, FIELD(max_inputs), NULL, "of a request (default 2048)"},
    {"max-memory", 0, "BYTES", set_bytes, FIELD(max_memory), NULL,
     "for the bodies of all requests and what is made of them (default 512M)"},
    {"max-connections", 0, "N", cli_set_count, FIELD(max_connections), NULL,
     "requests with a body that are in work at a time; further ones get 429 (default 256)"},
    {"drain", 0, "S", set_seconds, FIELD(drain), NULL, "how long SIGTERM lets requests finish (default 30)"},
    {"idle-unload", 0, "S", set_seconds, FIELD(idle_unload), NULL,
     "free a model's weights after so long without a request; 0: never (default)"},
    {"lazy", 0, NULL, cli_set_flag, FIELD(lazy), NULL, "load a model with its first request"},
    {"text-cache", 0, "N", set_whole, FIELD(text_cache), NULL,
     "vectors of words that are kept; 0: none (default 4096)"},
    {"allow-dimensions", 0, NULL, cli_set_flag, FIELD(any_dimensions), NULL,
     "clients may ask for vectors that are cut short"},
    {0},
};

static void say(const char *message)
{
    cli_note("%s", message);
}

static cli_exit finish(const cli_command *command, serve_result result, const vit_error *err)
{
    switch (result) {
    case SERVE_RESULT_DONE:
        return CLI_DONE;
    case SERVE_RESULT_USAGE:
        return cli_usage_error(command, "%s: %s", err->where, err->message);
    case SERVE_RESULT_MODEL:
        cli_library_error(err);
        return CLI_MODEL;
    case SERVE_RESULT_LISTEN:
        break;
    }
    cli_library_error(err);
    return CLI_OUTPUT;
}

static vit_pipeline_options pipeline_options(const serving *s)
{
    const cli_picture_options *p = &s->pictures;
    vit_load_options load = cli_load_options(p, NULL);
    load.max_pixels = p->max_pixels ? p->max_pixels : VIT__LIMIT_SERVE_PIXELS;
    return (vit_pipeline_options){.model = {.precision = (vit_precision)s->model.precision,
                                            .preprocessor = s->model.preprocessor,
                                            .image_height = p->image_size.height,
                                            .image_width = p->image_size.width},
                                  .load = load,
                                  .fast_decode = p->fast_decode,
                                  .resampler = (vit_resampler)p->resampler,
                                  .threads = s->model.threads};
}

/* Fetches the models that are not there; the model of "NAME=MODEL" is what stands behind the '='. */
static cli_exit fetch_models(const cli_values *models)
{
    cli_exit status = CLI_DONE;
    for (size_t i = 0; status == CLI_DONE && i < models->n; i++) {
        const char *text = models->values[i], *equals = strchr(text, '='), *slash = strchr(text, '/');
        bool named = equals && (!slash || equals < slash);
        status = cli_fetch_absent(named ? equals + 1 : text);
    }
    return status;
}

/* The model in the box, where none is named. */
static cli_exit choose_models(serving *s, char **own)
{
    if (s->models.n > 0)
        return s->model.pull ? fetch_models(&s->models) : CLI_DONE;
    cli_exit status = cli_model_choose(&s->model, own);
    if (status == CLI_DONE)
        cli_add_value(NULL, *own, &s->models);
    return status;
}

static cli_exit serve(const cli_command *command, serving *s)
{
    char *own = NULL;
    vit_error err = {0};
    cli_exit status = choose_models(s, &own);
    if (status == CLI_DONE)
        status = cli_zero_shot_read_names(command, &s->labels);
    if (status != CLI_DONE) {
        free(own);
        return status;
    }
    if (s->listen.n == 0)
        cli_add_value(NULL, "127.0.0.1:8080", &s->listen);
    unsigned threads = s->model.threads ? s->model.threads : vit__cpu_count();
    const serve_options options = {
        .models = s->models.values,
        .n_models = s->models.n,
        .aliases = s->aliases.values,
        .n_aliases = s->aliases.n,
        .listen = s->listen.values,
        .n_listen = s->listen.n,
        .hosts = s->hosts.values,
        .n_hosts = s->hosts.n,
        .origins = s->origins.values,
        .n_origins = s->origins.n,
        .key_file = s->key_file,
        .key = getenv("VIT_API_KEY"),
        .no_auth = s->no_auth,
        .pipeline = pipeline_options(s),
        .batch = s->model.batch ? s->model.batch : threads,
        .batch_delay = s->batch_delay * 1e-3,
        .timeout = s->timeout,
        .drain = s->drain,
        .idle_unload = s->idle_unload,
        .queue = s->queue,
        .max_inputs = s->max_inputs,
        .max_memory = s->max_memory,
        .max_body = s->max_body,
        .max_connections = s->max_connections,
        .text_cache = s->text_cache,
        .lazy = s->lazy,
        .any_dimensions = s->any_dimensions,
        .place = s->place,
        .labels = (const char *const *)s->labels.names,
        .n_labels = s->labels.n,
        .templates = s->labels.templates.values,
        .n_templates = s->labels.templates.n,
        .log = s->log,
        .note = say,
    };
    serve_result result = serve_run(&options, &err);
    free(own);
    return finish(command, result, &err);
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    serving s = {.timeout = 60,
                 .drain = 30,
                 .queue = VIT__LIMIT_SERVE_QUEUE,
                 .max_inputs = VIT__LIMIT_SERVE_INPUTS,
                 .max_connections = VIT__LIMIT_SERVE_CONNECTIONS,
                 .text_cache = 4096,
                 .max_body = VIT__LIMIT_SERVE_BODY_BYTES,
                 .max_memory = VIT__LIMIT_SERVE_MEMORY_BYTES};
    const cli_group groups[] = {
        {"Server", serve_table, &s, NULL},
        {"Labels in words", cli_zero_shot_table, &s.labels, NULL},
        {"Security", security_table, &s, NULL},
        {"Limits", limit_table, &s, NULL},
        {"Model", cli_model_table + CLI_PREPROCESSOR_OPTION, &s.model, NULL},
        {"Pictures", cli_picture_table, &s.pictures, NULL},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? serve(command, &s) : (cli_exit)parsed;
    cli_values *const lists[] = {&s.models, &s.aliases, &s.listen, &s.hosts, &s.origins};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        free(lists[i]->values);
    cli_zero_shot_free(&s.labels);
    return status;
}

const cli_command cli_serve = {
    .name = "serve",
    .summary = "vectors, labels and search over HTTP, for the clients that exist, and a page to try it",
    .usage = "[OPTION]... [-m [NAME=]MODEL]...",
    .text =
        "Answers over HTTP: OpenAI's /v1/embeddings, the tasks of Hugging Face's clients, text-embeddings-inference,\n"
        "KServe's v2 protocol, Immich's machine learning, and further ones. A page to try it is at the address in a\n"
        "browser. Without a key it listens on this machine alone. Nothing is ever fetched. docs/serve.md has more.\n\n"
        "Pictures of more than 50,000,000 pixels are refused, unless --max-pixels says otherwise. A batch has as many\n"
        "inputs as there are threads, unless --batch says otherwise.\n\n"
        "SIGTERM ends it when all requests are answered; SIGHUP has it read the keys again.",
    .example = "vit serve -m clip=openai/clip-vit-base-patch16",
    .run = run,
};
