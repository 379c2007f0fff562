/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvitpipe: paths, bytes or texts in, vectors out, many at a time. A pipeline is a model with everything
 * around it: it reads and decodes pictures (or tokenizes texts) on threads of its own while the model encodes,
 * and one bad input never stops the others. It never prints, never ends the process, and can be cancelled.
 *
 *     #include <stdio.h>
 *     #include <stdlib.h>
 *     #include <vit/pipeline.h>
 *
 *     int main(void)
 *     {
 *         const vit_item items[] = {{.kind = VIT_ITEM_PATH, .name = "cat.jpg"},
 *                                   {.kind = VIT_ITEM_PATH, .name = "dog.jpg"}};
 *         vit_error err = {0}, errors[2] = {{0}};
 *         vit_pipeline *pipeline = NULL;
 *         vit_pipeline_open("facebook/dinov2-small", NULL, &pipeline, &err);
 *         size_t size = vit_pipeline_size(pipeline);                // 384: floats of one vector; 0: it did not open
 *         float *vectors = malloc((2 * size + 1) * sizeof *vectors); // [2][size]
 *         vit_pipeline_encode(pipeline, items, 2, vectors, errors, &err);
 *         for (int i = 0; i < 2 && err.status == VIT_OK; i++) {
 *             if (errors[i].status == VIT_OK)
 *                 printf("%s: %g ...\n", items[i].name, vectors[i * size]);
 *             else
 *                 fprintf(stderr, "%s: %s\n", items[i].name, errors[i].message);
 *         }
 *         if (err.status != VIT_OK)
 *             fprintf(stderr, "%s: %s\n", err.where, err.message);
 *         free(vectors);
 *         vit_pipeline_free(pipeline);
 *         return err.status != VIT_OK;
 *     }
 *
 * Link with -lvitpipe -lvittext -lvitio -lvit. The rules of vit/vit.h hold here
 * too. A pipeline may be shared between threads: calls that encode take turns. A child of fork() may go on with a
 * pipeline that was not encoding when the process was forked: it makes threads of its own with the next call.
 */
#ifndef VIT_PIPELINE_H
#define VIT_PIPELINE_H

#include "vit/io.h"
#include "vit/text.h"
#include "vit/vit.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ a pipeline ---- */

typedef struct vit_pipeline vit_pipeline;

/* All zero is the default of everything. */
typedef struct vit_pipeline_options {
    vit_model_options model;
    vit_output output; /* VIT_OUTPUT_EMBEDDING */
    size_t layer;      /* for VIT_OUTPUT_HIDDEN and VIT_OUTPUT_ATTENTION */
    int normalize;     /* 1: each vector (each row of a matrix) is divided by its length */
    int sample;        /* 1: VIT_OUTPUT_LATENT is drawn from its Gaussian, by seed and the item's position */
    uint64_t seed;
    vit_load_options load; /* how pictures are read; its least_width and least_height are ignored */
    /* 1: large JPEGs are decoded at 1/2, 1/4 or 1/8 of their size, but never below three times the size that the
     * preprocessing resizes to: a photo of 4032 x 3024 at 1/4, for 224 x 224. That is faster, and the vectors
     * differ a little (docs/speed.md). */
    int fast_decode;
    vit_resampler resampler;
    /* Threads that encode; 0: as many as this process may use. As many more, 8 at most, read items. */
    unsigned threads;
    size_t batch; /* items encoded together; 0: 8, or fewer where pictures are large. Results do not depend on it */
    uint64_t reserved[8]; /* zero */
} vit_pipeline_options;

/* Opens a checkpoint as vit_model_open does. options may be NULL. The caller frees with vit_pipeline_free. */
VIT_API vit_status vit_pipeline_open(const char *model, const vit_pipeline_options *options, vit_pipeline **pipeline,
                                     vit_error *err);
VIT_API void vit_pipeline_free(vit_pipeline *pipeline);

/* A pipeline over a model that is open already. The model must outlive the pipeline. name: the name by which the model
 * was opened; the tokenizer is looked for there too. options->model: the options with which the model was opened. */
VIT_API vit_status vit_pipeline_create(const vit_model *model, const char *name, const vit_pipeline_options *options,
                                       vit_pipeline **pipeline, vit_error *err);

/* The model, which lives as long as the pipeline. NULL if pipeline is NULL. */
VIT_API const vit_model *vit_pipeline_model(const vit_pipeline *pipeline);

