/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is installed with vit: its models and its documentation. They stand at fixed places as seen from
 * the executable, in an installation and in the build tree alike, so both can be moved.
 */
#ifndef CLI_SHIPPED_H
#define CLI_SHIPPED_H

#include "text.h"

/* path: as seen from the folder of the executable, such as "../share/libvit/models". Answers the absolute
 * path, for example "/usr/local/share/libvit/models", which the caller frees. NULL: it is not there. */
char *cli_shipped(const char *path);

/* Appends the end of a page of help. It says where the pages are that help and messages name, such as
 * docs/speed.md. */
void cli_shipped_documentation(cli_text *text);

#endif
