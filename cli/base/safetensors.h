/* SPDX-License-Identifier: BSD-2-Clause */
/* A safetensors file as a list of tensors: its JSON header, and where the tensors' bytes begin. libvit reads the
 * tensors of models; this is for commands that look at a file, or copy tensors, without a model. */
#ifndef CLI_SAFETENSORS_H
#define CLI_SAFETENSORS_H

#include <stdint.h>

#include "json_read.h"

typedef struct cli_safetensors {
    vit__json *header;
    int descriptor;       /* of which vit__file_read_at reads tensors */
    uint64_t start, size; /* of the tensors' bytes: where they begin in the file, and how many there are */
} cli_safetensors;

/* VIT_ERR_CORRUPT: it is no safetensors file. On failure nothing is open; else it is closed with
 * cli_safetensors_close. */
vit_status cli_safetensors_open(const char *path, cli_safetensors *file, vit_error *err);
void cli_safetensors_close(cli_safetensors *file);

/* Of the header's metadata; NULL: it has none of this name. */
const char *cli_safetensors_metadata(const cli_safetensors *file, const char *name);

#endif