/* The options of the pipeline, with the defaults filled in. They live as long as the pipeline. */
VIT_API const vit_pipeline_options *vit_pipeline_settings(const vit_pipeline *pipeline);

/* Floats of one result: rows * columns of vit_output_shape, such as 384. For an output of texts that has a row for each
 * token, it is the size for the longest text. 0 if pipeline is NULL. */
VIT_API size_t vit_pipeline_size(const vit_pipeline *pipeline);

/* Chooses another result, while nothing is being encoded: output, layer, normalize, sample and seed of the options.
 * VIT_ERR_UNSUPPORTED_OUTPUT: the model has no such output. */
VIT_API vit_status vit_pipeline_choose(vit_pipeline *pipeline, const vit_pipeline_options *options, vit_error *err);

/* Makes now what would else be made with the first item: threads and scratch memory; or the tokenizer, for texts. */
VIT_API vit_status vit_pipeline_start(vit_pipeline *pipeline, vit_error *err);
VIT_API vit_status vit_pipeline_start_words(vit_pipeline *pipeline, vit_error *err);

/* The session that vit_pipeline_start has made, else NULL. Do not use it while the pipeline encodes. */
VIT_API vit_session *vit_pipeline_session(vit_pipeline *pipeline);

/* How many token ids every text has that is given as text, padding included, such as 77. 0 until
 * vit_pipeline_start_words has succeeded. */
VIT_API size_t vit_pipeline_text_length(const vit_pipeline *pipeline);

/* ------------------------------------------------------------------ items ---- */

typedef enum vit_item_kind {
    VIT_ITEM_PATH = 0,   /* name: a file that holds a picture */
    VIT_ITEM_BYTES = 1,  /* data[size]: a picture's file in memory; name is for messages */
    VIT_ITEM_TEXT = 2,   /* data[size]: UTF-8; for a pipeline that was opened with VIT_TOWER_TEXT */
    VIT_ITEM_IMAGE = 3,  /* data: a vit_image */
    VIT_ITEM_PIXELS = 4, /* data[size]: floats as vit_preprocess makes them, size = 3 * height * width */
    VIT_ITEM_TOKENS = 5, /* data[size]: int32_t token ids, as vit_encode_text takes them */
    VIT_ITEM_READ = 6    /* the item's function `read` makes the pixels, or the token ids */
} vit_item_kind;

typedef struct vit_item vit_item;
struct vit_item {
    vit_item_kind kind;
    const char *name; /* for messages; NULL: it has none */
    const void *data;
    size_t size;
    uint32_t width, height; /* for VIT_ITEM_PIXELS, and for the pixels that `read` makes; 0: the model's own size */
    /* For VIT_ITEM_READ. Threads of the pipeline call it, several at once. row has room for 3 * height * width floats
     * of pixels, or for vit_model_context token ids of int32_t. It answers how many values it wrote; or 0 if it failed,
     * and fills err. */
    size_t (*read)(const vit_item *item, void *row, vit_error *err);
    const vit_error *error; /* not NULL: the item has failed already, for this reason */
    void *context;          /* the caller's own */
};

/* What became of one item. */
typedef struct vit_result {
    vit_item item;          /* as it was given */
    const vit_error *error; /* NULL: it was encoded */
    float *values;          /* [size], which may be changed; NULL: the item failed. Valid until the callback returns */
    size_t size;
    uint32_t width, height; /* of the whole picture, upright; 0 where there was none */
    double seconds;         /* of one processor, for reading, decoding and preprocessing */
} vit_result;

/* Encodes n items of any kinds into results[n][vit_pipeline_size], in the order of the items. The row of an item that
 * failed is zero, and errors[i] says why; errors[i].status is VIT_OK for an item that did not fail. The answer is
 * VIT_OK even if every item failed. Other answers are about the call itself, and nothing was encoded: invalid_argument,
 * out_of_memory. errors may be NULL where all items must succeed: the answer is then the error of the first that
 * failed. */
VIT_API vit_status vit_pipeline_encode(vit_pipeline *pipeline, const vit_item *items, size_t n, float *results,
                                       vit_error *errors, vit_error *err);

/* ------------------------------------------------------------------ items by hand ---- */

