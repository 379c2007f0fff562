/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvitindex: an index of images that can be searched by vectors and by words. It is one SQLite file, or a
 * table in PostgreSQL with pgvector. It is what `vit index` makes and `vit search` searches. A search in a
 * SQLite file looks at every vector: the answer is exact. The library never prints and never ends the process.
 *
 *     #include <stdio.h>
 *     #include <stdlib.h>
 *     #include <vit/index.h>
 *
 *     int main(void)
 *     {
 *         vit_error err = {0};
 *         vit_index *index = NULL;
 *         vit_index_hits hits = {0};
 *         float *vector = NULL;
 *         int found = 0;
 *         if (vit_index_open("photos.db", NULL, &index, &err) == VIT_OK) {
 *             vector = malloc(vit_index_columns(index) * sizeof *vector);
 *             vit_index_find_file(index, "cat.jpg", vector, &found, &err);      // the vector that the index has of it
 *         }
 *         if (found) {
 *             const vit_index_filter filter = {.where = "width >= 30"};         // only images for which this holds
 *             const vit_index_query query = {.vectors = vector, .n = 1, .k = 3, .filter = &filter};
 *             vit_index_search(index, &query, &hits, &err);                     // the 3 images that are most like it
 *         }
 *         for (size_t i = 0; i < hits.n; i++)
 *             printf("%.4f  %s\n", hits.hits[i].score, hits.hits[i].path);      // 1.0000  cat.jpg
 *         if (err.status != VIT_OK)
 *             fprintf(stderr, "%s: %s\n", err.where, err.message);
 *         vit_index_hits_free(&hits);
 *         free(vector);
 *         vit_index_free(index);
 *         return err.status != VIT_OK;
 *     }
 *
 * Link with -lvitindex -lvitpipe -lvittext -lvitio -lvit. The rules of vit/vit.h hold here too:
 * the first error wins, and err may be NULL. An index belongs to one thread at a time. Several
 * threads, and several processes, may each open the same place: searches then see what was
 * committed when they began, and one at a time may write. A search uses threads of its own.
 *
 * vit_error.where is the place of the index. Where an argument is at fault,
 * it is the name of the member instead: "where", "likes", "table", "place".
 */
#ifndef VIT_INDEX_H
#define VIT_INDEX_H

#include "vit/pipeline.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ an index ---- */

typedef struct vit_index vit_index;

typedef enum vit_index_mode {
    VIT_INDEX_READ = 0, /* the index must be there */
    VIT_INDEX_WRITE = 1 /* the index is made if it is not there */
} vit_index_mode;

/* How a new table in PostgreSQL holds the numbers of its vectors. A SQLite file holds f32. */
typedef enum vit_index_numbers {
    VIT_INDEX_F32 = 0, /* pgvector's vector */
    VIT_INDEX_F16 = 1  /* pgvector's halfvec */
} vit_index_numbers;

/* All zero is the default of everything. */
typedef struct vit_index_options {
    vit_index_mode mode;
    unsigned threads;          /* of a search; 0: as many as the affinity mask and the cgroup quota give */
    const char *table;         /* in PostgreSQL, of 48 bytes at most; NULL: "vit_images" */
    vit_index_numbers numbers; /* of a new table in PostgreSQL */
    uint64_t reserved[6];      /* zero */
} vit_index_options;

/* Opens the index at a place: the path of a SQLite file, or a URL as libpq takes it
 * (postgresql://USER@HOST/DATABASE). options may be NULL. The caller frees with vit_index_free; on
 * failure *index is NULL. Errors: not_found (READ, and there is no file), unsupported_format (a format
 * of another version, or a kind of place that this build lacks), corrupt (no index, or a damaged one),
 * invalid_argument (the file is another program's), unreadable, unwritable, out_of_memory. */
VIT_API vit_status vit_index_open(const char *place, const vit_index_options *options, vit_index **index,
                                  vit_error *err);
/* Changes that were not committed are lost. index may be NULL. */
VIT_API void vit_index_free(vit_index *index);

/* Could there be an index at the place already? 1 for a URL, and for a file that is not empty; else 0. */
VIT_API int vit_index_is_there(const char *place);

/* The place for messages, without user and password. Lives as long as the index. NULL if index is NULL. */
VIT_API const char *vit_index_place(const vit_index *index);

/* A note for people about the last call that changed the index, such as why searches will be slower, or what the
 * database lacks. NULL: there is none. Valid until the next call. */
VIT_API const char *vit_index_note(const vit_index *index);

/* Floats of each vector, such as 384. 0: nothing was indexed yet, and no pin was written. */
VIT_API size_t vit_index_columns(const vit_index *index);

/* ------------------------------------------------------------------ the pin ---- */

