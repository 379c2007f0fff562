/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvit: Vision Transformer image encoders and classifiers on a CPU, read straight from the checkpoint
 * folders of Hugging Face transformers and timm.
 *
 * From a photo to a vector (link with -lvitio -lvit). One check at the end is enough: after a call
 * that fails, the later calls do nothing, and err keeps the first error.
 *
 *     #include <stdio.h>
 *     #include <stdlib.h>
 *     #include <vit/io.h>
 *     #include <vit/vit.h>
 *
 *     vit_error err = {0};
 *     vit_model *model = NULL;
 *     vit_session *session = NULL;
 *     vit_image image = {0};
 *
 *     vit_model_open("google/vit-base-patch16-224", NULL, &model, &err);
 *     vit_session_create(model, NULL, &session, &err);
 *     vit_image_load("photo.jpg", NULL, &image, &err);
 *     size_t size = vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0);
 *     float *pixels = malloc(vit_model_pixels_size(model) * sizeof *pixels);
 *     float *vector = malloc(size * sizeof *vector);
 *     vit_preprocess(vit_model_preprocessor(model), &image, NULL, pixels, &err);
 *     vit_encode(session, pixels, 1, VIT_OUTPUT_EMBEDDING, vector, &err);
 *     if (err.status != VIT_OK) fprintf(stderr, "%s: %s\n", err.where, err.message);
 *     else printf("%zu numbers, the first %f\n", size, vector[0]);
 *
 *     free(vector);
 *     free(pixels);
 *     vit_image_free(&image);
 *     vit_session_free(session);
 *     vit_model_free(model);
 *
 * Rules that hold everywhere:
 *  - A struct of options that is all zero holds the defaults, as in `vit_model_options options = {0};`. Its `reserved`
 *    must stay zero: a later version may give it a meaning. Where it is not, the call is refused with
 *    VIT_ERR_INVALID_ARGUMENT.
 *  - A function that can fail returns vit_status and fills *err if err is not NULL. The first error wins: an
 *    err that already holds one is left as it is, so several calls may share one and be checked
 *    once.
 *  - On failure nothing is handed over: out-pointers are set to NULL (images to all zero), nothing leaks.
 *  - No function crashes on a NULL pointer, such as the model that a failed vit_model_open leaves.
 *    A function that returns vit_status returns VIT_ERR_INVALID_ARGUMENT, and *err names the
 *    function and the argument: where is "vit_encode", message is "session is NULL". A function
 *    that returns a value returns 0, NULL or a struct of zeros. A function that returns nothing,
 *    such as a free function, does nothing. An image whose pixels are NULL is refused like an image
 *    that is NULL.
 *  - An argument may be NULL where its comment says so, and an array may be NULL where its length
 *    is 0. To encode 0 images is VIT_OK. Lengths that no memory can hold are
 *    VIT_ERR_INVALID_ARGUMENT.
 *  - The library never prints, exits, aborts, or changes the locale or signal handlers. Where it loads OpenBLAS
 *    (vit_products), it sets OpenBLAS's thread count, which belongs to the process, to 1.
 *  - After fork() the child may go on with models, preprocessors and tokenizers. A session of several threads that the
 *    parent made is refused there with VIT_ERR_INVALID_ARGUMENT, since its threads are in the parent alone; the child
 *    may free it, and makes one of its own.
 *  - vit_model and vit_preprocessor are immutable and may be shared between threads. A vit_session belongs to
 *    one thread at a time.
 */
#ifndef VIT_VIT_H
#define VIT_VIT_H

#include <stddef.h>
#include <stdint.h>

#include "vit/error.h"
#include "vit/export.h"
#include "vit/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ version, memory ---- */

/* "MAJOR.MINOR.PATCH" of the library that is running, such as "0.1.0". Static storage. What a program was compiled with
 * is in vit/version.h. */
VIT_API const char *vit_version(void);

/* Frees memory that a libvit function documents as the caller's. */
VIT_API void vit_free(void *pointer);

/* ------------------------------------------------------------------ images ---- */

/* 8-bit RGB, row by row from the top, no padding between rows: pixels[(y * width + x) * 3 + channel]. */
typedef struct vit_image {
    uint32_t width, height;
    uint8_t *pixels;
} vit_image;

