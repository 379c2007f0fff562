/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes in the place of the file that they are a damaged copy of, beside the other files of its folder: as a
 * checkpoint, or with FUZZ_TOKENIZER as a tokenizer. Only for damaged copies, since libFuzzer knows no folders. */
#include <libgen.h>
#include <string.h>

#include "fuzz.h"
#ifdef FUZZ_TOKENIZER
#include "try_tokenizer.h"
#else
#include "try_model.h"
#endif

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char folder[4096], name[4096];
    strncpy(folder, replayed_path, sizeof folder - 1)[sizeof folder - 1] = 0;
    strncpy(name, replayed_path, sizeof name - 1)[sizeof name - 1] = 0;
    scratch_clear();
    scratch_link_all(dirname(folder));
    scratch_write(basename(name), bytes, size);
#ifdef FUZZ_TOKENIZER
    try_tokenizer(scratch_path(""), (const char *)bytes, size);
#else
    try_model(scratch_path(""));
#endif
    return 0;
}
