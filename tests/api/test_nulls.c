/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every public function with NULL in the place of each of its arguments, one at a time: nothing
 * crashes, and a function that returns vit_status says which argument it is. `test_nulls --list`
 * prints the functions that are tested. test_exported.sh compares them with what the shared
 * libraries export, so that a new function is not forgotten.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "vit/hub.h"
#include "vit/limits.h"
#include "vit/tensors.h"
#include "vit/text.h"

#define EMBEDDING VIT_OUTPUT_EMBEDDING

/* Valid arguments, to stand beside the one that is NULL. */
static struct {
    vit_model *model, *words;
    vit_session *session, *word_session;
    const vit_preprocessor *rules;
    vit_tensor_file *file;
    vit_tokenizer *tokenizer;
    vit_image image;
    float *pixels, *vector;
} valid;

static int open_all(void **state)
{
    (void)state;
    const char *folder = data_path("golden/hf_clip");
    const vit_model_options words = {.tower = VIT_TOWER_TEXT};
    vit_error err = {0};
    vit_model_open(folder, NULL, &valid.model, &err);
    vit_model_open(folder, &words, &valid.words, &err);
    vit_session_create(valid.model, NULL, &valid.session, &err);
    vit_session_create(valid.words, NULL, &valid.word_session, &err);
    vit_tensor_file_open(data_path("golden/hf_clip/expected.safetensors"), &valid.file, &err);
    vit_tokenizer_open(data_path("text/gemma_bpe"), NULL, &valid.tokenizer, &err);
    vit_image_alloc(5, 4, &valid.image, &err);
    assert_ok(err.status, err);
    memset(valid.image.pixels, 7, 5 * 4 * 3);
    valid.rules = vit_model_preprocessor(valid.model);
    valid.pixels = calloc(vit_model_pixels_size(valid.model), sizeof *valid.pixels);
    valid.vector = calloc(vit_output_size(valid.model, EMBEDDING, 0), sizeof *valid.vector);
    assert_true(valid.rules && valid.pixels && valid.vector);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    free(valid.pixels);
    free(valid.vector);
    vit_image_free(&valid.image);
    vit_tokenizer_free(valid.tokenizer);
    vit_tensor_file_free(valid.file);
    vit_session_free(valid.word_session);
    vit_session_free(valid.session);
    vit_model_free(valid.words);
    vit_model_free(valid.model);
    return 0;
}

/* ------------------------------------------------------------------ what is expected ---- */

static void assert_refused(vit_status status, const vit_error *err, const char *function, const char *argument)
{
    bool named = strncmp(err->message, argument, strlen(argument)) == 0 && strcmp(err->where, function) == 0;
    if (status != VIT_ERR_INVALID_ARGUMENT || err->status != VIT_ERR_INVALID_ARGUMENT || !named)
        fail_msg("%s without %s: %s, %s: %s", function, argument, vit_status_name(status), err->where, err->message);
}

/* The call is refused, and its message starts with the argument; the call is refused without a place
 * for the message too; and an earlier error stays. The last argument, err, is added here. */
#define REFUSES(function, argument, ...)                                                                               \
    do {                                                                                                               \
        vit_error said = {0}, earlier = {VIT_ERR_CORRUPT, "the first", "there"};                                       \
        assert_refused(function(__VA_ARGS__, &said), &said, #function, argument);                                      \
        assert_int_equal(function(__VA_ARGS__, NULL), VIT_ERR_INVALID_ARGUMENT);                                       \
        assert_int_equal(function(__VA_ARGS__, &earlier), VIT_ERR_INVALID_ARGUMENT);                                   \
        assert_int_equal(earlier.status, VIT_ERR_CORRUPT);                                                             \
        assert_string_equal(earlier.message, "the first");                                                             \
    } while (0)

/* Here NULL has a meaning. */
#define TAKES(function, ...)                                                                                           \
    do {                                                                                                               \
        vit_error said = {0};                                                                                          \
        assert_ok(function(__VA_ARGS__, &said), said);                                                                 \
    } while (0)

#define NULLS(function) static void nulls_of_##function(void **state)
/* clang-format off */
#define ROW(function) {#function, nulls_of_##function, NULL, NULL, NULL}
/* clang-format on */

/* A function of one pointer, and what it does with NULL. */
#define NULLS_ARE(function, what)                                                                                      \
    NULLS(function)                                                                                                    \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        what;                                                                                                          \
    }

/* ------------------------------------------------------------------ errors, memory, images ---- */

NULLS_ARE(vit_usable_threads, assert_in_range(vit_usable_threads(), 1, 1u << 16))
NULLS_ARE(vit_version, assert_non_null(vit_version()))
NULLS_ARE(vit_status_name, assert_string_equal(vit_status_name((vit_status)-1), "unknown"))
NULLS_ARE(vit_free, vit_free(NULL))
NULLS_ARE(vit_image_free, vit_image_free(NULL))

