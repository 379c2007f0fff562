/* SPDX-License-Identifier: BSD-2-Clause */
/* A page in one file. Pictures and style are inside of it, and it may load nothing and run nothing. */
#ifndef CLI_HTML_H
#define CLI_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "command.h"
#include "text.h"
#include "vit/io.h"

typedef struct cli_html cli_html;

/* Shown below a picture, enlarged, with sharp edges, in the proportions width : height. */
typedef struct cli_figure {
    const vit_image *image;
    uint32_t width, height;
} cli_figure;

/* A picture with what stands below it. */
typedef struct cli_card {
    const char *path;
    char *file;               /* where the picture can be opened; NULL: at its path. Whoever made the card frees it */
    const char *note;         /* such as its score */
    const char *caption;      /* NULL: none */
    const cli_figure *figure; /* NULL: none */
    bool is_query;            /* the picture that was asked about: it stands apart from those that were found */
} cli_card;

/* Claims the file after --html (claims.h). CLI_USAGE, with a message. path NULL: there will be no
 * page. */
cli_exit cli_html_claim(const cli_command *command, const char *path);

/* NULL, with a message, if it cannot be written. */
cli_html *cli_html_open(const char *path, const char *title);
/* A sentence about all that follows. */
void cli_html_note(cli_html *html, const char *sentence);
/* Pictures under a heading. false, with a message, if it cannot be written. */
bool cli_html_section(cli_html *html, const char *heading, const cli_card *cards, size_t n);
/* Markup of the caller's own under a heading, which this empties: tables, drawings in SVG. Texts in it have gone
 * through cli_html_escape. false, with a message, if it cannot be written. */
bool cli_html_block(cli_html *html, const char *heading, cli_text *markup);
/* Appends text for an element or a quoted attribute. Bytes that are not UTF-8, and control characters, become
 * U+FFFD. */
void cli_html_escape(cli_text *text, const char *string);
/* Makes the page appear under its name. Frees *html in every case. */
bool cli_html_commit(cli_html *html);
/* For a run that has no result: as cli_html_commit, but an older page stays (cli_file_keep_older). */
bool cli_html_commit_empty(cli_html *html);
void cli_html_discard(cli_html *html); /* takes NULL */

#endif
