/* SPDX-License-Identifier: BSD-2-Clause */
#include "licences.h"

#include "licence_texts.h"
#include "output_file.h"
#include "text.h"
#include "vit/vit.h"

typedef struct part {
    const char *name, *licence, *use;
} part;

#define HERE "in the command"
#define LINKED "linked"
#define LOADED "loaded when it is wanted and installed"

/* Licences by their names at spdx.org. */
static const part parts[] = {
    {"libvit", "BSD-2-Clause", HERE},
    {"names of the ImageNet classes", "WordNet 3.0", HERE},
    {"jansson", "MIT", LINKED},
    {"nettle", "LGPL-3.0-or-later OR GPL-2.0-or-later", LINKED},
    {"libjpeg-turbo", "IJG AND BSD-3-Clause AND Zlib", LINKED},
    {"libpng", "libpng-2.0", LINKED},
    {"zlib", "Zlib", LINKED},
    {"libwebp", "BSD-3-Clause", LINKED},
    {"libunistring", "LGPL-3.0-or-later OR GPL-2.0-or-later", LINKED},
    {"SQLite", "public domain", LINKED},
    {"OpenBLAS", "BSD-3-Clause", LOADED},
    {"giflib", "MIT", LOADED},
    {"libtiff", "libtiff", LOADED},
    {"libavif", "BSD-2-Clause", LOADED},
    {"libde265", "LGPL-3.0-or-later", LOADED},
    {"libjxl", "BSD-3-Clause", LOADED},
    {"libarchive", "BSD-2-Clause", LOADED},
    {"libpq", "PostgreSQL", LOADED},
    {"libcurl", "curl", LOADED},
    {"libmicrohttpd", "LGPL-2.1-or-later", LOADED},
};

cli_exit cli_print_licences(void)
{
    cli_text text = {0};
    cli_text_format(&text, "vit %s\n\n", vit_version());
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cli_text_format(&text, "%-30s %-40s %s\n", parts[i].name, parts[i].licence, parts[i].use);
    cli_text_format(&text, "\nlibvit\n\n%s\nNames of the ImageNet classes\n\n%s", cli_licence_text,
                    cli_licence_text_wordnet);
    cli_exit status = cli_print(&text);
    cli_text_free(&text);
    return status;
}