NULLS(vit_error_set)
{
    (void)state;
    /* A pointer that knows nothing of formats: the compiler refuses a format that it sees is NULL. */
    vit_status (*set)(vit_error *, vit_status, const char *, const char *, ...) = vit_error_set;
    vit_error err = {0};
    assert_int_equal(vit_error_set(NULL, VIT_ERR_CORRUPT, "where", "%s", "text"), VIT_ERR_CORRUPT);
    assert_int_equal(set(NULL, VIT_ERR_CORRUPT, NULL, NULL), VIT_ERR_CORRUPT);
    assert_int_equal(set(&err, VIT_ERR_CORRUPT, NULL, NULL), VIT_ERR_CORRUPT);
    assert_int_equal(err.status, VIT_ERR_CORRUPT);
    assert_string_equal(err.where, "");
    assert_string_equal(err.message, "corrupt");
}

NULLS(vit_check_environment)
{
    (void)state;
    REFUSES(vit_check_environment, "variable", NULL);
    TAKES(vit_check_environment, "NO_SUCH_VARIABLE");
}

NULLS(vit_catch_sigbus)
{
    (void)state;
    assert_int_equal(vit_catch_sigbus(NULL), VIT_OK);
}

NULLS(vit_left_out)
{
    (void)state;
    assert_null(vit_left_out());
}

NULLS(vit_limit_at)
{
    (void)state;
    assert_non_null(vit_limit_at(0));
}

NULLS(vit_image_alloc)
{
    (void)state;
    vit_image image = valid.image;
    REFUSES(vit_image_alloc, "image", 1, 1, NULL);
    REFUSES(vit_image_alloc, "width", 0, 1, &image);
    REFUSES(vit_image_alloc, "height", 1, 0, &image);
    assert_null(image.pixels);
    assert_int_equal(vit_image_alloc(UINT32_MAX, UINT32_MAX, &image, NULL), VIT_ERR_OUT_OF_MEMORY);
    assert_null(image.pixels);
}

NULLS(vit_image_resize)
{
    (void)state;
    const vit_image bare = {5, 4, NULL};
    vit_image empty = {0}, *image = &valid.image;
    REFUSES(vit_image_resize, "src", NULL, image, VIT_FILTER_BOX, VIT_RESAMPLER_PILLOW);
    REFUSES(vit_image_resize, "src", &bare, image, VIT_FILTER_BOX, VIT_RESAMPLER_PILLOW);
    REFUSES(vit_image_resize, "dst", image, NULL, VIT_FILTER_BOX, VIT_RESAMPLER_PILLOW);
    REFUSES(vit_image_resize, "dst", image, &empty, VIT_FILTER_BOX, VIT_RESAMPLER_PILLOW);
}

NULLS(vit_image_decode)
{
    (void)state;
    static const char pnm[] = "P6 1 1 255 abc";
    vit_image image = valid.image;
    REFUSES(vit_image_decode, "bytes", NULL, 9, "name", NULL, &image);
    assert_null(image.pixels);
    REFUSES(vit_image_decode, "image", pnm, strlen(pnm), "name", NULL, NULL);
    REFUSES(vit_image_decode, "image", NULL, 0, NULL, NULL, NULL);
    assert_int_equal(vit_image_decode(NULL, 0, NULL, NULL, &image, NULL), VIT_ERR_UNSUPPORTED_FORMAT);
    TAKES(vit_image_decode, pnm, strlen(pnm), NULL, NULL, &image);
    vit_image_free(&image);
}

NULLS(vit_picture_decode)
{
    (void)state;
    static const char pnm[] = "P6 1 1 255 abc";
    vit_picture picture = {.image = valid.image};
    REFUSES(vit_picture_decode, "bytes", NULL, 9, "name", NULL, &picture);
    assert_null(picture.image.pixels);
    REFUSES(vit_picture_decode, "picture", pnm, strlen(pnm), "name", NULL, NULL);
    TAKES(vit_picture_decode, pnm, strlen(pnm), NULL, NULL, &picture);
    vit_image_free(&picture.image);
}

NULLS(vit_picture_measure)
{
    (void)state;
    static const char pnm[] = "P6 3 2 255 ";
    vit_picture picture = {.image = valid.image};
    REFUSES(vit_picture_measure, "bytes", NULL, 9, "name", NULL, &picture);
    assert_null(picture.image.pixels);
    REFUSES(vit_picture_measure, "picture", pnm, strlen(pnm), "name", NULL, NULL);
    TAKES(vit_picture_measure, pnm, strlen(pnm), NULL, NULL, &picture);
    assert_null(picture.image.pixels);
    assert_int_equal(picture.stored_width, 3);
    assert_int_equal(picture.stored_height, 2);
}

NULLS(vit_picture_load)
{
    (void)state;
    vit_picture picture = {.image = valid.image};
    REFUSES(vit_picture_load, "path", NULL, NULL, &picture);
    assert_null(picture.image.pixels);
    REFUSES(vit_picture_load, "picture", data_path("golden/hf_clip/image.png"), NULL, NULL);
    TAKES(vit_picture_load, data_path("golden/hf_clip/image.png"), NULL, &picture);
    vit_image_free(&picture.image);
}

NULLS(vit_image_load)
{
    (void)state;
    vit_image image = valid.image;
    REFUSES(vit_image_load, "path", NULL, NULL, &image);
    assert_null(image.pixels);
    REFUSES(vit_image_load, "image", data_path("golden/hf_clip/image.png"), NULL, NULL);
    TAKES(vit_image_load, data_path("golden/hf_clip/image.png"), NULL, &image);
    vit_image_free(&image);
}

