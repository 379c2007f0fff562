/* SPDX-License-Identifier: BSD-2-Clause */
/* Pulls a model while memory is refused: pull_without_memory ID CACHE FIRST REFUSED. From the FIRST-th request of
 * memory on, as many as REFUSED get none; curl's requests are among them. Prints the status, and how many there
 * were. test_memory.py runs it. */
#include <stdio.h>
#include <stdlib.h>

#include "allocations.h"
#include "vit/hub.h"
#include "vit/vit.h"

int main(int argc, char **argv)
{
    vit_hub_snapshot *snapshot = NULL;
    vit_error err = {0};
    if (argc != 5)
        return 2;
    const vit_hub_options options = {.cache = argv[2]};
    allocations_watch(strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
    vit_status status = vit_hub_pull(argv[1], &options, &snapshot, &err);
    size_t requests = allocations_stop();
    printf("%s %zu\n", vit_status_name(status), requests);
    if (status != VIT_OK)
        fprintf(stderr, "%s: %s\n", err.where, err.message);
    if ((status == VIT_OK) != (snapshot != NULL))
        return 1;
    vit_hub_snapshot_free(snapshot);
    return 0;
}