/* What made the vectors of an index. The pin is written once, before the first vector. Vectors that were made in
 * another way cannot be compared with those of the index, and are refused. A pin is all zero at first, and is freed
 * with vit_index_pin_free. */
typedef struct vit_index_pin {
    vit_recipe recipe;  /* without "normalize", "input" and "sample", which an index does not keep */
    char *model;        /* how the model was named: where to look for it. Not compared */
    char *preprocessor; /* how the file of its preprocessing was named; NULL: the model's own. Not compared */
    char *folder;       /* in which the index was made: relative paths of images begin there. Not compared */
} vit_index_pin;

/* Makes the pin for vectors of this recipe (vit_recipe_take), which is copied. model and preprocessor may be NULL.
 * Where they name a file or a folder that exists, the pin keeps the absolute path. On failure *pin is all zero:
 * out_of_memory. */
VIT_API vit_status vit_index_pin_take(const vit_recipe *recipe, const char *model, const char *preprocessor,
                                      vit_index_pin *pin, vit_error *err);
VIT_API void vit_index_pin_free(vit_index_pin *pin);

/* The first key in which two pins differ so that their vectors cannot be compared;
 * VIT_RECIPE_KEYS: none. The model comes first, and options come before the digest
 * that they change. Vectors of texts have no preprocessing, and compare. */
VIT_API vit_recipe_key vit_index_pin_differs(const vit_index_pin *a, const vit_index_pin *b);

/* The pin of the index, which lives as long as the index. All its members are NULL until vit_index_write_pin has filled
 * it. vit_recipe_apply makes options for a pipeline from its recipe. The answer is NULL if index is NULL. */
VIT_API const vit_index_pin *vit_index_get_pin(const vit_index *index);

/* Opens the model that made the vectors, so that what it encodes can be compared with them: vectors of the same
 * numbers, of length 1. A model of 384 numbers gives what goes into vit_index_query.vectors of an index of 384 columns.
 * options may be NULL; threads, batch and tower are taken from it, and all that the pin says from the pin. The caller
 * frees with vit_pipeline_free; on failure *pipeline is NULL. Errors: those of vit_pipeline_open, not_found (nothing
 * was indexed yet), model_mismatch (the model gives vectors of another size now). A model whose weights changed since
 * is not noticed here: vit_index_pin_differs tells. */
VIT_API vit_status vit_index_pipeline(const vit_index *index, const vit_pipeline_options *options,
                                      vit_pipeline **pipeline, vit_error *err);

/* Makes a new index ready for vectors. An index that has a pin keeps its recipe and its folder, also if another process
 * wrote them meanwhile. The places of the model and of its preprocessing become those of this pin, unless they are
 * NULL: a model that was moved from /old/clip to /new/clip is looked for in /new/clip from then on.
 * VIT_ERR_MODEL_MISMATCH: the index has a pin, and it differs. */
VIT_API vit_status vit_index_write_pin(vit_index *index, const vit_index_pin *pin, vit_error *err);

/* ------------------------------------------------------------------ images ---- */

/* A file's size in bytes, and the time of its last change in nanoseconds since 1970. */
typedef struct vit_index_stamp {
    int64_t size, time;
} vit_index_stamp;

/* What is known about an image, beside its vector. */
typedef struct vit_index_item {
    int64_t id;             /* in the index; no number is given twice. vit_index_put ignores it */
    const char *path;       /* one image a path */
    int64_t size, time;     /* of the file: vit_index_stamp */
    const char *hash;       /* SHA-256 of the file, 64 hex digits; "": not known */
    uint32_t width, height; /* upright */
    const char *caption;    /* NULL: none */
    int64_t caption_time;   /* when the file of the caption was last changed; 0: there is none */
} vit_index_item;

/* Changes count when commit is through: all between begin and commit, or none. Only one process at a time is between
 * them; others wait, in SQLite up to 20 seconds. The index has a pin. */
VIT_API vit_status vit_index_begin(vit_index *index, vit_error *err);
VIT_API vit_status vit_index_commit(vit_index *index, vit_error *err);
/* Takes back all changes since begin. */
VIT_API vit_status vit_index_rollback(vit_index *index, vit_error *err);

/* Stores an image and its vector[vit_index_columns], between begin and commit. An image with the same path is replaced.
 * The vector must have length 1 (vit_to_unit_length). Errors, if it has not: invalid_argument, non_finite. */
VIT_API vit_status vit_index_put(vit_index *index, const vit_index_item *item, const float *vector, vit_error *err);
/* Removes the image with this path, between begin and commit. A path that the index does not have is no error. */
VIT_API vit_status vit_index_remove(vit_index *index, const char *path, vit_error *err);

