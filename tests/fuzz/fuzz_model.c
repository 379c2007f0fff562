/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a file of a checkpoint, whose name is FUZZ_FILE, beside the other files
 * of the folder FUZZ_CASE. */
#include <string.h>

#include "fuzz.h"
#include "try_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bool linked;
    if (!linked) {
        scratch_clear();
        scratch_link_all(FUZZ_CASE);
        linked = true;
    }
    scratch_write(FUZZ_FILE, bytes, size);
    if (strstr(FUZZ_FILE, "model.safetensors") && !strstr(FUZZ_FILE, "json"))
        try_model(scratch_path(FUZZ_FILE));
    else
        linked = !try_folder();
    return 0;
}
