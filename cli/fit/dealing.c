/* SPDX-License-Identifier: BSD-2-Clause */
/* Which picture is for what: those that cannot be used are dropped, the others are fitted to, held out, or for the
 * test. */
#include <stdlib.h>
#include <string.h>

#include "fitting.h"
#include "memory.h"
#include "sha256.h"
#include "talk.h"
#include "twins.h"

static void drop_unusable(cli_fitting *f)
{
    size_t n = f->items.n;
    cli_twin *twins = cli_allocate(n, sizeof *twins);
    f->usable = cli_allocate(n, sizeof *f->usable);
    if (f->vectors)
        memset(twins, 0, n * sizeof *twins);
    else
        cli_twins_find(&f->items, twins);
    for (size_t i = 0; i < n; i++) {
        bool contradicts = twins[i] == CLI_TWIN_CONTRADICTS;
        f->usable[i] = f->features.rows[i] != SIZE_MAX && !contradicts;
        f->report.contradicting += contradicts;
        if (contradicts)
            cli_error("%s: another picture with the same bytes has another label: both are left out",
                      f->items.items[i].path);
        if (!f->usable[i] || twins[i] != CLI_TWIN_AGREES)
            continue;
        f->report.duplicates++;
        f->items.items[i].side = CLI_SIDE_TRAIN;
    }
    f->report.failed = f->features.failed;
    free(twins);
}

static bool is_fitted(const cli_fitting *f, size_t i)
{
    return f->usable[i] && (f->items.items[i].side == CLI_SIDE_OPEN || f->items.items[i].side == CLI_SIDE_TRAIN);
}

static vit_status split(cli_fitting *f, const vit_fit_split_rule *rule, bool open_alone, uint32_t *fold, vit_error *err)
{
    const char **names = cli_allocate(f->items.n, sizeof *names);
    unsigned char *eligible = cli_allocate(f->items.n, sizeof *eligible);
    for (size_t i = 0; i < f->items.n; i++) {
        names[i] = f->items.items[i].path;
        eligible[i] = is_fitted(f, i) && (!open_alone || f->items.items[i].side == CLI_SIDE_OPEN);
    }
    vit_status status = vit_fit_split(rule, names, f->classes, eligible, f->items.n, fold, err);
    free(names);
    free(eligible);
    return status;
}

/* With so many folds as a class can never have pictures, the fold is the picture's place in its class. */
static vit_status take_shots(cli_fitting *f, vit_error *err)
{
    const vit_fit_split_rule rule = {.seed = f->seed_text, .folds = UINT32_MAX - 1};
    vit_status status = f->shots ? split(f, &rule, false, f->fold, err) : VIT_OK;
    for (size_t i = 0; i < f->items.n && f->shots && status == VIT_OK; i++)
        if (is_fitted(f, i) && f->fold[i] != VIT_FIT_NO_FOLD && f->fold[i] >= f->shots)
            f->usable[i] = false;
    return status;
}

/* Folds are dealt out in turn, so that the last one is in use where the largest class has a picture for each. */
static bool is_used(const cli_fitting *f, uint32_t fold)
{
    for (size_t i = 0; i < f->items.n; i++)
        if (f->fold[i] == fold)
            return true;
    return false;
}

static cli_exit deal(const cli_command *command, cli_fitting *f)
{
    vit_error err = {0};
    size_t held = 0;
    bool given = false;
    vit_status status = take_shots(f, &err);
    const vit_fit_split_rule rule = {.seed = f->seed_text, .share = f->held_out.value, .folds = (uint32_t)f->folds};
    if (status == VIT_OK)
        status = split(f, &rule, true, f->fold, &err);
    if (status != VIT_OK)
        return cli_fitting_error(&err);
    for (size_t i = 0; i < f->items.n; i++)
        given = given || (f->usable[i] && f->items.items[i].side == CLI_SIDE_VALIDATION);
    for (size_t i = 0; i < f->items.n; i++) {
        if (given)
            f->fold[i] = f->usable[i] && f->items.items[i].side == CLI_SIDE_VALIDATION ? 0 : VIT_FIT_NO_FOLD;
        held += f->fold[i] != VIT_FIT_NO_FOLD;
    }
    f->n_folds = held == 0 ? 0 : given || !f->folds ? 1 : (uint32_t)f->folds;
    if (f->n_folds > 1 && !is_used(f, f->n_folds - 1))
        return cli_usage_error(command, "--folds %zu: no class has so many pictures that may be held out: take fewer",
                               f->folds);
    if (held == 0 && f->held_out.value > 0)
        cli_note("no class has two pictures that may be parted: nothing is held out");
    if (f->n_folds == 0 && f->n_values > 1)
        return cli_usage_error(command, "nothing is held out, so the best C is not known: give one");
    return CLI_DONE;
}

static cli_exit check_classes(const cli_fitting *f)
{
    size_t *counts = cli_allocate(f->items.labels.n, sizeof *counts), empty = 0;
    memset(counts, 0, f->items.labels.n * sizeof *counts);
    for (size_t i = 0; i < f->items.n; i++)
        counts[f->classes[i]] += is_fitted(f, i);
    while (empty < f->items.labels.n && counts[empty])
        empty++;
    free(counts);
    if (empty == f->items.labels.n)
        return CLI_DONE;
    cli_error("the class \"%s\" has no picture to be fitted to: add some, or leave the class out",
              f->items.labels.texts[empty]);
    return CLI_USAGE;
}

cli_exit cli_fitting_deal(const cli_command *command, cli_fitting *f)
{
    vit__sha256_state digest;
    size_t n = f->items.n;
    f->classes = cli_allocate(n, sizeof *f->classes);
    f->of_vector = cli_allocate(f->features.n ? f->features.n : 1, sizeof *f->of_vector);
    memset(f->of_vector, 0, f->features.n * sizeof *f->of_vector);
    f->fold = cli_allocate(n, sizeof *f->fold);
    vit__sha256_start(&digest);
    for (size_t i = 0; i < n; i++) {
        const cli_item *item = &f->items.items[i];
        f->classes[i] = item->class;
        if (f->features.rows[i] != SIZE_MAX)
            f->of_vector[f->features.rows[i]] = item->class;
        vit__sha256_add(&digest, item->path, strlen(item->path) + 1);
        vit__sha256_add(&digest, item->label, strlen(item->label) + 1);
        vit__sha256_add(&digest, cli_side_names[item->side], strlen(cli_side_names[item->side]) + 1);
    }
    vit__sha256_finish(&digest, f->inputs_digest);
    for (size_t i = 0; i < n && f->method == CLI_METHOD_KNN; i++)
        f->items.items[i].side = CLI_SIDE_OPEN; /* each by all others, whatever it was meant for */
    drop_unusable(f);
    if (f->method == CLI_METHOD_KNN) {
        vit_error err = {0};
        return take_shots(f, &err) == VIT_OK ? CLI_DONE : cli_fitting_error(&err);
    }
    cli_exit status = deal(command, f);
    return status == CLI_DONE ? check_classes(f) : status;
}
