/* SPDX-License-Identifier: BSD-2-Clause */
/* What a command is to work on: files, folders, lists, standard input, pixel files, in the order of the
 * command line. They are walked one by one: neither a list nor a tree of folders is ever held whole. */
#ifndef CLI_INPUTS_H
#define CLI_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "options.h"
#include "vit/index.h"

typedef enum cli_source_kind {
    CLI_SOURCE_PATH,   /* a file or a folder */
    CLI_SOURCE_STDIN,  /* one image on standard input */
    CLI_SOURCE_LIST,   /* a file with paths */
    CLI_SOURCE_PIXELS, /* an .npy file with preprocessed pixels */
    CLI_SOURCE_MEMBER, /* an image in a tar file: a kind of inputs, not of sources */
    CLI_SOURCE_TEXT,
    CLI_SOURCE_TEXT_LIST, /* a file with texts, one a line; of sources only */
    CLI_SOURCE_TOKENS
} cli_source_kind;

typedef struct cli_source {
    cli_source_kind kind;
    const char *value;
    FILE *kept; /* a copy of a list that can be read once only, such as a pipe, for walking it again; NULL: none */
} cli_source;

/* Every count-th input, from the index-th on; count 0: all. */
typedef struct cli_part {
    size_t index, count;
} cli_part;

typedef struct cli_input cli_input;

/* Starts all zero; freed with cli_inputs_free. */
typedef struct cli_inputs {
    cli_source *sources;
    size_t n;
    bool nul_separated; /* lists */
    bool tar;           /* files and standard input are tar files */
    cli_part part;
    /* Looks at each input before it is loaded. It may fill the input's stamp and digest, and give it another path. It
     * answers true if the input is to be left out, as a file that an index has already. One thread at a time calls it.
     * NULL: no input is left out. */
    bool (*look)(void *context, cli_input *input);
    void *context;
} cli_inputs;

extern const cli_option cli_input_table[];
void cli_inputs_add(void *inputs, const char *operand);
void cli_inputs_add_text(cli_inputs *inputs, const char *text);
void cli_inputs_free(cli_inputs *inputs);

/* CLI_USAGE, with a message, if there is nothing to work on, standard input is asked for twice, or texts stand beside
 * pictures. */
cli_exit cli_inputs_check(const cli_command *command, const cli_inputs *inputs);

/* Texts and token ids, for a text tower. */
bool cli_source_is_text(const cli_source *source);
bool cli_inputs_are_text(const cli_inputs *inputs); /* after cli_inputs_check */
/* Moves the texts and token ids to *texts, which is freed with cli_inputs_free. */
void cli_inputs_take_texts(cli_inputs *inputs, cli_inputs *texts);

/* What comes with an image in a tar file. */
typedef struct cli_member {
    char *tar;   /* the file's path; "-" for standard input */
    void *bytes; /* of the image */
    size_t size;
    char *json, *text; /* of the .json and the .txt that belong to it; NULL: none */
} cli_member;

/* One image, row of pixels, text or row of token ids, or a source that cannot be read at all (error says why).
 *
 * An input owns its path, its member and its bytes. Whoever was handed the input frees it. Copied
 * with =, the same path would have two owners, and would be freed twice. Whoever merely sees an
 * input (the commands do, in cli_job.deliver) keeps a pointer to it, and job.h says for how long. */
struct cli_input {
    cli_source_kind kind; /* all but LIST */
    char *path;           /* for results and messages; "-" for standard input; the text itself */
    size_t row;           /* which row of a file of pixels or token ids */
    cli_member *member;   /* NULL: not in a tar file */
    void *bytes;          /* what came on standard input, after it was read */
    size_t size;
    uint32_t width, height; /* the picture's, upright, after it was loaded; of ready pixels from the start */
    double seconds;         /* of one processor, for reading, decoding and preprocessing */
    vit_index_stamp stamp;  /* the file's, if cli_inputs.look filled it */
    char digest[65];        /* SHA-256 of the bytes, where a command wants it; "": not known */
    size_t digested;        /* how many bytes were digested */
    vit_error error;
};

void cli_input_free(cli_input *input);
void cli_input_free_bytes(cli_input *input); /* frees the bytes of a member of a tar file, after they were decoded */

typedef struct cli_walk cli_walk;
/* Starts a walk over all inputs. silent: no message about files and folders that are left out; for walks that only
 * count. Lists that were kept (cli_source.kept) have one place to read from: over them one walk may go on at a time. */
cli_walk *cli_walk_start(const cli_inputs *inputs, bool silent);
bool cli_walk_next(cli_walk *walk, cli_input *input); /* false: no more. The caller frees the input. */
/* Was any input there, among all that the walk met so far, those of other parts too? A file that
 * exists is there, whether or not it can be read. So are an image in a tar file, a row and a text.
 * A missing file is not there, and neither is a folder, a list or a tar file by itself. Whether an
 * image comes on standard input is not known before it is read: it counts as not there. */
bool cli_walk_found(const cli_walk *walk);
void cli_walk_free(cli_walk *walk);

/* Can the list be walked more than once: is it a file, or was it kept? */
bool cli_source_can_repeat(const cli_source *source);

/* Counts the inputs by walking them. 0: the number cannot be known beforehand, since there is a tar file, or a list
 * that can be walked once only. */
size_t cli_inputs_count(const cli_inputs *inputs);

#endif
