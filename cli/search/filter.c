/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"

#include <stdlib.h>

#include "text.h"

static const char *add_like(const cli_option *option, const char *value, void *field)
{
    (void)option;
    vit_index_filter *filter = field;
    const char **likes = cli_reallocate((void *)filter->likes, filter->n_likes + 1, sizeof *likes);
    likes[filter->n_likes++] = value;
    filter->likes = likes;
    return NULL;
}

#define FIELD(member) offsetof(vit_index_filter, member)
const cli_option cli_filter_table[] = {
    {"where", 0, "CONDITION", cli_set_text, FIELD(where), NULL,
     "only images for which this holds, in SQL on path, name, size (bytes), time ('2024-12-31 23:59:59', UTC), width, "
     "height, caption, hash"},
    {"like", 0, "PATTERN", add_like, 0, NULL,
     "only paths like this, where % is any text and _ any character; case does not matter; several add up"},
    {"match", 0, "WORDS", cli_set_text, FIELD(match), NULL,
     "only images with all these words in path or caption; word* is any word that begins so"},
    {0},
};

cli_exit cli_filter_check(const cli_command *command, const vit_index_filter *filter)
{
    vit_error err = {0};
    if (!filter->where || vit_index_check_where(filter->where, &err) == VIT_OK)
        return CLI_DONE;
    return cli_usage_error(command, "--where '%s': %s", filter->where, err.message);
}

void cli_filter_free(vit_index_filter *filter)
{
    free((void *)filter->likes);
    *filter = (vit_index_filter){0};
}
