/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"

#include <stdlib.h>

#include "text.h"

static const char *add_like(const cli_option *option, const char *value, void *field)
{
    (void)option;
    cli_filter *filter = field;
    filter->likes = cli_reallocate(filter->likes, filter->n_likes + 1, sizeof *filter->likes);
    filter->likes[filter->n_likes++] = value;
    return NULL;
}

#define FIELD(member) offsetof(cli_filter, member)
const cli_option cli_filter_table[] = {
    {"where", 0, "CONDITION", cli_set_text, FIELD(where.text), NULL,
     "only images for which this holds, in SQL on path, name, size (bytes), time ('2024-12-31 23:59:59', UTC), width, "
     "height, caption, hash"},
    {"like", 0, "PATTERN", add_like, 0, NULL,
     "only paths like this, where % is any text and _ any character; case does not matter; several add up"},
    {"match", 0, "WORDS", cli_set_text, FIELD(match), NULL,
     "only images with all these words in path or caption; word* is any word that begins so"},
    {0},
};

cli_exit cli_filter_check(const cli_command *command, const cli_filter *filter)
{
    const char *refusal = filter->where.text ? cli_where_refusal(&filter->where) : NULL;
    return refusal ? cli_usage_error(command, "--where '%s': %s", filter->where.text, refusal) : CLI_DONE;
}

void cli_filter_free(cli_filter *filter)
{
    free(filter->likes);
    *filter = (cli_filter){0};
}