/* Makes room for width x height pixels (not initialised). The caller frees with vit_image_free. */
VIT_API vit_status vit_image_alloc(uint32_t width, uint32_t height, vit_image *image, vit_error *err);

/* Frees the pixels and sets *image to all zero. */
VIT_API void vit_image_free(vit_image *image);

/* Whose resize, and with it whose numbers, to reproduce bit for bit. */
typedef enum vit_resampler {
    VIT_RESAMPLER_PILLOW = 0,     /* Pillow up to 12: horizontal pass first */
    VIT_RESAMPLER_PILLOW13 = 1,   /* Pillow 13: its choice of pass order */
    VIT_RESAMPLER_TORCHVISION = 2 /* torchvision on 8-bit tensors, as transformers 5 does by default */
} vit_resampler;

/* Numbers are PIL.Image.Resampling's, as they stand in preprocessor_config.json. */
typedef enum vit_filter {
    VIT_FILTER_NEAREST = 0,
    VIT_FILTER_LANCZOS = 1,
    VIT_FILTER_BILINEAR = 2,
    VIT_FILTER_BICUBIC = 3,
    VIT_FILTER_BOX = 4,
    VIT_FILTER_HAMMING = 5
} vit_filter;

/* Resizes src into dst, whose size (from vit_image_alloc) says the target. src and dst must not overlap. */
VIT_API vit_status vit_image_resize(const vit_image *src, vit_image *dst, vit_filter filter, vit_resampler resampler,
                                    vit_error *err);

/* ------------------------------------------------------------------ preprocessing ---- */

typedef struct vit_preprocessor vit_preprocessor;

typedef struct vit_preprocess_options {
    vit_resampler resampler;
    uint32_t image_height, image_width; /* aim at this size instead of the configured one; 0 = as configured */
    uint64_t max_pixels;                /* refuse larger intermediate pictures; 0 = VIT_MAX_PIXELS */
    uint64_t reserved[4];               /* zero */
} vit_preprocess_options;

#define VIT_MAX_PIXELS 178956970u /* the limit at which PIL refuses a picture */

/* Reads a preprocessor_config.json, a timm config.json or an open_clip_config.json (or a folder that has
 * one). The caller frees with vit_preprocessor_free. */
VIT_API vit_status vit_preprocessor_open(const char *path, vit_preprocessor **preprocessor, vit_error *err);
VIT_API void vit_preprocessor_free(vit_preprocessor *preprocessor);

/* Size of the result for a width x height picture, such as 224 x 224. It depends on the picture only where the
 * configuration has no crop and keeps the aspect ratio. options may be NULL. */
VIT_API vit_status vit_preprocess_shape(const vit_preprocessor *preprocessor, uint32_t width, uint32_t height,
                                        const vit_preprocess_options *options, uint32_t *out_width,
                                        uint32_t *out_height, vit_error *err);

/* The size that the resize step aims at. A step that covers a size makes a picture with at least
 * these edges: with 256 x 256, a photo of 640 x 480 becomes 341 x 256. A step that fits a picture
 * into a size makes one with at most these edges. Whoever reads a photo at a lower resolution must
 * stay well above the size. Both are UINT32_MAX where nothing is resized. options may be NULL. */
VIT_API vit_status vit_preprocess_target(const vit_preprocessor *preprocessor, const vit_preprocess_options *options,
                                         uint32_t *out_width, uint32_t *out_height, vit_error *err);

/* Whether pictures can be preprocessed with these options. VIT_ERR_TOO_LARGE: a square picture, whatever its size, is
 * resized or cropped to more than max_pixels. VIT_ERR_INVALID_ARGUMENT: an option. options may be NULL. */
VIT_API vit_status vit_preprocess_check(const vit_preprocessor *preprocessor, const vit_preprocess_options *options,
                                        vit_error *err);

/* pixel_values: pixels[3][out_height][out_width], channel order R, G, B, as vit_preprocess_shape
 * says. options may be NULL. Where the configuration has no crop and keeps the aspect ratio,
 * out_height and out_width follow the picture, and may not be the size that a model runs at: ask
 * vit_preprocess_shape first. */