NULLS(vit_image_encode_png)
{
    (void)state;
    const vit_image bare = {5, 4, NULL};
    void *bytes = &valid;
    size_t size = 1;
    REFUSES(vit_image_encode_png, "image", NULL, &bytes, &size);
    assert_null(bytes);
    REFUSES(vit_image_encode_png, "image", &bare, &bytes, &size);
    REFUSES(vit_image_encode_png, "bytes", &valid.image, NULL, &size);
    REFUSES(vit_image_encode_png, "size", &valid.image, &bytes, NULL);
    assert_true(bytes == NULL && size == 0);
}

NULLS(vit_image_encode_jpeg)
{
    (void)state;
    const vit_image bare = {5, 4, NULL};
    void *bytes = &valid;
    size_t size = 1;
    REFUSES(vit_image_encode_jpeg, "image", NULL, 80, &bytes, &size);
    assert_null(bytes);
    REFUSES(vit_image_encode_jpeg, "image", &bare, 80, &bytes, &size);
    REFUSES(vit_image_encode_jpeg, "bytes", &valid.image, 80, NULL, &size);
    REFUSES(vit_image_encode_jpeg, "size", &valid.image, 80, &bytes, NULL);
    assert_true(bytes == NULL && size == 0);
}

NULLS(vit_file_read)
{
    (void)state;
    void *bytes = &valid;
    size_t size = 1;
    REFUSES(vit_file_read, "path", NULL, 0, &bytes, &size);
    assert_true(bytes == NULL && size == 0);
    REFUSES(vit_file_read, "bytes", "x", 0, NULL, &size);
    REFUSES(vit_file_read, "size", "x", 0, &bytes, NULL);
}

NULLS(vit_descriptor_read)
{
    (void)state;
    void *bytes = &valid;
    size_t size = 1;
    REFUSES(vit_descriptor_read, "bytes", 0, "name", 0, NULL, &size);
    assert_int_equal(size, 0);
    REFUSES(vit_descriptor_read, "size", 0, "name", 0, &bytes, NULL);
    assert_null(bytes);
    assert_int_equal(vit_descriptor_read(-1, NULL, 0, &bytes, &size, NULL), VIT_ERR_UNREADABLE);
}

/* ------------------------------------------------------------------ preprocessing ---- */

NULLS_ARE(vit_preprocessor_free, vit_preprocessor_free(NULL))
NULLS_ARE(vit_preprocessor_describe, assert_null(vit_preprocessor_describe(NULL)))

NULLS(vit_preprocessor_open)
{
    (void)state;
    vit_preprocessor *rules = (vit_preprocessor *)&valid;
    REFUSES(vit_preprocessor_open, "path", NULL, &rules);
    assert_null(rules);
    REFUSES(vit_preprocessor_open, "preprocessor", data_path("golden/hf_clip"), NULL);
}