/* Makes searches fast, after the last commit. Where this is not possible, searches are slower, but just as right: the
 * answer is VIT_OK, and vit_index_note says why. */
VIT_API vit_status vit_index_finish(vit_index *index, vit_error *err);

/* ------------------------------------------------------------------ searching ---- */

/* Which images a call is about. All zero: all images. An image must meet every condition that is given. */
typedef struct vit_index_filter {
    /* A condition in a part of SQL that all kinds of index have: path, name, size (bytes), time ('2024-12-31 23:59:59',
     * UTC), width, height, caption, hash; numbers, 'strings', comparisons, AND OR NOT IN BETWEEN LIKE IS NULL CASE and
     * a few functions. "width > 1000 AND name LIKE 'img%'". Anything else is refused, so a condition may come from a
     * stranger. NULL: none. */
    const char *where;
    /* [n_likes] patterns of paths, of which one must fit: % stands for any text, _ for any character. "2024/%.jpg" */
    const char *const *likes;
    size_t n_likes;
    /* Words, all of which must be in the path or the caption: "red dog". "do*" is any word that begins with do. NULL:
     * none */
    const char *match;
    uint64_t reserved[4]; /* zero */
} vit_index_filter;

/* Is the condition well-formed? Without an index. VIT_ERR_INVALID_ARGUMENT: err->message says what is wrong with it. */
VIT_API vit_status vit_index_check_where(const char *where, vit_error *err);
/* Can the index answer with this filter? VIT_ERR_INVALID_ARGUMENT if not. */
VIT_API vit_status vit_index_check_filter(vit_index *index, const vit_index_filter *filter, vit_error *err);

typedef struct vit_index_hit {
    int64_t id;
    char *path, *caption;   /* caption may be NULL */
    double score;           /* the cosine; in a search by words without a vector, how well the words fit */
    uint32_t width, height; /* of the picture, upright, when it was indexed; 0: not known */
} vit_index_hit;

/* Best first, ties by path. Starts all zero; freed with vit_index_hits_free. */
typedef struct vit_index_hits {
    vit_index_hit *hits;
    size_t n;
} vit_index_hits;

VIT_API void vit_index_hits_free(vit_index_hits *hits);

typedef struct vit_index_query {
    const float *vectors; /* [n][vit_index_columns], each of length 1 */
    size_t n;
    size_t k;                       /* how many images for each vector */
    const vit_index_filter *filter; /* NULL: all images */
    int exact;                      /* 1: PostgreSQL looks at every vector instead of asking its HNSW index */
    uint64_t reserved[4];           /* zero */
} vit_index_query;

/* The k images nearest to each of the n vectors: hits[n], which the caller frees. On failure all of them are empty. */
VIT_API vit_status vit_index_search(vit_index *index, const vit_index_query *query, vit_index_hits *hits,
                                    vit_error *err);

/* The k images whose path and caption fit the words best, into *hits. query->n 0:
 * without vectors, so no model is needed. query->n 1: the order is that of the words,
 * and scores are cosines with the vector. The filter's `match` is not looked at. */
VIT_API vit_status vit_index_match(vit_index *index, const char *words, const vit_index_query *query,
                                   vit_index_hits *hits, vit_error *err);

/* The k images that are best by likeness and by words together: hits[n], one for
 * each vector. Ranks of both orders, each ten times as long as k, are added up as
 * 1 / (60 + rank): reciprocal rank fusion (Cormack, Clarke, Buettcher 2009). */
VIT_API vit_status vit_index_fuse(vit_index *index, const char *words, const vit_index_query *query,
                                  vit_index_hits *hits, vit_error *err);

/* The vector of an image that the index has, into vector[vit_index_columns]: of the image with this id, or of any image
 * with the bytes of this file. *found 0: there is none, or the file cannot be read. */
VIT_API vit_status vit_index_find_id(vit_index *index, int64_t id, float *vector, int *found, vit_error *err);
VIT_API vit_status vit_index_find_file(vit_index *index, const char *path, float *vector, int *found, vit_error *err);

/* The path of the image with this id; the caller frees *path with vit_free. NULL: the index has no such image. */
VIT_API vit_status vit_index_find_path(vit_index *index, int64_t id, char **path, vit_error *err);

/* Where the file of an image can be opened from this process's folder, for the path that the
 * index has of it. A relative path begins in the folder in which the index was made: of an
 * index that was made in /photos, "a.jpg" is "a.jpg" there and "/photos/a.jpg" elsewhere.
 * The caller frees *file with vit_free. Whether the file is there is not looked at. */
VIT_API vit_status vit_index_file(const vit_index *index, const char *path, char **file, vit_error *err);

