/* SPDX-License-Identifier: BSD-2-Clause */
/* An index as its parts see it. Where an index is kept is a table of functions: a
 * SQLite file, or a table in PostgreSQL. In all parts false is a failure, and then
 * `said` of the index holds what went wrong; the first failure of a call wins. */
#ifndef VIT_INDEX_STORE_H
#define VIT_INDEX_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buffer.h"
#include "pool.h"
#include "vit/index.h"

/* Both may end the walk with false. */
typedef bool vit__take_item(void *context, const vit_index_item *item);
typedef bool vit__take_vector(void *context, const vit_index_item *item, const float *vector);

typedef struct vit__store_kind {
    size_t size; /* bytes of a store, which begins with its vit_index */
    /* READ: it must be there. WRITE: it is made if it is not. The store is all
     * zero but for its vit_index; `close` comes after it, also on failure. */
    bool (*open)(vit_index *index, const char *place, const vit_index_options *options);
    void (*close)(vit_index *index);
    bool (*read_pin)(vit_index *index, vit_index_pin *pin); /* all NULL: nothing was indexed yet */
    /* Makes the store ready for images, unless another process did so first: read_pin then has that
     * one's pin. Comes before the first begin. */
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
    pid_t process;     /* that opened it */
    unsigned threads;  /* of searches, as asked for */
    vit__pool *pool;   /* NULL until a search wants several */
};

/* The row of the table of kinds that a place is a row of. */
typedef struct vit__store_row {
    const char *prefix; /* of the place; "": a path, which any other place is */
    const char *name;
    const vit__store_kind *kind; /* NULL: it was not built in */
} vit__store_row;
const vit__store_row *vit__store_row_of(const char *place);

/* Fill `said`, and answer false. The first is about the index's place. */
bool vit__index_fail(vit_index *index, vit_status status, const char *format, ...) VIT_PRINTF(3, 4);
bool vit__index_fail_memory(vit_index *index);
/* The buffer as a string, or NULL: out of memory, which was said. */
const char *vit__index_text(vit_index *index, vit__buffer *buffer);

/* The end of a public call: what was said goes to *err. */
vit_status vit__index_answer(vit_index *index, bool done, vit_error *err);

/* vit_index_write_pin, begin and commit, without the checks of a public call. The
 * last two do nothing where a transaction is open already, or where none is. */
bool vit__index_claim(vit_index *index, const vit_index_pin *pin);
bool vit__index_begin(vit_index *index);
bool vit__index_commit(vit_index *index);

/* Does it leave images out? */
bool vit__filter_is_set(const vit_index_filter *filter);

/* ------------------------------------------------------------------ pins ---- */

#define VIT__PIN_KEYS (VIT_RECIPE_KEYS + 3) /* model, preprocessor and folder come after the recipe's */

/* By number of key: the name under which stores keep a value, and where it is in the pin. NULL: not kept. */
const char *vit__pin_name(size_t key);
char **vit__pin_value(vit_index_pin *pin, size_t key);
/* Sets a value that a store has, if it is one of a pin and is not set yet. false: out of memory. */
bool vit__pin_read(vit_index_pin *pin, const char *name, const char *value);
size_t vit__pin_columns(const vit_index_pin *pin); /* 0: not set */

/* ------------------------------------------------------------------ hits ---- */

/* Best first, ties by path, and the rest cut off. */
void vit__hits_rank(vit_index_hits *hits, size_t k);
/* One more, whose path and caption (NULL: none) are copied; NULL: out of memory, and there is none more. */
vit_index_hit *vit__hits_add(vit_index_hits *hits, const char *path, const char *caption);

/* The kinds; defined where they are built. */
extern const vit__store_kind vit__store_sqlite, vit__store_postgres;

#endif
