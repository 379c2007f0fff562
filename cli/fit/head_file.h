/* SPDX-License-Identifier: BSD-2-Clause */
/* A classifier by itself (docs/own-format.md): a safetensors file of some KB that names the model whose vectors it
 * reads. */
#ifndef CLI_HEAD_FILE_H
#define CLI_HEAD_FILE_H

#include "output_file.h"
#include "vit/vit.h"

typedef struct cli_head_file {
    const vit_head *head;
    size_t width;                                          /* of the vectors */
    const char *base, *base_digest, *preprocessing_digest; /* NULL: not known */
} cli_head_file;

/* false, with a message: the file cannot be written. */
bool cli_head_write(const cli_head_file *head, cli_file *file);

#endif
