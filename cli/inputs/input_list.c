/* SPDX-License-Identifier: BSD-2-Clause */
#include "input_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "talk.h"
#include "text.h"

/* On the disk of the results, since /tmp may be memory. */
static FILE *nameless_file(const char *folder)
{
    int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0) { /* not every file system can */
        char *name = cli_join(folder, CLI_LIST_PREFIX "XXXXXX");
        descriptor = mkstemp(name);
        if (descriptor >= 0)
            unlink(name);
        free(name);
    }
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "w+") : NULL;
    if (!file && descriptor >= 0)
        close(descriptor);
    return file;
}

static bool copy(FILE *from, FILE *to)
{
    char bytes[64 * 1024];
    size_t got;
    while ((got = fread(bytes, 1, sizeof bytes, from)) > 0)
        if (fwrite(bytes, 1, got, to) != got)
            return false;
    return !ferror(from) && fflush(to) == 0;
}

static bool keep_list(cli_source *source, const char *folder)
{
    bool standard_input = strcmp(source->value, "-") == 0;
    FILE *list = standard_input ? stdin : fopen(source->value, "re");
    if (!list && access(source->value, R_OK) != 0)
        return true; /* the walk reports it as an input that cannot be read */
    if (!list) {
        cli_error("%s: %s", source->value, strerror(errno));
        return false;
    }
    source->kept = nameless_file(folder);
    bool kept = source->kept && copy(list, source->kept);
    if (!kept)
        cli_error("%s: cannot keep the list %s there: %s", folder, source->value, strerror(errno));
    if (!standard_input)
        fclose(list);
    return kept;
}

bool cli_inputs_keep_lists(cli_inputs *inputs, const char *folder)
{
    for (size_t i = 0; i < inputs->n; i++)
        if (!cli_source_can_repeat(&inputs->sources[i]) && !keep_list(&inputs->sources[i], folder))
            return false;
    return true;
}

void cli_digest_input(vit__sha256_state *digest, const cli_input *input)
{
    cli_text text = {0};
    /* A path may hold anything but NUL. */
    cli_text_format(&text, "%d %zu %s", (int)input->kind, input->row, input->path);
    vit__sha256_add(digest, text.data, text.size + 1);
    cli_text_free(&text);
}

static void add_size(vit__sha256_state *digest, const char *path)
{
    struct stat status;
    cli_text text = {0};
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
        cli_text_format(&text, "%lld", (long long)status.st_size);
    vit__sha256_add(digest, text.data ? text.data : "", text.size + 1);
    cli_text_free(&text);
}

void cli_inputs_digest(const cli_inputs *inputs, char hex[VIT__SHA256_HEX], size_t *count)
{
    cli_inputs all = *inputs;
    all.part = (cli_part){0};
    all.tar = false; /* tar files as paths */
    vit__sha256_state digest;
    vit__sha256_start(&digest);
    cli_walk *walk = cli_walk_start(&all, true);
    cli_input input;
    size_t n = 0;
    for (; cli_walk_next(walk, &input); n++) {
        cli_digest_input(&digest, &input);
        if (inputs->tar)
            add_size(&digest, input.path);
        cli_input_free(&input);
    }
    cli_walk_free(walk);
    vit__sha256_finish(&digest, hex);
    cli_part part = inputs->part.count ? inputs->part : (cli_part){0, 1};
    *count = inputs->tar || n <= part.index ? 0 : (n - part.index - 1) / part.count + 1;
}

bool cli_walk_skip(cli_walk *walk, size_t n, vit__sha256_state *digest)
{
    cli_input input;
    for (size_t i = 0; i < n; i++) {
        if (!cli_walk_next(walk, &input))
            return false;
        cli_digest_input(digest, &input);
        cli_input_free(&input);
    }
    return true;
}