/* What is known about an item after it was read. */
typedef struct vit_loaded {
    size_t length;                        /* values of the row: pixels, or token ids */
    size_t tokens;                        /* ids of a VIT_ITEM_TEXT without the padding; 0: another kind of item */
    uint32_t width, height;               /* the whole picture, upright; 0: there was none */
    uint32_t stored_width, stored_height; /* the picture in its file, before EXIF turned it; 0: there was no file */
    uint32_t pixels_width, pixels_height; /* the pixels in the row, as vit_pixels has them; 0: a text */
    double seconds;                       /* of one processor, for reading, decoding and preprocessing */
    double preprocess_seconds;            /* the part of `seconds` for preprocessing, or for the tokenizer */
} vit_loaded;

/* Bytes of a row that an item is read into: 602,112 for a model of 224 x 224 pixels. It has room for one picture (for
 * the largest, where each has a size of its own), or for the longest text. 0 if pipeline is NULL. */
VIT_API size_t vit_pipeline_row_size(const vit_pipeline *pipeline);

/* Reads, decodes and preprocesses one item (or tokenizes it), on the caller's thread, for a caller who makes batches of
 * his own, such as a server. row: vit_pipeline_row_size bytes, which vit_encode_pictures or vit_encode_text takes. Any
 * number of threads may load with one pipeline at once, also while another one encodes. Errors are those of the
 * item. */
VIT_API vit_status vit_pipeline_load(const vit_pipeline *pipeline, const vit_item *item, void *row, vit_loaded *loaded,
                                     vit_error *err);

/* ------------------------------------------------------------------ streams ---- */

/* Where items come from and where results go. All callbacks get the context. */
typedef struct vit_stream {
    /* Puts the next item into *item. Answers 1: there is one; 0: there are no more. Threads of the pipeline call it,
     * one at a time. The memory that the item points at stays valid until `take` or `drop` gets the item. NULL: the
     * items are the files paths[n_paths]. */
    int (*next)(void *context, vit_item *item);
    /* Gets one result after the other, in the order of the items, on the thread that called vit_pipeline_run. Answers 0
     * to go on. */
    int (*take)(void *context, const vit_result *result);
    /* Called after the results of each batch, on the same thread. Answers 0 to go on. May be NULL. */
    int (*batch_taken)(void *context);
    /* Told when an item has been read, and its data is not needed any more. On a thread of the pipeline. May be
     * NULL. */
    void (*loaded)(void *context, const vit_item *item);
    /* Told of each item that is not encoded since the run ends early. May be NULL. */
    void (*drop)(void *context, const vit_item *item);
    void *context;
    uint64_t position; /* of the first item, for `sample`: with 100, the items are drawn as the 101st, 102nd, ... */
    uint64_t stride;   /* from an item's position to that of the next; 0 is 1 */
    const char *const *paths; /* of pictures, where next is NULL */
    size_t n_paths;
    uint64_t reserved[6];
} vit_stream;

/* Encodes a stream of any length; memory does not grow with it. VIT_ERR_CANCELLED: `take` or `batch_taken` answered
 * another number than 0, or vit_pipeline_cancel was called. Other errors are about the pipeline, such as out_of_memory;
 * errors of items are in their results. */
VIT_API vit_status vit_pipeline_run(vit_pipeline *pipeline, const vit_stream *stream, vit_error *err);

/* Ends the run, or the encoding, that is going on. Any thread may call it. The batch at hand is still encoded, and a
 * call of `next` that is waiting must return by itself. Where nothing is going on, nothing happens. */
VIT_API void vit_pipeline_cancel(vit_pipeline *pipeline);

/* The draw that `sample` makes, z = mean + sigma * noise (Kingma and Welling 2014, "Auto-Encoding Variational
 * Bayes"). z[n] holds the mean and becomes the draw. The noise follows from the seed and the position of the
 * input among all inputs (docs/own-format.md), so it is the same whatever else is drawn, in whatever order. */
VIT_API void vit_latent_draw(uint64_t seed, uint64_t position, const float *log_variance, size_t n, float *z);

/* ------------------------------------------------------------------ labels in words ---- */

/* Classes described in words (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
 * Supervision"): each label is filled into each template, the texts are encoded, and the mean of their unit vectors,
 * made a unit vector, stands for the label. A picture's score is its similarity with that, by the model's own scale. */
typedef struct vit_labels vit_labels;