NULLS(vit_preprocess_shape)
{
    (void)state;
    uint32_t width = 1, height = 1;
    REFUSES(vit_preprocess_shape, "preprocessor", NULL, 5, 4, NULL, &width, &height);
    assert_true(width == 0 && height == 0);
    REFUSES(vit_preprocess_shape, "out_width", valid.rules, 5, 4, NULL, NULL, &height);
    REFUSES(vit_preprocess_shape, "out_height", valid.rules, 5, 4, NULL, &width, NULL);
    TAKES(vit_preprocess_shape, valid.rules, 5, 4, NULL, &width, &height);
    assert_int_equal(vit_preprocess_shape(valid.rules, 0, 4, NULL, &width, &height, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_preprocess_shape(valid.rules, 5, 0, NULL, &width, &height, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_true(width == 0 && height == 0);
}

NULLS(vit_preprocess_region)
{
    (void)state;
    vit_region region = {1, 1, 1, 1};
    REFUSES(vit_preprocess_region, "preprocessor", NULL, 5, 4, NULL, &region);
    assert_true(region.width == 0 && region.height == 0);
    REFUSES(vit_preprocess_region, "region", valid.rules, 5, 4, NULL, NULL);
    TAKES(vit_preprocess_region, valid.rules, 5, 4, NULL, &region);
    assert_int_equal(vit_preprocess_region(valid.rules, 0, 4, NULL, &region, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_true(region.width == 0 && region.height == 0);
}

NULLS(vit_preprocess_check)
{
    (void)state;
    REFUSES(vit_preprocess_check, "preprocessor", NULL, NULL);
    TAKES(vit_preprocess_check, valid.rules, NULL);
}

NULLS(vit_preprocess_target)
{
    (void)state;
    uint32_t width = 1, height = 1;
    REFUSES(vit_preprocess_target, "preprocessor", NULL, NULL, &width, &height);
    assert_true(width == 0 && height == 0);
    REFUSES(vit_preprocess_target, "out_width", valid.rules, NULL, NULL, &height);
    REFUSES(vit_preprocess_target, "out_height", valid.rules, NULL, &width, NULL);
    TAKES(vit_preprocess_target, valid.rules, NULL, &width, &height);
}

NULLS(vit_preprocess)
{
    (void)state;
    const vit_image bare = {5, 4, NULL};
    REFUSES(vit_preprocess, "preprocessor", NULL, &valid.image, NULL, valid.pixels);
    REFUSES(vit_preprocess, "image", valid.rules, NULL, NULL, valid.pixels);
    REFUSES(vit_preprocess, "image", valid.rules, &bare, NULL, valid.pixels);
    REFUSES(vit_preprocess, "pixels", valid.rules, &valid.image, NULL, NULL);
    TAKES(vit_preprocess, valid.rules, &valid.image, NULL, valid.pixels);
}

NULLS(vit_preprocess_resized)
{
    (void)state;
    const vit_image bare = {5, 4, NULL};
    vit_image out = valid.image;
    REFUSES(vit_preprocess_resized, "preprocessor", NULL, &valid.image, NULL, &out);
    assert_null(out.pixels);
    REFUSES(vit_preprocess_resized, "image", valid.rules, NULL, NULL, &out);
    REFUSES(vit_preprocess_resized, "image", valid.rules, &bare, NULL, &out);
    REFUSES(vit_preprocess_resized, "resized", valid.rules, &valid.image, NULL, NULL);
    TAKES(vit_preprocess_resized, valid.rules, &valid.image, NULL, &out);
    vit_image_free(&out);
}

NULLS(vit_preprocessor_digest)
{
    (void)state;
    char hex[65] = "x";
    REFUSES(vit_preprocessor_digest, "preprocessor", NULL, hex);
    assert_string_equal(hex, "");
    REFUSES(vit_preprocessor_digest, "hex", valid.rules, NULL);
}

/* ------------------------------------------------------------------ models ---- */

NULLS_ARE(vit_model_free, vit_model_free(NULL))
NULLS_ARE(vit_model_depth, assert_int_equal(vit_model_depth(NULL), 0))
NULLS_ARE(vit_model_width, assert_int_equal(vit_model_width(NULL), 0))
NULLS_ARE(vit_model_heads, assert_int_equal(vit_model_heads(NULL), 0))
NULLS_ARE(vit_model_family, assert_null(vit_model_family(NULL)))
NULLS_ARE(vit_model_precision, assert_int_equal(vit_model_precision(NULL), 0))
NULLS_ARE(vit_model_image_width, assert_int_equal(vit_model_image_width(NULL), 0))
NULLS_ARE(vit_model_image_height, assert_int_equal(vit_model_image_height(NULL), 0))
NULLS_ARE(vit_model_patches, assert_int_equal(vit_model_patches(NULL), 0))
NULLS_ARE(vit_model_pixels_size, assert_int_equal(vit_model_pixels_size(NULL), 0))
NULLS_ARE(vit_model_context, assert_int_equal(vit_model_context(NULL), 0))
NULLS_ARE(vit_model_classes, assert_int_equal(vit_model_classes(NULL), 0))
NULLS_ARE(vit_model_regression, assert_int_equal(vit_model_regression(NULL), 0))
NULLS_ARE(vit_model_multi_label, assert_int_equal(vit_model_multi_label(NULL), 0))
NULLS_ARE(vit_model_label, assert_null(vit_model_label(NULL, 0)))
NULLS_ARE(vit_model_flops, assert_true(vit_model_flops(NULL) == 0))
/* Names of values, which take no pointer: what is no value has none. */
NULLS_ARE(vit_precision_name, assert_null(vit_precision_name((vit_precision)99)))
NULLS_ARE(vit_resampler_name, assert_null(vit_resampler_name((vit_resampler)99)))
NULLS_ARE(vit_filter_name, assert_null(vit_filter_name((vit_filter)99)))
NULLS_ARE(vit_output_name, assert_null(vit_output_name((vit_output)99)))
NULLS_ARE(vit_image_format_of, assert_null(vit_image_format_of(NULL, 9, NULL)))
NULLS_ARE(vit_image_format, assert_null(vit_image_format(99)))
NULLS_ARE(vit_exif_name, assert_null(vit_exif_name((vit_exif)99)))

NULLS(vit_output_parse)
{
    (void)state;
    vit_output output;
    size_t layer;
    assert_int_equal(vit_output_parse(NULL, &output, &layer), 0);
    assert_int_equal(vit_output_parse("cls", NULL, &layer), 0);
    assert_int_equal(vit_output_parse("cls", &output, NULL), 0);
    assert_int_equal(vit_output_parse("hidden:", &output, &layer), 0);
    assert_int_equal(vit_output_parse("hidden:11", &output, &layer), 1);
    assert_true(output == VIT_OUTPUT_HIDDEN && layer == 11);
}

NULLS_ARE(vit_model_file, assert_null(vit_model_file(NULL, 0)))
NULLS_ARE(vit_model_preprocessor, assert_null(vit_model_preprocessor(NULL)))
NULLS_ARE(vit_model_describe, assert_null(vit_model_describe(NULL)))
NULLS_ARE(vit_output_size, assert_int_equal(vit_output_size(NULL, EMBEDDING, 0), 0))

NULLS(vit_model_open)
{
    (void)state;
    vit_model *model = (vit_model *)&valid;
    REFUSES(vit_model_open, "path", NULL, NULL, &model);
    assert_null(model);
    REFUSES(vit_model_open, "model", data_path("golden/hf_clip"), NULL, NULL);
}

NULLS(vit_model_folder)
{
    (void)state;
    char *folder = (char *)&valid;
    REFUSES(vit_model_folder, "path", NULL, &folder);
    assert_null(folder);
    REFUSES(vit_model_folder, "folder", data_path("golden/hf_clip"), NULL);
}

NULLS(vit_model_grid)
{
    (void)state;
    const vit_grid none = {0};
    vit_grid grid = vit_model_grid(NULL);
    assert_memory_equal(&grid, &none, sizeof grid);
}

NULLS(vit_model_similarity)
{
    (void)state;
    vit_similarity similarity = {1, 1, 1};
    REFUSES(vit_model_similarity, "model", NULL, &similarity);
    assert_true(similarity.scale == 0 && similarity.bias == 0 && similarity.sigmoid == 0);
    REFUSES(vit_model_similarity, "similarity", valid.model, NULL);
}

NULLS(vit_model_check)
{
    (void)state;
    REFUSES(vit_model_check, "model", NULL);
    TAKES(vit_model_check, valid.model);
}

NULLS(vit_model_digest)
{
    (void)state;
    char hex[65] = "x";
    REFUSES(vit_model_digest, "model", NULL, hex);
    assert_string_equal(hex, "");
    REFUSES(vit_model_digest, "hex", valid.model, NULL);
}

static int write_nothing(void *context, const void *bytes, size_t size)
{
    (void)context;
    (void)bytes;
    (void)size;
    return 0;
}

NULLS(vit_model_pack)
{
    (void)state;
    const vit_sink nowhere = {0}, sink = {.write = write_nothing};
    REFUSES(vit_model_pack, "image", NULL, NULL, &sink);
    REFUSES(vit_model_pack, "sink", valid.model, valid.words, NULL);
    REFUSES(vit_model_pack, "sink->write", valid.model, valid.words, &nowhere);
    TAKES(vit_model_pack, valid.model, NULL, &sink);
    TAKES(vit_model_pack, NULL, valid.words, &sink);
}

NULLS(vit_model_pack_head)
{
    (void)state;
    static float numbers[65536];
    const char *const labels[] = {"a", "b"};
    const vit_sink sink = {.write = write_nothing};
    const vit_head empty = {.classes = 2};
    const vit_head head = {.weight = numbers, .bias = numbers, .labels = labels, .classes = 2};
    REFUSES(vit_model_pack_head, "image", NULL, &head, &sink);
    REFUSES(vit_model_pack_head, "head", valid.model, NULL, &sink);
    REFUSES(vit_model_pack_head, "head->weight", valid.model, &empty, &sink);
    REFUSES(vit_model_pack_head, "sink", valid.model, &head, NULL);
    TAKES(vit_model_pack_head, valid.model, &head, &sink);
}

NULLS(vit_output_shape)
{
    (void)state;
    size_t shape[2] = {1, 1};
    REFUSES(vit_output_shape, "model", NULL, EMBEDDING, 0, shape);
    assert_true(shape[0] == 0 && shape[1] == 0);
    REFUSES(vit_output_shape, "shape", valid.model, EMBEDDING, 0, NULL);
}

/* ------------------------------------------------------------------ the hub ---- */

NULLS_ARE(vit_hub_snapshot_free, vit_hub_snapshot_free(NULL))

NULLS(vit_hub_pull)
{
    (void)state;
    const vit_hub_options none = {.n_include = 1};
    vit_hub_snapshot *snapshot = (vit_hub_snapshot *)&valid;
    REFUSES(vit_hub_pull, "name", NULL, NULL, &snapshot);
    assert_null(snapshot);
    REFUSES(vit_hub_pull, "snapshot", "a/b", NULL, NULL);
    REFUSES(vit_hub_pull, "options->include", "a/b", &none, &snapshot);
    assert_int_equal(vit_hub_pull("no id", NULL, &snapshot, NULL), VIT_ERR_INVALID_ARGUMENT);
}

NULLS(vit_hub_find)
{
    (void)state;
    const vit_hub_options nowhere = {.cache = "/nowhere"};
    vit_hub_snapshot *snapshot = (vit_hub_snapshot *)&valid;
    REFUSES(vit_hub_find, "name", NULL, &nowhere, &snapshot);
    assert_null(snapshot);
    REFUSES(vit_hub_find, "snapshot", "a/b", &nowhere, NULL);
    assert_int_equal(vit_hub_find("a/b", &nowhere, &snapshot, NULL), VIT_ERR_NOT_FOUND);
}

/* ------------------------------------------------------------------ tensors of a file ---- */

NULLS_ARE(vit_tensor_file_free, vit_tensor_file_free(NULL))

NULLS(vit_tensor_file_open)
{
    (void)state;
    vit_tensor_file *file = (vit_tensor_file *)&valid;
    REFUSES(vit_tensor_file_open, "path", NULL, &file);
    assert_null(file);
    REFUSES(vit_tensor_file_open, "file", data_path("golden/hf_clip/expected.safetensors"), NULL);
}

NULLS(vit_tensor_file_get)
{
    (void)state;
    vit_tensor tensor = {.name = "x", .elements = 1};
    assert_int_equal(vit_tensor_file_get(NULL, 0, &tensor), 0);
    assert_true(tensor.name == NULL && tensor.elements == 0);
    assert_int_equal(vit_tensor_file_get(valid.file, 0, NULL), 0);
}

NULLS(vit_tensor_file_find)
{
    (void)state;
    vit_tensor tensor = {.name = "x", .elements = 1};
    assert_int_equal(vit_tensor_file_find(NULL, "pixel_values", &tensor), 0);
    assert_true(tensor.name == NULL && tensor.elements == 0);
    tensor.name = "x";
    assert_int_equal(vit_tensor_file_find(valid.file, NULL, &tensor), 0);
    assert_null(tensor.name);
    assert_int_equal(vit_tensor_file_find(valid.file, "pixel_values", NULL), 0);
}

NULLS(vit_tensor_file_floats)
{
    (void)state;
    REFUSES(vit_tensor_file_floats, "file", NULL, "pixel_values", valid.pixels);
    REFUSES(vit_tensor_file_floats, "name", valid.file, NULL, valid.pixels);
    REFUSES(vit_tensor_file_floats, "values", valid.file, "pixel_values", NULL);
}

NULLS(vit_tensor_file_integers)
{
    (void)state;
    int32_t ids[64];
    REFUSES(vit_tensor_file_integers, "file", NULL, "input_ids", ids);
    REFUSES(vit_tensor_file_integers, "name", valid.file, NULL, ids);
    REFUSES(vit_tensor_file_integers, "values", valid.file, "input_ids", NULL);
}

/* ------------------------------------------------------------------ encoding ---- */

NULLS_ARE(vit_session_free, vit_session_free(NULL))
NULLS_ARE(vit_session_threads, assert_int_equal(vit_session_threads(NULL), 0))
NULLS_ARE(vit_session_kernels, assert_null(vit_session_kernels(NULL)))
NULLS_ARE(vit_session_multiplier, assert_null(vit_session_multiplier(NULL)))

NULLS(vit_session_create)
{
    (void)state;
    vit_session *session = (vit_session *)&valid;
    REFUSES(vit_session_create, "model", NULL, NULL, &session);
    assert_null(session);
    REFUSES(vit_session_create, "session", valid.model, NULL, NULL);
}

/* As many images that the pixels still fit, and tokens, of which there are more, do not. */
static size_t too_many(size_t fitting)
{
    return SIZE_MAX / sizeof(float) / fitting;
}

NULLS(vit_encode)
{
    (void)state;
    vit_session *s = valid.session;
    REFUSES(vit_encode, "session", NULL, valid.pixels, 1, EMBEDDING, valid.vector);
    REFUSES(vit_encode, "session", NULL, NULL, 0, EMBEDDING, NULL);
    REFUSES(vit_encode, "pixels", s, NULL, 1, EMBEDDING, valid.vector);
    REFUSES(vit_encode, "result", s, valid.pixels, 1, EMBEDDING, NULL);
    REFUSES(vit_encode, "n is", s, valid.pixels, SIZE_MAX, EMBEDDING, valid.vector);
    REFUSES(vit_encode, "n is", s, valid.pixels, SIZE_MAX / vit_model_pixels_size(valid.model), EMBEDDING,
            valid.vector);
    TAKES(vit_encode, s, NULL, 0, EMBEDDING, NULL);
    TAKES(vit_encode, s, valid.pixels, 1, EMBEDDING, valid.vector);
}

NULLS(vit_encode_pictures)
{
    (void)state;
    vit_session *s = valid.session;
    const vit_request one = {EMBEDDING, 0, valid.vector};
    const vit_pixels picture = {valid.pixels, vit_model_image_width(valid.model), vit_model_image_height(valid.model)};
    REFUSES(vit_encode_pictures, "session", NULL, &picture, 1, &one, 1);
    REFUSES(vit_encode_pictures, "pictures", s, NULL, 1, &one, 1);
    REFUSES(vit_encode_pictures, "requests is", s, &picture, 1, NULL, 1);
    REFUSES(vit_encode_pictures, "n is", s, &picture, SIZE_MAX, &one, 1);
    TAKES(vit_encode_pictures, s, NULL, 0, NULL, 0);
    TAKES(vit_encode_pictures, s, &picture, 1, &one, 1);
}

NULLS(vit_encode_requests)
{
    (void)state;
    vit_session *s = valid.session;
    const vit_request one = {EMBEDDING, 0, valid.vector};
    const vit_request two[] = {{EMBEDDING, 0, valid.vector}, {EMBEDDING, 0, NULL}};
    REFUSES(vit_encode_requests, "session", NULL, valid.pixels, 1, &one, 1);
    REFUSES(vit_encode_requests, "pixels", s, NULL, 1, &one, 1);
    REFUSES(vit_encode_requests, "requests is", s, valid.pixels, 1, NULL, 1);
    REFUSES(vit_encode_requests, "requests is", s, NULL, 0, NULL, 1);
    REFUSES(vit_encode_requests, "requests[1].result", s, valid.pixels, 1, two, 2);
    REFUSES(vit_encode_requests, "n is", s, valid.pixels, SIZE_MAX, &one, 1);
    TAKES(vit_encode_requests, s, NULL, 0, two, 2);
    TAKES(vit_encode_requests, s, NULL, 0, NULL, 0);
    TAKES(vit_encode_requests, s, valid.pixels, 1, NULL, 0);
    TAKES(vit_encode_requests, s, valid.pixels, 1, &one, 1);
}

NULLS(vit_encode_text)
{
    (void)state;
    const int32_t ids[2] = {1, 2};
    float *vector = valid.vector;
    vit_session *s = valid.word_session;
    REFUSES(vit_encode_text, "session", NULL, ids, 1, 2, EMBEDDING, vector);
    REFUSES(vit_encode_text, "ids", s, NULL, 1, 2, EMBEDDING, vector);
    REFUSES(vit_encode_text, "result", s, ids, 1, 2, EMBEDDING, NULL);
    REFUSES(vit_encode_text, "n is", s, ids, SIZE_MAX, 2, EMBEDDING, vector);
    REFUSES(vit_encode_text, "n is", s, ids, too_many(2), 2, VIT_OUTPUT_TOKENS, vector);
    TAKES(vit_encode_text, s, NULL, 0, 2, EMBEDDING, NULL);
    TAKES(vit_encode_text, s, ids, 1, 2, EMBEDDING, vector);
}

NULLS(vit_encode_text_requests)
{
    (void)state;
    const int32_t ids[2] = {1, 2};
    vit_session *s = valid.word_session;
    const vit_request one = {EMBEDDING, 0, valid.vector}, none = {EMBEDDING, 0, NULL};
    const vit_request tokens = {VIT_OUTPUT_TOKENS, 0, valid.vector};
    REFUSES(vit_encode_text_requests, "session", NULL, ids, 1, 2, &one, 1);
    REFUSES(vit_encode_text_requests, "ids", s, NULL, 1, 2, &one, 1);
    REFUSES(vit_encode_text_requests, "requests is", s, ids, 1, 2, NULL, 1);
    REFUSES(vit_encode_text_requests, "requests[0].result", s, ids, 1, 2, &none, 1);
    REFUSES(vit_encode_text_requests, "n is", s, ids, too_many(2), 2, &tokens, 1);
    TAKES(vit_encode_text_requests, s, NULL, 0, 2, &none, 1);
    TAKES(vit_encode_text_requests, s, ids, 1, 2, NULL, 0);
    TAKES(vit_encode_text_requests, s, ids, 1, 2, &one, 1);
}

NULLS(vit_products)
{
    (void)state;
    const float a[2] = {1, 2};
    float c[2] = {7, 7};
    vit_products(NULL, 1, a, 1, 2, c);
    vit_products(a, 1, NULL, 1, 2, c);
    vit_products(a, 1, a, 1, 2, NULL);
    vit_products(a, SIZE_MAX, a, 1, 2, c);
    vit_products(a, 1, a, SIZE_MAX, 2, c);
    vit_products(a, 0, a, 1, 2, c);
    vit_products(a, 1, a, 0, 2, c);
    assert_true(c[0] == 7);
    vit_products(a, 1, a, 2, 0, c); /* sums of nothing */
    assert_true(c[0] == 0 && c[1] == 0);
    vit_products(a, 1, a, 1, 2, c);
    assert_true(c[0] == 5);
}

NULLS(vit_top_k)
{
    (void)state;
    const float scores[3] = {NAN, 1, NAN};
    size_t best[5] = {9, 9, 9, 9, 9};
    vit_top_k(NULL, 3, 2, best);
    vit_top_k(scores, 3, 2, NULL);
    vit_top_k(scores, 0, 2, best);
    vit_top_k(scores, 3, 0, best);
    assert_int_equal(best[0], 9);
    vit_top_k(scores, 3, SIZE_MAX, best);
    const size_t expected[5] = {1, 0, 2, 9, 9};
    assert_memory_equal(best, expected, sizeof best);
}

/* ------------------------------------------------------------------ texts ---- */

NULLS_ARE(vit_tokenizer_free, vit_tokenizer_free(NULL))
NULLS_ARE(vit_tokenizer_context, assert_int_equal(vit_tokenizer_context(NULL), 0))
NULLS_ARE(vit_tokenizer_pad_id, assert_int_equal(vit_tokenizer_pad_id(NULL), 0))
NULLS_ARE(vit_tokenizer_pads_left, assert_int_equal(vit_tokenizer_pads_left(NULL), 0))
NULLS_ARE(vit_tokenizer_name, assert_null(vit_tokenizer_name(NULL)))

NULLS(vit_tokenizer_open)
{
    (void)state;
    vit_tokenizer *tokenizer = (vit_tokenizer *)&valid;
    REFUSES(vit_tokenizer_open, "path", NULL, NULL, &tokenizer);
    assert_null(tokenizer);
    REFUSES(vit_tokenizer_open, "tokenizer", data_path("text/gemma_bpe"), NULL, NULL);
}

NULLS(vit_tokenizer_encode)
{
    (void)state;
    int32_t ids[8];
    size_t n = 9;
    const vit_tokenizer *t = valid.tokenizer;
    REFUSES(vit_tokenizer_encode, "tokenizer", NULL, "a", 1, ids, 8, &n);
    assert_int_equal(n, 0);
    REFUSES(vit_tokenizer_encode, "text", t, NULL, 1, ids, 8, &n);
    REFUSES(vit_tokenizer_encode, "ids", t, "a", 1, NULL, 8, &n);
    REFUSES(vit_tokenizer_encode, "n", t, "a", 1, ids, 8, NULL);
    assert_int_equal(vit_tokenizer_encode(t, "a", 1, NULL, 0, &n, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_true(n > 0); /* the room that there must be */
    TAKES(vit_tokenizer_encode, t, NULL, 0, ids, 8, &n);
    assert_int_equal(vit_tokenizer_encode(t, "a", SIZE_MAX, ids, 8, &n, NULL), VIT_ERR_TOO_LARGE);
}

NULLS(vit_tokenizer_encode_padded)
{
    (void)state;
    const vit_tokenizer *t = valid.tokenizer;
    int32_t *ids = calloc(vit_tokenizer_context(t), sizeof *ids);
    size_t n = 9;
    REFUSES(vit_tokenizer_encode_padded, "tokenizer", NULL, "a", 1, ids, &n);
    assert_int_equal(n, 0);
    REFUSES(vit_tokenizer_encode_padded, "text", t, NULL, 1, ids, &n);
    REFUSES(vit_tokenizer_encode_padded, "ids", t, "a", 1, NULL, &n);
    TAKES(vit_tokenizer_encode_padded, t, "a", 1, ids, NULL);
    TAKES(vit_tokenizer_encode_padded, t, NULL, 0, ids, &n);
    free(ids);
}

/* ------------------------------------------------------------------ all of them ---- */

static const struct CMUnitTest tests[] = {
    ROW(vit_catch_sigbus),
    ROW(vit_check_environment),
    ROW(vit_left_out),
    ROW(vit_limit_at),
    ROW(vit_descriptor_read),
    ROW(vit_encode),
    ROW(vit_encode_pictures),
    ROW(vit_encode_requests),
    ROW(vit_encode_text),
    ROW(vit_encode_text_requests),
    ROW(vit_error_set),
    ROW(vit_file_read),
    ROW(vit_free),
    ROW(vit_hub_find),
    ROW(vit_hub_pull),
    ROW(vit_hub_snapshot_free),
    ROW(vit_image_alloc),
    ROW(vit_image_decode),
    ROW(vit_image_encode_png),
    ROW(vit_image_encode_jpeg),
    ROW(vit_image_free),
    ROW(vit_image_load),
    ROW(vit_image_resize),
    ROW(vit_model_check),
    ROW(vit_model_classes),
    ROW(vit_model_context),
    ROW(vit_model_describe),
    ROW(vit_model_digest),
    ROW(vit_model_depth),
    ROW(vit_model_width),
    ROW(vit_model_heads),
    ROW(vit_model_family),
    ROW(vit_model_flops),
    ROW(vit_model_file),
    ROW(vit_model_folder),
    ROW(vit_model_free),
    ROW(vit_model_grid),
    ROW(vit_model_image_height),
    ROW(vit_model_image_width),
    ROW(vit_model_label),
    ROW(vit_model_regression),
    ROW(vit_model_multi_label),
    ROW(vit_model_open),
    ROW(vit_model_pack),
    ROW(vit_model_pack_head),
    ROW(vit_model_patches),
    ROW(vit_model_pixels_size),
    ROW(vit_model_precision),
    ROW(vit_model_preprocessor),
    ROW(vit_model_similarity),
    ROW(vit_output_shape),
    ROW(vit_precision_name),
    ROW(vit_resampler_name),
    ROW(vit_filter_name),
    ROW(vit_output_name),
    ROW(vit_output_parse),
    ROW(vit_image_format),
    ROW(vit_image_format_of),
    ROW(vit_picture_decode),
    ROW(vit_picture_load),
    ROW(vit_picture_measure),
    ROW(vit_exif_name),
    ROW(vit_output_size),
    ROW(vit_preprocess),
    ROW(vit_preprocess_resized),
    ROW(vit_preprocess_region),
    ROW(vit_preprocess_shape),
    ROW(vit_preprocess_check),
    ROW(vit_preprocess_target),
    ROW(vit_preprocessor_describe),
    ROW(vit_preprocessor_digest),
    ROW(vit_preprocessor_free),
    ROW(vit_preprocessor_open),
    ROW(vit_products),
    ROW(vit_session_create),
    ROW(vit_session_free),
    ROW(vit_session_kernels),
    ROW(vit_session_multiplier),
    ROW(vit_session_threads),
    ROW(vit_status_name),
    ROW(vit_tensor_file_find),
    ROW(vit_tensor_file_floats),
    ROW(vit_tensor_file_free),
    ROW(vit_tensor_file_get),
    ROW(vit_tensor_file_integers),
    ROW(vit_tensor_file_open),
    ROW(vit_tokenizer_context),
    ROW(vit_tokenizer_encode),
    ROW(vit_tokenizer_encode_padded),
    ROW(vit_tokenizer_free),
    ROW(vit_tokenizer_name),
    ROW(vit_tokenizer_open),
    ROW(vit_tokenizer_pad_id),
    ROW(vit_tokenizer_pads_left),
    ROW(vit_top_k),
    ROW(vit_usable_threads),
    ROW(vit_version),
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
            puts(tests[i].name);
        return 0;
    }
    return cmocka_run_group_tests(tests, open_all, close_all);
}
