/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of the page, as they are in this folder. */
#ifndef SERVE_PAGE_H
#define SERVE_PAGE_H

#include <stddef.h>

typedef struct serve_page_file {
    const char *type;
    const unsigned char *bytes;
    size_t size;
} serve_page_file;

/* A picture to try: one of examples/images. */
typedef struct serve_page_sample {
    const char *name; /* "cat.jpg" */
    serve_page_file file;
} serve_page_sample;

extern const serve_page_sample serve_page_samples[];
extern const size_t serve_page_samples_count;

extern const serve_page_file serve_page_html, serve_page_js, serve_page_css;

#endif
