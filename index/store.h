/* SPDX-License-Identifier: BSD-2-Clause */
/* An index, as the parts of this library see it. A store is where an index is kept: a SQLite file, or a table in
 * PostgreSQL. Each kind of store fills a table of functions (vit__store_kind). These functions answer false on failure,
 * and index->said then holds the error; the first error of a public call wins. */
#ifndef VIT_INDEX_STORE_H
#define VIT_INDEX_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buffer.h"
#include "pool.h"
#include "vit/index.h"

/* Called with one image after the other. false ends the walk. */
typedef bool vit__take_item(void *context, const vit_index_item *item);
typedef bool vit__take_vector(void *context, const vit_index_item *item, const float *vector);

typedef struct vit__store_kind {
    size_t size; /* bytes of a store, which begins with its vit_index */
    /* VIT_INDEX_READ: the index must be there. VIT_INDEX_WRITE: it is made if it is not. The store is all zero before,
     * but for its vit_index. `close` is called after it, also on failure. */
    bool (*open)(vit_index *index, const char *place, const vit_index_options *options);
    void (*close)(vit_index *index);
    bool (*read_pin)(vit_index *index, vit_index_pin *pin); /* all NULL: nothing was indexed yet */
    /* Makes the store ready for images. It is called before the first begin. If another process has done so first, its
     * pin stays, and read_pin answers it. */
    bool (*write_pin)(vit_index *index, const vit_index_pin *pin);
    /* Sets one value of the pin that the store has. The value is new, or takes the place of another. */
    bool (*set_pin)(vit_index *index, const char *name, const char *value);

    /* Images, in no order; captions are left out. Without a pin there are none. */
    bool (*each_item)(vit_index *index, vit__take_item *take, void *context);
    /* Can the store answer with this filter? */
    bool (*check_filter)(vit_index *index, const vit_index_filter *filter);
    /* Images and vectors, in no order; only id, path, hash of the items are set. */
    bool (*each_vector)(vit_index *index, const vit_index_filter *filter, vit__take_vector *take, void *context);

    /* Changes count when commit is through: all between begin and it, or none. */
    bool (*begin)(vit_index *index);
    bool (*commit)(vit_index *index);
    bool (*rollback)(vit_index *index);
    bool (*put)(vit_index *index, const vit_index_item *item, const float *vector); /* replaces what the path had */
    bool (*copy)(vit_index *index, int64_t from,
                 const vit_index_item *item);                     /* put, with the vector of another image */
    bool (*update)(vit_index *index, const vit_index_item *item); /* of this id; may get a new path */
    bool (*remove)(vit_index *index, const char *path);
    /* After the last commit: whatever makes searches fast. */
    bool (*finish)(vit_index *index);

    /* The filters of queries are never NULL here. */
    /* hits[n] of the n vectors: best first, ties by path. */
    bool (*search)(vit_index *index, const vit_index_query *query, vit_index_hits *hits);
    bool (*match)(vit_index *index, const char *words, const vit_index_query *query, vit_index_hits *hits);
    /* The vector of the image with this id, or with these bytes if hash is not NULL, into vector[columns]. */
    bool (*find)(vit_index *index, int64_t id, const char *hash, float *vector, bool *found);
    /* The path of the image with this id, a copy; NULL: there is none. */
    bool (*path)(vit_index *index, int64_t id, char **path);
} vit__store_kind;

struct vit_index {
    const vit__store_kind *kind;
    char *place;       /* for messages: without a password */
    vit_error said;    /* what went wrong in this call */
    vit__buffer note;  /* vit_index_note; out of memory: there is none */
    vit_index_pin pin; /* all NULL: it has none yet */
    size_t columns;    /* 0: it has no pin */
    bool begun;        /* between begin and commit */
    char *here;        /* the folder that the process was in when it opened the index; NULL: not known */
    pid_t process;     /* the process that opened it */
    unsigned threads;  /* of searches, as asked for */
    vit__pool *pool;   /* NULL until a search wants several */
};

/* A row of the table of kinds: which places belong to a kind. */
typedef struct vit__store_row {
    const char *prefix; /* how such a place begins; "": any other place, which is a path */
    const char *name;
    const vit__store_kind *kind; /* NULL: it was not built in */
} vit__store_row;
const vit__store_row *vit__store_row_of(const char *place);

/* Fill index->said, and answer false. Where the error is: the place of the index. */
bool vit__index_fail(vit_index *index, vit_status status, const char *format, ...) VIT_PRINTF(3, 4);
bool vit__index_fail_memory(vit_index *index);
/* The buffer as a string. NULL: out of memory; index->said says so. */
const char *vit__index_text(vit_index *index, vit__buffer *buffer);

/* Ends a public call: index->said goes to *err. */
vit_status vit__index_answer(vit_index *index, bool done, vit_error *err);

/* vit_index_write_pin, vit_index_begin and vit_index_commit, without the checks of public calls. Beginning does nothing
 * if a transaction is open, and committing does nothing if none is. */
bool vit__index_claim(vit_index *index, const vit_index_pin *pin);
bool vit__index_begin(vit_index *index);
bool vit__index_commit(vit_index *index);

/* Does it leave images out? */
bool vit__filter_is_set(const vit_index_filter *filter);

/* ------------------------------------------------------------------ pins ---- */

#define VIT__PIN_KEYS (VIT_RECIPE_KEYS + 3) /* model, preprocessor and folder come after the recipe's */

/* For the number of a key: the name under which stores keep its value, and the member of the pin. NULL: no store keeps
 * it. */
const char *vit__pin_name(size_t key);
char **vit__pin_value(vit_index_pin *pin, size_t key);
/* Sets the member of the pin that a store keeps under this name, unless it is set already. Other names are ignored.
 * false: out of memory. */
bool vit__pin_read(vit_index_pin *pin, const char *name, const char *value);
size_t vit__pin_columns(const vit_index_pin *pin); /* 0: not set */

/* ------------------------------------------------------------------ hits ---- */

/* Sorts the hits, the best first and equal ones by path, and keeps the first k. */
void vit__hits_rank(vit_index_hits *hits, size_t k);
/* Adds a hit with copies of path and caption (which may be NULL). NULL: out of memory; nothing was added. */
vit_index_hit *vit__hits_add(vit_index_hits *hits, const char *path, const char *caption);

/* The kinds; defined where they are built. */
extern const vit__store_kind vit__store_sqlite, vit__store_postgres;

#endif