VIT_API vit_status vit_preprocess(const vit_preprocessor *preprocessor, const vit_image *image,
                                  const vit_preprocess_options *options, float *pixels, vit_error *err);

/* The 8-bit picture after resize, crop and padding, before rescaling. The caller frees *resized. */
VIT_API vit_status vit_preprocess_resized(const vit_preprocessor *preprocessor, const vit_image *image,
                                          const vit_preprocess_options *options, vit_image *resized, vit_error *err);

/* A rectangle in pixels of a picture, which may end between two pixels, or outside of the picture. */
typedef struct vit_region {
    double left, top, width, height;
} vit_region;

/* The part of a width x height picture that the result shows. With a resize to 256 pixels and a crop of 224,
 * a photo of 640 x 480 gives left 108.9, top 30, width 420.4, height 420: the middle. Without a crop
 * it is the whole picture; where the picture is padded the region is larger than the picture. *region is
 * all zero on failure. options may be NULL. */
VIT_API vit_status vit_preprocess_region(const vit_preprocessor *preprocessor, uint32_t width, uint32_t height,
                                         const vit_preprocess_options *options, vit_region *region, vit_error *err);

/* The rules in effect as one JSON object. The caller frees with vit_free. NULL when out of memory,
 * or when preprocessor is NULL. */
VIT_API char *vit_preprocessor_describe(const vit_preprocessor *preprocessor);

/* SHA-256 of that text, 64 hex digits and NUL: the same for the same rules, whatever file they came from. */
VIT_API vit_status vit_preprocessor_digest(const vit_preprocessor *preprocessor, char hex[65], vit_error *err);

/* ------------------------------------------------------------------ model ---- */

typedef struct vit_model vit_model;

typedef enum vit_precision {
    VIT_PRECISION_AUTO = 0, /* to open with: what a packed file holds (vit_model_pack); of any other checkpoint f32 */
    VIT_PRECISION_F32 = 1,
    VIT_PRECISION_BF16 = 2, /* weights and activations bfloat16; sums, norms and softmax f32 */
    VIT_PRECISION_INT8 = 3  /* weights of the blocks int8 a channel, activations int8 a token; the rest wider */
} vit_precision;

/* A model of pictures and words is two towers; each is opened by itself, and neither touches the other's weights. */
typedef enum vit_tower { VIT_TOWER_IMAGE = 0, VIT_TOWER_TEXT = 1 } vit_tower;

typedef struct vit_model_options {
    vit_precision precision;
    const char *preprocessor; /* file that stands in for the model's own preprocessing; NULL = the model's own */
    vit_tower tower;
    /* Run at this picture size: positions are interpolated as the family defines it, and preprocessing makes pictures
     * of this size. 0 = the model's own size. For families that their library runs at any size, such as DINOv2, it is
     * the size that the preprocessing gives. */
    uint32_t image_height, image_width;
    /* 1: one input will be encoded, or a few together. Weights are packed as they are multiplied, not before: the first
     * result comes sooner and with less memory, but every call packs them anew. The bits are the same. */
    int once;
    /* A file of a classifier alone, such as flowers.safetensors of 'vit fit --head-only'. It takes the place of the
     * model's own classifier. NULL: none. VIT_ERR_MODEL_MISMATCH: it was made for another model or preprocessing. */
    const char *head;
    uint64_t reserved[3]; /* zero */
} vit_model_options;

/* Opens a checkpoint: a folder, one .safetensors file (its config files stand beside it), or a hub
 * id ("org/name", or with a branch, tag or commit "org/name@v1.0") that is in the local Hugging Face
 * cache: the first that is set of $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub,
 * $XDG_CACHE_HOME/huggingface/hub and ~/.cache/huggingface/hub. Nothing is downloaded. Weights are
 * mapped, not read; everything is validated here. The path of a classifier alone opens the model that this file names,
 * with this classifier; the model's weights are then read once, to compare digests. options may be NULL, which is the
 * same as zeros. A packed file runs in its own precision alone. VIT_ERR_INVALID_ARGUMENT, with where "image_size" or
 * "precision": the checkpoint is in order, but cannot be run as this option asks. The caller frees with vit_model_free,
 * after all sessions on the model. */
VIT_API vit_status vit_model_open(const char *path, const vit_model_options *options, vit_model **model,
                                  vit_error *err);
