/* SPDX-License-Identifier: BSD-2-Clause */
/* What went wrong in a public call of an index, until the call ends. */
#include <stdarg.h>

#include "error.h"
#include "store.h"

bool vit__index_fail(vit_index *index, vit_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vit__fail_list(&index->said, status, index->place, format, arguments);
    va_end(arguments);
    return false;
}

bool vit__index_fail_memory(vit_index *index)
{
    vit__fail_memory(&index->said, index->place);
    return false;
}

const char *vit__index_text(vit_index *index, vit__buffer *buffer)
{
    const char *text = vit__buffer_terminate(buffer);
    if (!text)
        vit__index_fail_memory(index);
    return text;
}

vit_status vit__index_answer(vit_index *index, bool done, vit_error *err)
{
    vit_error said = index->said;
    index->said = (vit_error){0};
    if (done)
        return VIT_OK;
    if (said.status == VIT_OK)
        return vit__fail(err, VIT_ERR_INTERNAL, index->place, "something failed without a reason");
    return vit__fail(err, said.status, said.where, "%s", said.message);
}
