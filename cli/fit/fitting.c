/* SPDX-License-Identifier: BSD-2-Clause */
#include "fitting.h"
#include "talk.h"

bool cli_fitting_is_no_test(const cli_fitting *f, size_t i)
{
    return f->items.items[i].side != CLI_SIDE_TEST;
}

bool cli_fitting_is_test(const cli_fitting *f, size_t i)
{
    return !cli_fitting_is_no_test(f, i);
}

bool cli_fitting_is_held(const cli_fitting *f, size_t i)
{
    return cli_fitting_is_no_test(f, i) && f->fold[i] != VIT_FIT_NO_FOLD;
}

cli_exit cli_fitting_error(const vit_error *err)
{
    cli_library_error(err);
    return err->status == VIT_ERR_UNAVAILABLE ? CLI_MODEL : CLI_USAGE;
}