VIT_API void vit_model_free(vit_model *model);

/* Files of weights stay mapped while a model is open. They may be replaced by renaming: the model keeps the old ones.
 * Where one is written into, what was computed may be wrong: VIT_ERR_TRUNCATED, it is shorter than it was, or
 * VIT_ERR_CORRUPT. Encoding looks by itself, before and after, and fails with the same; it costs one system call a
 * file. */
VIT_API vit_status vit_model_check(const vit_model *model, vit_error *err);

/* A file of weights that is cut short while a call reads it raises SIGBUS, which ends the process. Signals belong to
 * the program, and so the library leaves this one alone unless the program asks for it: after this call the handler of
 * SIGBUS is libvit's, and such a call fails with VIT_ERR_TRUNCATED. A SIGBUS that is about no file of libvit's goes to
 * the handler that was there before. Call it once, before there are other threads. */
VIT_API vit_status vit_catch_sigbus(vit_error *err);

/* The folder of a checkpoint, named as for vit_model_open: where its configuration and its tokenizer are.
 * The caller frees with vit_free. Nothing in it is read. Errors: not_found, unreadable, out_of_memory. */
VIT_API vit_status vit_model_folder(const char *path, char **folder, vit_error *err);

/* The files that an open model is read from, each by its path: first the weights, one file or all
 * shards by name, and then the configuration. NULL past the last. Nothing may be written into them
 * while the model is open. */
VIT_API const char *vit_model_file(const vit_model *model, size_t index);

/* Facts about a model. Strings live as long as the model. A model that is NULL has 0 classes, NULL
 * for a family, and so on for each fact. */
VIT_API const char *vit_model_family(const vit_model *model);      /* "vit", "deit", "timm/vit", ... */
VIT_API vit_precision vit_model_precision(const vit_model *model); /* as opened; never VIT_PRECISION_AUTO */
VIT_API uint32_t vit_model_image_width(const vit_model *model);    /* 0: each picture has a size of its own */
VIT_API uint32_t vit_model_image_height(const vit_model *model);
/* Floats of one image: 3 * height * width, such as 150528 for 224 x 224. Where each picture has a size of its own:
 * floats of the largest. 0: a model of words. */
VIT_API size_t vit_model_pixels_size(const vit_model *model);

/* How many patches a picture may have, such as 256, in a model that keeps the aspect of each picture (SigLIP 2 NaFlex).
 * Its pictures have sizes of their own, and vit_encode_pictures takes them. 0: all pictures have one size, or it is a
 * model of words. A model that was opened with image_height and image_width runs at that one size. */
VIT_API size_t vit_model_patches(const vit_model *model);

/* The patches of a picture: 14 rows and 14 columns of 16x16 pixels for ViT-B/16. They are the last rows * columns
 * tokens, row by row. Pixels right of and below the last whole patch are not read. An encoder with stages (Swin) has
 * the tokens of its last stage here: 7x7 of 32x32 pixels for a picture of 224x224. Rows and columns are 0 where each
 * picture has a size of its own. A model of words has zeros everywhere. */
typedef struct vit_grid {
    size_t rows, columns;
    size_t patch_height, patch_width; /* pixels */
} vit_grid;

VIT_API vit_grid vit_model_grid(const vit_model *model);

/* The encoder: ViT-B/16 has 12 blocks, the width 768 and 12 heads. A token is a vector of 768 numbers, of which each
 * head of attention has 64. For an encoder with stages: the blocks of all stages, and width and heads of the last
 * stage. */
VIT_API size_t vit_model_depth(const vit_model *model); /* blocks */
VIT_API size_t vit_model_width(const vit_model *model); /* D */
VIT_API size_t vit_model_heads(const vit_model *model); /* H, of queries */

VIT_API size_t vit_model_context(const vit_model *model);  /* most tokens of a text; 0: a model of pictures */
VIT_API size_t vit_model_classes(const vit_model *model);  /* 0: no classifier */
VIT_API int vit_model_multi_label(const vit_model *model); /* 1: probabilities are sigmoid, not softmax */
/* 1: its outputs are values, such as an age; VIT_OUTPUT_PROBABILITIES are the logits as they are. */
VIT_API int vit_model_regression(const vit_model *model);
VIT_API const char *vit_model_label(const vit_model *model, size_t index); /* NULL past the last class */
VIT_API double vit_model_flops(const vit_model *model); /* multiply and add counted as two, one image, default output */
VIT_API const vit_preprocessor *vit_model_preprocessor(const vit_model *model); /* NULL: it has none */

