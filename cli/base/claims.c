/* SPDX-License-Identifier: BSD-2-Clause */
#include "claims.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "talk.h"
#include "text.h"

/* A file, or, where there is none yet, its name in a folder. */
typedef struct identity {
    enum { NOWHERE, IN_A_FOLDER, THERE } where;
    dev_t device; /* of the file, or of the folder */
    ino_t number;
    char *name; /* in the folder */
} identity;

typedef struct claimed {
    char *label; /* "-o x.npy" */
    identity file;
    bool is_stdout;
} claimed;

/* One run, one set. Grows before threads are started, and then is only read. The folder of a large
 * job has a claim for each of its files: so the set is sorted when it is searched. */
static claimed *claims;
static size_t n_claims, n_sorted;

/* ------------------------------------------------------------------ files ---- */

static identity identity_of_status(const struct stat *status)
{
    bool special = !S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode);
    return (identity){special ? NOWHERE : THERE, status->st_dev, status->st_ino, NULL};
}

static identity identity_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0)
        return identity_of_status(&status);
    char *folder = cli_folder_of(path);
    const char *slash = strrchr(path, '/');
    identity file = {NOWHERE, 0, 0, NULL};
    if (stat(folder, &status) == 0)
        file = (identity){IN_A_FOLDER, status.st_dev, status.st_ino, cli_duplicate(slash ? slash + 1 : path)};
    free(folder);
    return file;
}

static int compare(const void *left, const void *right)
{
    const identity *a = &((const claimed *)left)->file, *b = &((const claimed *)right)->file;
    if (a->where != b->where)
        return a->where < b->where ? -1 : 1;
    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return a->where == IN_A_FOLDER ? strcmp(a->name, b->name) : 0;
}

static bool is_standard(const char *path)
{
    return !path || strcmp(path, "-") == 0;
}

bool cli_path_is_special(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && identity_of_status(&status).where == NOWHERE;
}

/* ------------------------------------------------------------------ claims ---- */

static void add(char *label, identity file, bool is_stdout)
{
    claims = cli_reallocate(claims, n_claims + 1, sizeof *claims);
    claims[n_claims++] = (claimed){label, file, is_stdout};
}

void cli_claim_standard_output(void)
{
    struct stat status;
    if (fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode))
        add(cli_duplicate("standard output"), identity_of_status(&status), true);
}

/* ".npy, .jsonl or .csv": of each kind the first of its ends. */
static void add_ends(const cli_kind *kinds, size_t n, cli_text *text)
{
    for (size_t i = 0; i < n; i++) {
        const char *ends = cli_kind_ends(kinds[i]);
        if (i > 0)
            cli_text_string(text, i + 1 < n ? ", " : " or ");
        cli_text_format(text, ".%.*s", (int)strcspn(ends, " "), ends);
    }
}

static cli_exit check_name(const cli_command *command, const char *option, const char *path, const cli_formats *formats)
{
    const char *words;
    size_t which;
    bool agrees = cli_kind_of_name(path, formats->kinds, formats->n, &which, &words);
    *formats->chosen = (int)which;
    if (agrees || cli_path_is_special(path))
        return CLI_DONE;
    cli_text advice = {0};
    add_ends(formats->kinds, formats->n, &advice);
    if (formats->option)
        cli_text_format(&advice, ", or choose the format with %s", formats->option);
    cli_usage_error(command,
                    "%s %s: this is a name for %s, which %s does not write there: end the name "
                    "with %s",
                    option, path, words, command->name, advice.data);
    cli_text_free(&advice);
    return CLI_USAGE;
}

cli_exit cli_claim_format(const cli_command *command, const char *option, const char *path, const cli_formats *formats)
{
    if (*formats->chosen != CLI_BY_NAME)
        return CLI_DONE;
    *formats->chosen = 0;
    return is_standard(path) ? CLI_DONE : check_name(command, option, path, formats);
}

static cli_exit check_content(const cli_command *command, const cli_claim *claim)
{
    const char *words;
    if (claim->proven || cli_kind_of_file(claim->path, claim->kind, &words))
        return CLI_DONE;
    return cli_usage_error(command,
                           "%s %s: this file is %s, not %s from an earlier run: name another file, "
                           "or remove this one first",
                           claim->option, claim->path, words, cli_kind_words(claim->kind));
}

static const claimed *find(const identity *file)
{
    const claimed key = {.file = *file};
    if (n_claims == 0 || file->where == NOWHERE)
        return NULL;
    if (n_sorted < n_claims) {
        qsort(claims, n_claims, sizeof *claims, compare);
        n_sorted = n_claims;
    }
    return bsearch(&key, claims, n_claims, sizeof *claims, compare);
}

cli_exit cli_claim_file(const cli_command *command, const cli_claim *claim)
{
    struct stat status;
    int chosen = claim->any_name ? 0 : CLI_BY_NAME;
    if (is_standard(claim->path) || cli_path_is_special(claim->path))
        return CLI_DONE;
    cli_exit done = cli_claim_format(command, claim->option, claim->path,
                                     &(cli_formats){&claim->kind, 1, &chosen, NULL});
    if (done == CLI_DONE && stat(claim->path, &status) == 0 && S_ISREG(status.st_mode))
        done = check_content(command, claim);
    if (done != CLI_DONE)
        return done;
    identity file = identity_of(claim->path);
    const claimed *other = claim->kind == CLI_KIND_ANY ? NULL : find(&file);
    if (other && !other->is_stdout) {
        free(file.name);
        return cli_usage_error(command, "%s %s: the same file as %s: name another", claim->option, claim->path,
                               other->label);
    }
    cli_text label = {0};
    cli_text_format(&label, "%s %s", claim->option, claim->path);
    add(label.data, file, false);
    return CLI_DONE;
}

cli_exit cli_claim_formatted(const cli_command *command, const char *option, const char *path,
                             const cli_formats *formats)
{
    cli_exit status = cli_claim_format(command, option, path, formats);
    const cli_claim claim = {
        .option = option, .path = path, .kind = formats->kinds[*formats->chosen], .any_name = true};
    return status == CLI_DONE ? cli_claim_file(command, &claim) : status;
}

cli_exit cli_claims_spare(const char *path)
{
    struct stat status;
    if (n_claims == 0)
        return CLI_DONE;
    bool standard = is_standard(path);
    identity file = {NOWHERE, 0, 0, NULL};
    if (!standard)
        file = identity_of(path);
    else if (fstat(STDIN_FILENO, &status) == 0)
        file = identity_of_status(&status);
    const claimed *claim = find(&file);
    free(file.name);
    if (!claim)
        return CLI_DONE;
    cli_error("%s would be written over %s, which this run reads: name another file to write to", claim->label,
              standard ? "standard input" : path);
    return CLI_USAGE;
}