/* texts: a pipeline of the text tower, which is not needed afterwards. templates: n_templates texts
 * with {} where the label goes; none: {} alone. The caller frees with vit_labels_free. Errors:
 * those of the texts, unsupported_model (the model does not compare pictures with words). */
VIT_API vit_status vit_labels_create(vit_pipeline *texts, const char *const *names, size_t n,
                                     const char *const *templates, size_t n_templates, vit_labels **labels,
                                     vit_error *err);

/* What the model is told of a label: the template with the label for each {}. "a photo of a {}" and "cat"
 * give "a photo of a cat". The caller frees with vit_free. NULL: an argument is NULL, or out of memory. */
VIT_API char *vit_label_prompt(const char *template_text, const char *label);

/* The same from vectors that the text tower gave already: vectors[n][each][width], `each` templates for each of n
 * labels. */
VIT_API vit_status vit_labels_from_vectors(const vit_similarity *similarity, const float *vectors, size_t n,
                                           size_t each, size_t width, vit_labels **labels, vit_error *err);
VIT_API void vit_labels_free(vit_labels *labels);
VIT_API size_t vit_labels_count(const vit_labels *labels);
/* Floats of the embedding of a picture that the labels can be compared with. */
VIT_API size_t vit_labels_width(const vit_labels *labels);

/* scores[vit_labels_count] of a picture with this embedding[vit_labels_width]: logits, or with logits 0 the
 * probabilities that the model makes of them (softmax over the labels for CLIP, the sigmoid of each for SigLIP). */
VIT_API void vit_labels_score(const vit_labels *labels, const float *embedding, int logits, float *scores);

/* The n numbers divided by their length, the square root of the sum of their
 * squares. 0: the length is zero (or not finite), and there is no direction. */
VIT_API int vit_to_unit_length(float *vector, size_t n);

/* ------------------------------------------------------------------ attention ---- */

/* How much each patch weighs in the attention of a block: for the class token, or in the mean of all patches where
 * the model has no class token. weights: VIT_OUTPUT_ATTENTION of one picture, [heads * tokens][tokens]. head -1:
 * the mean of all heads. map[rows * columns of vit_model_grid]. VIT_ERR_INVALID_ARGUMENT: there is no such head. */
VIT_API vit_status vit_attention_map(const vit_model *model, const float *weights, int head, float *map,
                                     vit_error *err);

/* Weights of patches as colours over a picture. */
typedef struct vit_heat_map {
    const vit_image *picture; /* as the model saw it: vit_preprocess_resized */
    vit_grid grid;
    size_t n;             /* maps */
    const float *weights; /* [n][rows][columns] */
} vit_heat_map;

/* The maps side by side, each from its own smallest weight (dark) to its largest (bright), over the picture, which is
 * enlarged where it is small. The caller frees *sheet with vit_image_free. */
VIT_API vit_status vit_heat_map_draw(const vit_heat_map *map, vit_image *sheet, vit_error *err);

/* ------------------------------------------------------------------ patches ---- */

/* The first k principal components of rows[n][width]: directions in which the rows differ most, as numpy.linalg.svd of
 * the centred rows gives them. mean[width] becomes the mean of the rows, components[k][width] vectors of length 1 at
 * right angles to each other, that of the largest variance first. The sign is such that a component's number of largest
 * magnitude is positive. Of the rows (0,0), (3,4) and (6,8) the mean is (3,4), and the first component (0.6,0.8). Rows
 * that differ in fewer than k directions give zeros for the other components. k is 1 to 64, and at most width. The time
 * is that of n * width * width multiplications, and the memory width * width doubles.
 * Errors: invalid_argument, non_finite (a row holds NaN or infinity), out_of_memory. */
VIT_API vit_status vit_principal_components(const float *rows, size_t n, size_t width, size_t k, float *mean,
                                            float *components, vit_error *err);

/* Colours of patches, the same colour for the same thing in all pictures, as in the figures of DINOv2. The first
 * principal component of all patches divides them: those on one side of zero are in front. Those on the side to which
 * the patches at the edges of the pictures belong, in the mean, are background, and black. The first three components
 * of what is in front are red, green and blue, each from its least score (0) to its largest (255).
 *
 * features[pictures][rows * columns of the grid][width]: VIT_OUTPUT_TOKENS without the tokens before the patches, the
 * class token and registers. colours[pictures][rows * columns][3]. An example: 2 pictures of 16 x 16 patches and a
 * width of 384 are 2 * 256 * 384 floats, and 2 * 256 * 3 bytes of colours. Errors as of vit_principal_components. */