/* How a model of pictures and words compares them: logit = scale * cosine(image, text) + bias; probabilities are the
 * sigmoid of each logit (SigLIP) or the softmax over the texts (CLIP). */
typedef struct vit_similarity {
    float scale, bias;
    int sigmoid;
} vit_similarity;

/* Either tower knows it. VIT_ERR_UNSUPPORTED_MODEL: the checkpoint does not compare pictures with words. */
VIT_API vit_status vit_model_similarity(const vit_model *model, vit_similarity *similarity, vit_error *err);

/* Everything `vit info --json` prints, as one JSON object. The caller frees with vit_free. NULL when out of
 * memory, or when model is NULL. */
VIT_API char *vit_model_describe(const vit_model *model);

/* SHA-256 of the weights, 64 hex digits and NUL: of one file what `sha256sum` prints for it; of shards that of
 * the lines `sha256sum SHARD...` prints, in name order. Reads every byte of the checkpoint. */
VIT_API vit_status vit_model_digest(const vit_model *model, char hex[65], vit_error *err);

/* Takes the bytes of a file that is written, from the first to the last. write answers 0 to go on, anything else to
 * stop. */
typedef struct vit_sink {
    int (*write)(void *context, const void *bytes, size_t size);
    void *context;
} vit_sink;

/* Writes a model as one packed file, which vit_model_open maps and runs as it is. The file holds the configuration, the
 * preprocessing, the labels, and the weights in the layout and the precision that the model multiplies. It gives the
 * same bits as the model. image, text: the towers to put in, opened from one checkpoint in one precision; one of the
 * two may be NULL. VIT_ERR_UNWRITABLE: the sink refused a write. */
VIT_API vit_status vit_model_pack(const vit_model *image, const vit_model *text, const vit_sink *sink, vit_error *err);

/* ------------------------------------------------------------------ encoding ---- */

typedef enum vit_output {
    VIT_OUTPUT_EMBEDDING = 0,     /* [E] the family's own embedding, not normalised */
    VIT_OUTPUT_CLASS = 1,         /* [D] class token after the final norm */
    VIT_OUTPUT_MEAN = 2,          /* [D] mean of the patch tokens after the final norm */
    VIT_OUTPUT_TOKENS = 3,        /* [T,D] all tokens as the Python library returns them (last_hidden_state) */
    VIT_OUTPUT_HIDDEN = 4,        /* [T,D] after block `layer`, before the final norm; 0 = input of block 1. In an
                               * encoder with stages T and D are those of the block's stage */
    VIT_OUTPUT_POOLER = 5,        /* pooler_output, where the family has one */
    VIT_OUTPUT_LOGITS = 6,        /* [C] */
    VIT_OUTPUT_PROBABILITIES = 7, /* [C] softmax of the logits; sigmoid in a multi-label model; a regression's logits */
    VIT_OUTPUT_LATENT = 8,        /* [Z] mean of the Gaussian latent of a variational autoencoder's encoder */
    VIT_OUTPUT_LATENT_LOG_VARIANCE = 9, /* [Z] its log variance */
    VIT_OUTPUT_ATTENTION =
        10, /* [H*T,T] softmax weights of block `layer`, 0 = the first: a row for each head and query */
    VIT_OUTPUT_CLASS_MEAN =
        11 /* [2D] VIT_OUTPUT_CLASS and VIT_OUTPUT_MEAN side by side, as DINOv2's classifiers read */
} vit_output;

/* Shape of an output for one image: rows x columns (rows is 1 for a vector). layer counts for VIT_OUTPUT_HIDDEN and
 * VIT_OUTPUT_ATTENTION only. Where each picture has a size of its own, T counts the tokens of the largest picture, and
 * the rows that a smaller picture lacks are zero. VIT_OUTPUT_ATTENTION needs pictures of one size. */
VIT_API vit_status vit_output_shape(const vit_model *model, vit_output output, size_t layer, size_t shape[2],
                                    vit_error *err);

