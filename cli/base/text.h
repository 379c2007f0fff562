/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that grows, and memory for the command: running out of it ends the command with a message. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>

#include "buffer.h"
#include "vit/vit.h"

/* A text is all zero at first, and is freed with cli_text_free. data ends with a NUL after something was added. It is a
 * buffer of base/: a function that fills buffers can fill a text, and cli_text_done is called after it. */
typedef vit__buffer cli_text;

/* After another function has filled the buffer: ends the command if memory ran out, and puts a NUL at the end. */
void cli_text_done(cli_text *text);
void cli_text_add(cli_text *text, const void *bytes, size_t size);
void cli_text_string(cli_text *text, const char *string);
void cli_text_format(cli_text *text, const char *format, ...) VIT_PRINTF(2, 3);
/* One field of a CSV line, quoted as RFC 4180 where it must be. */
void cli_text_csv(cli_text *text, const char *field);
/* One word of a shell's command, quoted where it must be. */
void cli_text_shell(cli_text *text, const char *word);
/* A string as it is shown on a terminal (visible.h). */
void cli_text_visible(cli_text *text, const char *string);
void cli_text_cut(cli_text *text, size_t size); /* to its first `size` bytes */
void cli_text_clear(cli_text *text);            /* empties it and keeps the memory */
void cli_text_free(cli_text *text);

/* Ends the command with a message. */
_Noreturn void cli_out_of_memory(void);
/* These never answer NULL. Their memory is freed with free(). */
void *cli_allocate(size_t count, size_t size);
void *cli_reallocate(void *pointer, size_t count, size_t size);
/* Room for one more item behind the n of an array that grows; *room is the array's room in items. */
void *cli_grow(void *items, size_t *room, size_t n, size_t size);
char *cli_duplicate(const char *string);

/* "DIRECTORY/NAME", with one slash between them. Freed with free(). */
char *cli_join(const char *directory, const char *name);
/* The absolute path of what a path names, without links; NULL: nothing has that path. Freed with free(). */
char *cli_real_path(const char *path);
/* What stands before the last slash of a path; "." where there is none. Freed with free(). */
char *cli_folder_of(const char *path);

#endif