VIT_API vit_status vit_patch_colours(const float *features, size_t pictures, const vit_grid *grid, size_t width,
                                     uint8_t *colours, vit_error *err);

/* The same without a background: the first three components of all patches are red, green and blue. For pictures that
 * have no background, such as close-ups, where the first component would divide one picture from another. */
VIT_API vit_status vit_patch_colours_all(const float *features, size_t pictures, const vit_grid *grid, size_t width,
                                         uint8_t *colours, vit_error *err);

/* Pictures, and the colours of their patches. */
typedef struct vit_patch_picture {
    const vit_image *pictures; /* [n], all of one size, as the model saw them: vit_preprocess_resized */
    vit_grid grid;
    size_t n;
    const uint8_t *colours; /* [n][rows][columns][3] */
} vit_patch_picture;

/* Each picture with its patches to the right of it, enlarged where it is small. The caller frees *sheet with
 * vit_image_free. Errors: invalid_argument, too_large (for one picture), out_of_memory. */
VIT_API vit_status vit_patch_picture_draw(const vit_patch_picture *what, vit_image *sheet, vit_error *err);

/* ------------------------------------------------------------------ recipes ---- */

/*
 * What made a vector: everything that must be the same for two vectors to be comparable. It is what stands in
 * x.meta.json, in the manifest of a job, and in an index. Values are text, as the command's options take them.
 */
typedef enum vit_recipe_key {
    VIT_RECIPE_MODEL_DIGEST = 0,
    VIT_RECIPE_PREPROCESSING_DIGEST = 1, /* not set: texts, or a model without preprocessing */
    VIT_RECIPE_PRECISION = 2,            /* "f32" */
    VIT_RECIPE_OUTPUT = 3,               /* "embedding", "hidden:11" */
    VIT_RECIPE_DIMENSIONS = 4,           /* "384" */
    VIT_RECIPE_NORMALIZE = 5,            /* "yes"; not set: no */
    VIT_RECIPE_INPUT = 6,                /* "text"; not set: pictures */
    VIT_RECIPE_SAMPLE = 7,               /* the seed */
    VIT_RECIPE_RESAMPLER = 8,            /* "pillow" */
    VIT_RECIPE_EXIF = 9,                 /* "apply" */
    VIT_RECIPE_BACKGROUND = 10,          /* "ffffff"; not set: transparency is dropped */
    VIT_RECIPE_IMAGE_SIZE = 11,          /* "224x336"; not set: the model's own */
    VIT_RECIPE_FAST_DECODE = 12,         /* "yes"; not set: no */
    VIT_RECIPE_KEYS = 13
} vit_recipe_key;

/* A value that is NULL is not set. A recipe is all zero at first, and is freed with vit_recipe_free. */
typedef struct vit_recipe {
    char *values[VIT_RECIPE_KEYS];
} vit_recipe;

VIT_API const char *vit_recipe_name(vit_recipe_key key); /* "model_digest"; static */

/* The recipe of the vectors that the pipeline makes now. Reads every byte of the checkpoint, for its digest. On failure
 * *recipe is all zero. */
VIT_API vit_status vit_recipe_take(const vit_pipeline *pipeline, vit_recipe *recipe, vit_error *err);
VIT_API void vit_recipe_free(vit_recipe *recipe);

/* Sets a key to a copy of value; NULL: the key is no longer set. */
VIT_API vit_status vit_recipe_set(vit_recipe *recipe, vit_recipe_key key, const char *value, vit_error *err);

/* The first key, from the key `from` on, by which vectors of the two recipes cannot be compared. VIT_RECIPE_KEYS: there
 * is none, and they can. Vectors of texts compare with vectors of pictures by the same model: keys about pictures, such
 * as the preprocessing, do not count then. */
VIT_API vit_recipe_key vit_recipe_differs(const vit_recipe *a, const vit_recipe *b, int from);

/* The options that make such vectors: those that the recipe sets, over those in *options. Strings stay the recipe's.
 * VIT_ERR_UNSUPPORTED_FORMAT: a value that this build does not know; the message names it. */
VIT_API vit_status vit_recipe_apply(const vit_recipe *recipe, vit_pipeline_options *options, vit_error *err);

#ifdef __cplusplus
}
#endif
#endif