/* rows * columns of vit_output_shape; 0 if the model has no such output, or is NULL. */
VIT_API size_t vit_output_size(const vit_model *model, vit_output output, size_t layer);

/* Names of enums, as the command's options have them: "f32", "pillow13",
 * "bicubic", "cls". Static. NULL: there is no such value. */
VIT_API const char *vit_precision_name(vit_precision precision);
VIT_API const char *vit_resampler_name(vit_resampler resampler);
VIT_API const char *vit_filter_name(vit_filter filter);
VIT_API const char *vit_output_name(vit_output output);

/* Reads "cls" or "hidden:11" as an output and its layer; *layer is 0 where the name has none. Answers 1, or 0: there is
 * no such output. */
VIT_API int vit_output_parse(const char *name, vit_output *output, size_t *layer);

/* A classifier that takes the place of a model's own: logits = weight x + bias, where x is an output of the model. */
typedef struct vit_head {
    const float *weight;       /* [classes][the output's size] */
    const float *bias;         /* [classes] */
    const char *const *labels; /* [classes] */
    size_t classes;
    vit_output output;    /* VIT_OUTPUT_EMBEDDING, CLASS, MEAN, POOLER or CLASS_MEAN */
    int normalize;        /* 1: x is divided by its length */
    const char *fit;      /* the metadata "fit", JSON that says how the classifier was made; NULL: none */
    uint64_t reserved[4]; /* zero */
} vit_head;

/* Writes the image tower of a model with another classifier, as vit_model_pack does. The strings and numbers of *head
 * are the caller's. VIT_ERR_UNSUPPORTED_OUTPUT: the model has no such output, or a classifier cannot read it. */
VIT_API vit_status vit_model_pack_head(const vit_model *image, const vit_head *head, const vit_sink *sink,
                                       vit_error *err);

typedef struct vit_session vit_session;

/* How many threads the affinity mask and the cgroup quota let run at once: on a machine of 8 processors with a quota of
 * 2, it is 2. At least 1. A session whose options say 0 threads has so many. The call reads files. */
VIT_API unsigned vit_usable_threads(void);

typedef struct vit_session_options {
    /* 0 = as many as the affinity mask and the cgroup quota give. With 32 on 2 processors, 2 threads work: more would
     * take turns, and wait for each other. */
    unsigned threads;
    /* Images that are encoded at the same time; 0 = 1. With 8 and 4 threads, 4 images are encoded at the same time, one
     * by each thread, and memory is taken for 4. A call with more images is split. */
    size_t max_batch;
    uint64_t reserved[4]; /* zero */
} vit_session_options;

/* Scratch memory and threads for one caller; encoding allocates nothing more. options may be NULL. The model must
 * outlive the session.
 *
 * A session of a model in bf16 or int8 uses the matrix unit of an Intel processor with AMX. For that it asks Linux for
 * permission, which holds for the whole process and its children, and has one side effect: from then on the process
 * cannot set an alternate signal stack (sigaltstack) of less than getauxval(AT_MINSIGSTKSZ) bytes, about 12,000. Where
 * Linux refuses, the session multiplies without the unit. VIT_CPU=avx512_bf16 keeps a session from asking. */
VIT_API vit_status vit_session_create(const vit_model *model, const vit_session_options *options, vit_session **session,
                                      vit_error *err);
VIT_API void vit_session_free(vit_session *session);

/* Facts about a session: 0 or NULL where session is NULL. Strings live as long as the session. */
VIT_API unsigned vit_session_threads(const vit_session *session);    /* of its options, or what 0 stood for */
VIT_API const char *vit_session_kernels(const vit_session *session); /* "c", "avx2", "avx512" */

/* What is left out on this processor, though it has the instructions for it, since it gave other results than plain C
 * when the first session was made: "softmax with the instructions avx512 gives other results on this processor than
 * plain C". NULL: nothing. Static storage. */
VIT_API const char *vit_left_out(void);

/* What multiplies the matrices of the blocks. "tiles/avx512_vnni": the library's own loops
 * and their instructions ("tiles/c" on a processor without AVX2, "tiles/amx" on one with
 * a matrix unit, "tiles/amx_in_c" where VIT_CPU=amx asks for such a unit and there is none).
 * "streamed": the same loops, for a model that was opened for one call. The environment
 * variable VIT_CPU forces others (vit(1)). */
