/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot.h"

#include <stdlib.h>

#include "error.h"
#include "memory.h"

vit_hub_snapshot *vit__snapshot_create(const vit__settings *s, const char *folder, const char *commit, vit_error *err)
{
    vit_hub_snapshot *made = vit__alloc_zero(1, sizeof *made);
    if (made) {
        made->id = vit__strdup(s->name.id);
        made->revision = vit__strdup(s->name.revision);
        made->commit = vit__strdup(commit);
        made->folder = vit__strdup(folder);
    }
    if (made && made->id && made->revision && made->commit && made->folder)
        return made;
    vit_hub_snapshot_free(made);
    vit__fail_memory(err, s->text);
    return NULL;
}

bool vit__snapshot_add(vit_hub_snapshot *snapshot, const vit_hub_file *file)
{
    vit_hub_file *files = vit__realloc(snapshot->files, snapshot->n_files + 1, sizeof *files);
    if (!files)
        return false;
    snapshot->files = files;
    files[snapshot->n_files] = *file;
    files[snapshot->n_files].name = vit__strdup(file->name);
    if (!files[snapshot->n_files].name)
        return false;
    snapshot->n_files++;
    snapshot->bytes += file->size;
    if (file->fetched)
        snapshot->fetched_bytes += file->size;
    return true;
}

void vit_hub_snapshot_free(vit_hub_snapshot *snapshot)
{
    if (!snapshot)
        return;
    for (size_t i = 0; i < snapshot->n_files; i++)
        free(snapshot->files[i].name);
    free(snapshot->files);
    free(snapshot->id);
    free(snapshot->revision);
    free(snapshot->commit);
    free(snapshot->folder);
    free(snapshot);
}