/* Calls take with every image of the filter (NULL: all), in no order, and with its vector. Only id, path, hash and
 * caption of the item are set. The item and the vector are valid until take returns. take answers 0 to go on; another
 * answer ends the call with VIT_ERR_CANCELLED. take may not use the index. */
VIT_API vit_status vit_index_each(vit_index *index, const vit_index_filter *filter,
                                  int (*take)(void *context, const vit_index_item *item, const float *vector),
                                  void *context, vit_error *err);

/* ------------------------------------------------------------------ groups ---- */

/* Groups of vectors[n][columns], each of length 1, that are near each other. Two vectors are near if
 * their cosine is at least `threshold`, and whoever is near one of a group belongs to it. group[i]
 * becomes the number of the first vector of the group of vector i: if only vectors 1 and 4 are near,
 * group is {0, 1, 2, 3, 1}. All pairs of vectors that differ are compared, on `threads` threads (0: as many as there
 * are): 50,000 copies of one picture, whose vectors are equal byte for byte, count as one. */
VIT_API vit_status vit_groups_find(const float *vectors, size_t n, size_t columns, double threshold, unsigned threads,
                                   size_t *group, vit_error *err);

/* The least cosine between any two of vectors[members[0]], ..., vectors[members[n - 1]]. Infinity if n is less than
 * two. */
VIT_API vit_status vit_groups_least(const float *vectors, size_t columns, const size_t *members, size_t n,
                                    unsigned threads, double *least, vit_error *err);

/* ------------------------------------------------------------------ following files ---- */

/* Keeps an index up to date with image files: it finds out which files must be encoded, which only moved, and which are
 * gone.
 *
 *     vit_follow_look      for every file: must it be encoded?
 *     vit_follow_put       the vector of a file that was encoded
 *     vit_follow_drop      a file that could not be encoded, and why
 *     vit_follow_commit    now and then, and at the end
 *     vit_follow_forget    after the last file: forgets the files that are gone
 *
 * One thread may look at files while another one makes the other calls. */
typedef struct vit_follow vit_follow;

/* pin: what makes the vectors of this run. It is copied, and is written with the first change. The call reads what the
 * index knows of all images, some 200 bytes for each. Until vit_follow_free, the index must stay open, and nobody else
 * may use it. VIT_ERR_MODEL_MISMATCH: the index has another pin. */
VIT_API vit_status vit_follow_start(vit_index *index, const vit_index_pin *pin, vit_follow **follow, vit_error *err);
/* Changes that were not committed are lost. follow may be NULL. */
VIT_API void vit_follow_free(vit_follow *follow);

/* Looks at a file. *encode 1: the index needs its vector; *stamp is filled, and is handed to vit_follow_put. *encode
 * 0: the index knows the file, or its content under another path, or has seen it in this run. *plain: the name under
 * which the index has it, without "./" and doubled slashes ("a/b.jpg" for "./a//b.jpg"); the caller frees with
 * vit_free. *encode is 1 too for a file that cannot be looked at: reading it will say why. Error: out_of_memory. */
VIT_API vit_status vit_follow_look(vit_follow *follow, const char *path, char **plain, vit_index_stamp *stamp,
                                   int *encode, vit_error *err);

/* The vector (of length 1) of a file that was to be encoded, and the size of its picture. The
 * caption that stands beside the file is read: in NAME.txt, or in NAME.json the member "caption",
 * "text", "description" or "title"; NAME is that of the image with or without its extension. */
VIT_API vit_status vit_follow_put(vit_follow *follow, const char *path, const vit_index_stamp *stamp, uint32_t width,
                                  uint32_t height, const float *vector, vit_error *err);

/* A file that was to be encoded gave no vector, for this reason. If the file is gone, or is no
 * picture any more, the index forgets it. If it merely cannot be read now, it keeps its place. */
VIT_API vit_status vit_follow_drop(vit_follow *follow, const char *path, vit_status why, vit_error *err);

/* Forgets the images below a folder whose files are gone; folder NULL: all whose files are gone. A folder that is not
 * there takes nothing with it: it may be on a disk that is not mounted. After every file was looked at. */
VIT_API vit_status vit_follow_forget(vit_follow *follow, const char *folder, vit_error *err);

/* Commits all changes so far: files that were put, dropped, forgotten or found to have moved. After the last commit
 * comes vit_index_finish. */
VIT_API vit_status vit_follow_commit(vit_follow *follow, vit_error *err);

/* How many files were treated in which way so far. */
typedef struct vit_follow_counts {
    size_t encoded, moved, copied, removed, unchanged;
} vit_follow_counts;
VIT_API void vit_follow_count(vit_follow *follow, vit_follow_counts *counts);

#ifdef __cplusplus
}
#endif
#endif