VIT_API const char *vit_session_multiplier(const vit_session *session);

/* Whether libvit heeds the environment variable "VIT_CPU". VIT_OK: it does, or the
 * variable is empty or not set. VIT_ERR_INVALID_ARGUMENT: its value means nothing, or cannot be had
 * on this machine, and so changes nothing; the message lists the values that there are, or says
 * what is used. With VIT_CPU=avx on a processor that has AVX2: "'avx' is not one of c, avx2,
 * avx_vnni, avx512, avx512_vnni, avx512_bf16, amx: avx2 is used, the most that this processor has". */
VIT_API vit_status vit_check_environment(const char *variable, vit_error *err);

/* Encodes n images: pixels[n][3][height][width] -> result[n][rows * columns]. The result for an image is the
 * same, bit for bit, whatever n, max_batch and threads are. VIT_ERR_NON_FINITE: some result holds NaN or
 * infinity; where says which image. */
VIT_API vit_status vit_encode(vit_session *session, const float *pixels, size_t n, vit_output output, float *result,
                              vit_error *err);

/* Encodes n texts of a model opened with VIT_TOWER_TEXT: ids[n][length] -> result[n][rows * columns], where for
 * the outputs that have T rows or columns T is `length`. length is 1 to vit_model_context; texts are padded as
 * their tokenizer does. VIT_ERR_INVALID_ARGUMENT: an id is not in the vocabulary. Otherwise as vit_encode. */
VIT_API vit_status vit_encode_text(vit_session *session, const int32_t *ids, size_t n, size_t length, vit_output output,
                                   float *result, vit_error *err);

/* Several outputs of one forward pass: requests[n_requests]. Where n is 0, every result may be
 * NULL. */
typedef struct vit_request {
    vit_output output;
    size_t layer;  /* for VIT_OUTPUT_HIDDEN and VIT_OUTPUT_ATTENTION */
    float *result; /* [n][rows * columns], the caller's */
} vit_request;

VIT_API vit_status vit_encode_requests(vit_session *session, const float *pixels, size_t n, const vit_request *requests,
                                       size_t n_requests, vit_error *err);

/* The pixels of one picture, values[3][height][width], as vit_preprocess makes them in the size that
 * vit_preprocess_shape tells. */
typedef struct vit_pixels {
    const float *values;
    uint32_t width, height;
} vit_pixels;

/* Encodes n pictures, each with its own size and memory. A model of one size takes pictures of this size alone. A model
 * with vit_model_patches of 256 and patches of 16 x 16 takes pictures of 256 x 256, 1024 x 64 and 16 x 16 pixels in one
 * call, and the result for each is the same, bit for bit, as alone. Otherwise as vit_encode_requests. */
VIT_API vit_status vit_encode_pictures(vit_session *session, const vit_pixels *pictures, size_t n,
                                       const vit_request *requests, size_t n_requests, vit_error *err);

VIT_API vit_status vit_encode_text_requests(vit_session *session, const int32_t *ids, size_t n, size_t length,
                                            const vit_request *requests, size_t n_requests, vit_error *err);

/* c[n_a][n_b]: the product of each row of a[n_a][columns] with each row of b[n_b][columns]. Where rows have length 1,
 * the products are cosines. The call works on the caller's thread, and several threads may call at once. The first call
 * loads OpenBLAS; where OpenBLAS is not installed, a plain loop multiplies, which is slower. Sums are of f32, and their
 * last bits may depend on n_a and n_b. Does nothing where a, b or c is NULL. */
VIT_API void vit_products(const float *a, size_t n_a, const float *b, size_t n_b, size_t columns, float *c);

/* Indices of the k largest of n scores, the largest first: of the scores 0.1, 0.7, 0.2 and k 2 the indices 1 and 2.
 * Equal scores are in the order of their indices; NaN comes after all numbers. At most n indices are written, whatever
 * k is. Does nothing where scores or indices is NULL. */
VIT_API void vit_top_k(const float *scores, size_t n, size_t k, size_t *indices);

#ifdef __cplusplus
}
#endif
#endif
