/* SPDX-License-Identifier: BSD-2-Clause */
/* Where an index is kept. A kind of store is a table of functions: a SQLite file, or a table in PostgreSQL. All of them
 * print what goes wrong; false is a failure that ends the command. */
#ifndef CLI_STORE_H
#define CLI_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "pin.h"
#include "where.h"

typedef enum cli_store_mode { CLI_STORE_READ, CLI_STORE_WRITE } cli_store_mode;

/* What is known about an image, beside its vector. */
typedef struct cli_item {
    int64_t id; /* in the store; a number is never given twice */
    const char *path;
    int64_t size;           /* bytes */
    int64_t time;           /* of the last change, nanoseconds since 1970 */
    const char *hash;       /* SHA-256 of the file, hex; "": it changed while it was read */
    uint32_t width, height; /* upright */
    const char *caption;    /* NULL: none */
    int64_t caption_time;   /* of the caption's file, as time; 0: none */
} cli_item;

/* Which images a search is about; all zero: all of them. */
typedef struct cli_filter {
    cli_where where;
    const char **likes; /* patterns of paths, any of them */
    size_t n_likes;
    const char *match; /* words that name or caption must have, or NULL */
} cli_filter;

typedef struct cli_hit {
    int64_t id;
    char *path, *caption; /* caption may be NULL */
    double score;         /* cosine; of a search by words alone how well they fit */
} cli_hit;

typedef struct cli_hits {
    cli_hit *hits;
    size_t n;
} cli_hits;

typedef struct cli_lookup {
    const float *vectors; /* [n][columns], each of length 1 */
    size_t n, columns;
    size_t k;
    const cli_filter *filter;
    bool exact;       /* do not use an approximate index, where the store has one */
    unsigned threads; /* 0: as many as there are */
} cli_lookup;

/* Which table in PostgreSQL, and how its vectors are stored there. */
typedef struct cli_store_options {
    const char *place; /* --db */
    const char *table;
    int vector_type;
} cli_store_options;

enum { CLI_VECTOR_F32, CLI_VECTOR_HALF };
extern const char *const cli_vector_type_names[];
extern const cli_option cli_store_table[];       /* --db, --table */
extern const cli_option cli_store_write_table[]; /* these, and --vector-type */

typedef struct cli_store cli_store;
typedef bool cli_take_item(void *context, const cli_item *item);
typedef bool cli_take_vector(void *context, const cli_item *item, const float *vector);

typedef struct cli_store_kind {
    /* READ: it must be there. WRITE: it is made if it is not. NULL on failure. */
    cli_store *(*open)(const cli_store_options *options, cli_store_mode mode);
    void (*close)(cli_store *store);
    bool (*read_pin)(cli_store *store, cli_pin *pin); /* all NULL: nothing was indexed yet */
    /* Makes the store ready for images, unless another process did so first: read_pin then has that
     * one's pin. Comes before the first begin. */
    bool (*write_pin)(cli_store *store, const cli_pin *pin);

    /* Images, in no order; captions are left out. Without a pin there are none. */
    bool (*each_item)(cli_store *store, cli_take_item *take, void *context);
    /* Can the store answer with this filter? Says what is wrong with it. */
    bool (*check_filter)(cli_store *store, const cli_filter *filter);
    /* Images and vectors, in no order; only id, path, hash of the items are set. */
    bool (*each_vector)(cli_store *store, const cli_filter *filter, cli_take_vector *take, void *context);

    /* Changes count when commit is through: all between begin and it, or none. */
    bool (*begin)(cli_store *store);
    bool (*commit)(cli_store *store);
    bool (*put)(cli_store *store, const cli_item *item, const float *vector); /* replaces what the path had */
    bool (*copy)(cli_store *store, int64_t from, const cli_item *item); /* put, with the vector of another image */
    bool (*update)(cli_store *store, const cli_item *item);             /* of this id; may get a new path */
    bool (*remove)(cli_store *store, const char *path);
    /* After the last commit: whatever makes searches fast. Nothing, without a pin. */
    bool (*finish)(cli_store *store);

    /* hits[n] of the n queries: best first, ties by path; freed with cli_hits_free. */
    bool (*search)(cli_store *store, const cli_lookup *search, cli_hits *hits);
    /* The k images that fit the words best. With a vector their
     * score is its cosine, the order still that of the words. */
    bool (*match)(cli_store *store, const char *words, const cli_lookup *search, cli_hits *hits);
    /* The vector of an image with these bytes, into vector[columns]; *found says whether there is one. */
    bool (*find_vector)(cli_store *store, const char *hash, float *vector, size_t columns, bool *found);
} cli_store_kind;

struct cli_store {
    const cli_store_kind *kind;
    const char *place; /* for messages: without a password */
};

/* A place that is a file, and the files beside it: claimed, since the run writes into them, or read
 * (claims.h). CLI_DONE, or CLI_USAGE with a message. */
cli_exit cli_store_claim(const cli_command *command, const cli_store_options *options);
cli_exit cli_store_spare(const cli_store_options *options);

/* Could there be an index at the place already? What is missing, empty or no file is none. */
bool cli_store_is_there(const cli_store_options *options);

/* NULL, with a message, also when the kind of store is not built in. */
cli_store *cli_store_open(const cli_store_options *options, cli_store_mode mode);
void cli_store_close(cli_store *store); /* takes NULL */

void cli_hits_free(cli_hits *hits);
/* Best first, ties by path, and the rest cut off. */
void cli_hits_rank(cli_hits *hits, size_t k);
/* Room for one more, all zero. */
cli_hit *cli_hits_add(cli_hits *hits);

/* The kinds; defined where they are built. */
extern const cli_store_kind cli_store_sqlite, cli_store_postgres;

#endif
