/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files of a folder make a checkpoint, and what is said when they do not. */
#include "checkpoint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "tensors.h"

/* One F32 of the given name: tells apart which of several weight files was taken. */
#define WEIGHTS(name) "{\"" name "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
#define TRANSFORMERS "{\"model_type\":\"vit\"}"
#define TIMM "{\"architecture\":\"vit_tiny_patch16_224\"}"
#define OPEN_CLIP "{\"model_cfg\":{}}"
#define INDEX "{\"weight_map\":{\"sharded\":\"s.safetensors\"}}"
#define OWN                                                                                                            \
    "{\"__metadata__\":{\"format\":\"vit\",\"config\":\"{\\\"model_type\\\":\\\"own\\\"}\"},"                          \
    "\"own\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"

/* The contents of a folder, file by file; NULL: not there. */
typedef struct contents {
    const char *config, *open_clip_config;
    const char *model, *open_clip_model; /* headers of one F32 */
    const char *index;                   /* and its shard "s.safetensors" with the tensor "sharded" */
    const char *pickle;                  /* the name of an empty file */
} contents;

static char *make(const contents *c)
{
    char *folder = folder_make();
    if (c->config)
        write_text(folder, "config.json", c->config);
    if (c->open_clip_config)
        write_text(folder, "open_clip_config.json", c->open_clip_config);
    if (c->model)
        safetensors_write(folder, "model.safetensors", c->model, 4);
    if (c->open_clip_model)
        safetensors_write(folder, "open_clip_model.safetensors", c->open_clip_model, 4);
    if (c->index) {
        write_text(folder, "model.safetensors.index.json", c->index);
        safetensors_write(folder, "s.safetensors", WEIGHTS("sharded"), 4);
    }
    if (c->pickle)
        write_text(folder, c->pickle, "");
    return folder;
}

typedef struct good {
    contents contents;
    const char *file; /* opened by this name; NULL: as a folder */
    vit__checkpoint_kind kind;
    const char *tensor, *config_name;
} good;

/* clang-format off */
static const good good_folders[] = {
    {{.config = TRANSFORMERS, .model = WEIGHTS("plain")}, NULL, VIT__CHECKPOINT_TRANSFORMERS, "plain", "config.json"},
    {{.config = TIMM, .model = WEIGHTS("plain")}, NULL, VIT__CHECKPOINT_TIMM, "plain", "config.json"},
    {{.config = "{\"architecture\":\"a\",\"model_type\":\"timm_wrapper\"}", .model = WEIGHTS("plain")},
     NULL, VIT__CHECKPOINT_TIMM, "plain", "config.json"},
    {{.config = "{\"architecture\":\"a\",\"model_type\":\"vit\"}", .model = WEIGHTS("plain")},
     NULL, VIT__CHECKPOINT_TRANSFORMERS, "plain", "config.json"},
    {{.config = TRANSFORMERS, .index = INDEX}, NULL, VIT__CHECKPOINT_TRANSFORMERS, "sharded", "config.json"},
    {{.config = TRANSFORMERS, .model = WEIGHTS("plain"), .index = INDEX},
     NULL, VIT__CHECKPOINT_TRANSFORMERS, "plain", "config.json"},
    {{.open_clip_config = OPEN_CLIP, .open_clip_model = WEIGHTS("clip")},
     NULL, VIT__CHECKPOINT_OPEN_CLIP, "clip", "open_clip_config.json"},
    {{.open_clip_config = OPEN_CLIP, .model = WEIGHTS("plain")},
     NULL, VIT__CHECKPOINT_OPEN_CLIP, "plain", "open_clip_config.json"},
    {{.open_clip_config = OPEN_CLIP, .model = WEIGHTS("plain"), .open_clip_model = WEIGHTS("clip")},
     NULL, VIT__CHECKPOINT_OPEN_CLIP, "clip", "open_clip_config.json"},
    {{.config = TIMM, .open_clip_config = OPEN_CLIP, .open_clip_model = WEIGHTS("clip")},
     NULL, VIT__CHECKPOINT_OPEN_CLIP, "clip", "open_clip_config.json"},
    {{TIMM, OPEN_CLIP, WEIGHTS("plain"), WEIGHTS("clip"), NULL, "pytorch_model.bin"},
     NULL, VIT__CHECKPOINT_TIMM, "plain", "config.json"},
    {{.config = TRANSFORMERS, .open_clip_config = OPEN_CLIP, .open_clip_model = WEIGHTS("clip"), .index = INDEX},
     NULL, VIT__CHECKPOINT_TRANSFORMERS, "sharded", "config.json"},
    {{.config = TRANSFORMERS, .open_clip_model = WEIGHTS("clip")},
     NULL, VIT__CHECKPOINT_TRANSFORMERS, "clip", "config.json"},
    /* a config.json that says nothing about the model, as some uploads to the hub have */
    {{.config = "{}", .open_clip_config = OPEN_CLIP, .model = WEIGHTS("plain")},
     NULL, VIT__CHECKPOINT_OPEN_CLIP, "plain", "open_clip_config.json"},
    /* single files */
    {{TIMM, OPEN_CLIP, WEIGHTS("plain"), WEIGHTS("clip"), NULL, NULL},
     "model.safetensors", VIT__CHECKPOINT_TIMM, "plain", "config.json"},
    {{TIMM, OPEN_CLIP, WEIGHTS("plain"), WEIGHTS("clip"), NULL, NULL},
     "open_clip_model.safetensors", VIT__CHECKPOINT_OPEN_CLIP, "clip", "open_clip_config.json"},
    {{.open_clip_config = OPEN_CLIP, .model = WEIGHTS("plain")},
     "model.safetensors", VIT__CHECKPOINT_OPEN_CLIP, "plain", "open_clip_config.json"},
    {{.config = TRANSFORMERS, .model = WEIGHTS("plain"), .index = INDEX},
     "model.safetensors.index.json", VIT__CHECKPOINT_TRANSFORMERS, "sharded", "config.json"},
    /* self-contained: what stands beside it, or in the folder, does not matter */
    {{.model = OWN}, "model.safetensors", VIT__CHECKPOINT_OWN, "own", "model.safetensors"},
    {{.model = OWN}, NULL, VIT__CHECKPOINT_OWN, "own", "model.safetensors"},
    {{.config = "{ broken", .model = OWN}, "model.safetensors", VIT__CHECKPOINT_OWN, "own", "model.safetensors"},
    {{.config = TIMM, .model = OWN}, NULL, VIT__CHECKPOINT_OWN, "own", "model.safetensors"},
};
/* clang-format on */

static void the_right_parts_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good_folders / sizeof *good_folders; i++) {
        const good *g = &good_folders[i];
        char *folder = make(&g->contents);
        const char *path = g->file ? in_folder(folder, g->file) : folder;
        vit__checkpoint *checkpoint;
        vit_error err = {0};
        assert_ok(vit__checkpoint_open(path, &checkpoint, &err), err);
        assert_int_equal(vit__checkpoint_kind_of(checkpoint), g->kind);
        assert_string_equal(vit__checkpoint_path(checkpoint), path);
        assert_string_equal(vit__checkpoint_folder(checkpoint), folder);
        assert_string_equal(vit__checkpoint_config_name(checkpoint), in_folder(folder, g->config_name));
        assert_true(vit__json_is_object(vit__checkpoint_config(checkpoint)));
        assert_int_equal(vit__checkpoint_tensors(checkpoint), 1);
        assert_string_equal(vit__checkpoint_tensor(checkpoint, 0)->name, g->tensor);
        vit__checkpoint_free(checkpoint);
        folder_remove(folder);
    }
}

typedef struct bad {
    contents contents;
    const char *file; /* below the folder; NULL: the folder itself */
    vit_status status;
    const char *says[3];
} bad;

static const bad bad_folders[] = {
    {{0},
     NULL,
     VIT_ERR_NOT_FOUND,
     {"model.safetensors,", "model.safetensors.index.json", "open_clip_model.safetensors"}},
    {{.config = TRANSFORMERS}, NULL, VIT_ERR_NOT_FOUND, {"no weights"}},
    {{.model = WEIGHTS("a")}, NULL, VIT_ERR_NOT_FOUND, {"no configuration", "config.json", "open_clip_config.json"}},
    {{.model = WEIGHTS("a")}, "model.safetensors", VIT_ERR_NOT_FOUND, {"no configuration"}},
    {{.config = TRANSFORMERS}, "model.safetensors", VIT_ERR_NOT_FOUND, {"no such folder or file"}},
    {{.config = TRANSFORMERS, .pickle = "pytorch_model.bin"}, NULL, VIT_ERR_CORRUPT, {"not a file of torch.save"}},
    {{.open_clip_config = OPEN_CLIP, .pickle = "open_clip_pytorch_model.bin"},
     NULL,
     VIT_ERR_CORRUPT,
     {"not a file of torch.save"}},
    {{.config = "{}", .model = WEIGHTS("a")}, NULL, VIT_ERR_UNSUPPORTED_MODEL, {"model_type", "architecture"}},
    {{.config = "{\"model_type\":5}", .model = WEIGHTS("a")}, NULL, VIT_ERR_UNSUPPORTED_MODEL, {"model_type"}},
    {{.config = "[]", .model = WEIGHTS("a")}, NULL, VIT_ERR_CORRUPT, {"not a JSON object"}},
    {{.config = "{", .model = WEIGHTS("a")}, NULL, VIT_ERR_CORRUPT, {"JSON"}},
    {{.config = "{", .model = WEIGHTS("a")}, "model.safetensors", VIT_ERR_CORRUPT, {"JSON"}},
    {{.config = "", .model = WEIGHTS("a")}, NULL, VIT_ERR_CORRUPT, {"JSON"}},
    {{.open_clip_config = "5", .model = WEIGHTS("a")}, NULL, VIT_ERR_CORRUPT, {"not a JSON object"}},
    {{.config = TRANSFORMERS, .model = "{"}, NULL, VIT_ERR_CORRUPT, {"JSON"}},
    {{.config = TRANSFORMERS}, "config.json", VIT_ERR_CORRUPT, {"not a safetensors file"}},
    {{.model =
          "{\"__metadata__\":{\"format\":\"vit\"},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"},
     "model.safetensors",
     VIT_ERR_CORRUPT,
     {"no \"config\""}},
    {{.model = "{\"__metadata__\":{\"format\":\"vit\",\"config\":\"{\"},"
               "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"},
     "model.safetensors",
     VIT_ERR_CORRUPT,
     {"JSON"}},
    {{.model = "{\"__metadata__\":{\"format\":\"vit\",\"config\":\"[]\"},"
               "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"},
     "model.safetensors",
     VIT_ERR_CORRUPT,
     {"not a JSON object"}},
};

static void refuse(const char *path, vit_status expected, const char *const says[3])
{
    vit__checkpoint *checkpoint;
    vit_error err = {0};
    const vit_status status = vit__checkpoint_open(path, &checkpoint, &err);
    assert_null(checkpoint);
    for (size_t i = 0; i < 3 && says[i]; i++)
        if (status != expected || err.status != status || !strstr(err.message, says[i]))
            fail_msg("%s: %s: %s: %s (wanted %s: ...%s...)", path, vit_status_name(status), err.where, err.message,
                     vit_status_name(expected), says[i]);
}

static void bad_folders_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_folders / sizeof *bad_folders; i++) {
        char *folder = make(&bad_folders[i].contents);
        refuse(bad_folders[i].file ? in_folder(folder, bad_folders[i].file) : folder, bad_folders[i].status,
               bad_folders[i].says);
        folder_remove(folder);
    }
}

static void what_is_no_checkpoint_at_all(void **state)
{
    (void)state;
    char *folder = make(&(contents){.config = TRANSFORMERS});
    refuse(NULL, VIT_ERR_INVALID_ARGUMENT, (const char *const[3]){"no model"});
    refuse("", VIT_ERR_INVALID_ARGUMENT, (const char *const[3]){"no model"});
    refuse("/nowhere/at/all", VIT_ERR_NOT_FOUND, (const char *const[3]){"no such folder or file"});
    refuse(in_folder(folder, "config.json/x"), VIT_ERR_NOT_FOUND, (const char *const[3]){"no such folder or file"});
    refuse("/dev/null", VIT_ERR_UNREADABLE, (const char *const[3]){"neither a folder nor a regular file"});
    assert_int_equal(mkfifo(in_folder(folder, "pipe"), 0600), 0);
    refuse(in_folder(folder, "pipe"), VIT_ERR_UNREADABLE, (const char *const[3]){"neither"});
    write_text(folder, "model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n");
    refuse(folder, VIT_ERR_CORRUPT, (const char *const[3]){"git lfs pull"});
    write_text(folder, "model.safetensors", "");
    refuse(folder, VIT_ERR_TRUNCATED, (const char *const[3]){"0 bytes"});
    folder_remove(folder);
}

/* A path without a slash has its neighbours in the current folder. */
static void names_in_the_current_folder(void **state)
{
    (void)state;
    char *folder = make(&(contents){.config = TRANSFORMERS, .model = WEIGHTS("a")});
    char *before = getcwd(NULL, 0);
    assert_non_null(before);
    assert_int_equal(chdir(folder), 0);
    static const char *const paths[] = {"model.safetensors", "./model.safetensors", ".", "./"};
    for (size_t i = 0; i < 4; i++) {
        vit__checkpoint *checkpoint;
        vit_error err = {0};
        assert_ok(vit__checkpoint_open(paths[i], &checkpoint, &err), err);
        assert_string_equal(vit__checkpoint_path(checkpoint), paths[i]);
        vit__checkpoint_free(checkpoint);
    }
    assert_int_equal(chdir(before), 0);
    free(before);
    folder_remove(folder);
}

/* Views where the file has f32 as it is, one copy otherwise, and an error for integers. */
static void floats_are_views_or_one_copy(void **state)
{
    (void)state;
    static const char header[] = "{\"f32\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                                 "\"bf16\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[8,12]},"
                                 "\"f16\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[12,16]},"
                                 "\"none\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[16,16]},"
                                 "\"i32\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[16,20]},"
                                 "\"odd\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[20,22]},"
                                 "\"late\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[22,26]}}  ";
    _Static_assert(sizeof header % 4 == 1, "the data starts at a multiple of four");
    char *folder = make(&(contents){.config = TRANSFORMERS});
    safetensors_write(folder, "model.safetensors", header, 26);
    vit__checkpoint *checkpoint;
    vit_error err = {0};
    assert_ok(vit__checkpoint_open(folder, &checkpoint, &err), err);
    assert_int_equal(vit__checkpoint_tensors(checkpoint), 7);
    for (size_t i = 0; i < 7; i++) {
        const vit__tensor *tensor = vit__checkpoint_tensor(checkpoint, i);
        assert_ptr_equal(vit__checkpoint_find(checkpoint, tensor->name), tensor);
        const float *floats = NULL, *again = NULL;
        float want[2] = {0};
        const vit_status status = vit__checkpoint_floats(checkpoint, tensor, &floats, &err);
        if (tensor->dtype == VIT__DTYPE_I32 || tensor->dtype == VIT__DTYPE_U8) {
            assert_int_equal(status, VIT_ERR_MODEL_MISMATCH);
            assert_non_null(strstr(err.message, tensor->name));
            assert_non_null(strstr(err.message, tensor->dtype_name));
            err = (vit_error){0};
            continue;
        }
        assert_ok(status, err);
        assert_int_equal(floats == tensor->data, strcmp(tensor->name, "f32") == 0);
        assert_true(vit__tensor_read(tensor, 0, vit__tensor_elements(tensor), want));
        assert_memory_equal(floats, want, vit__tensor_elements(tensor) * sizeof *want);
        assert_ok(vit__checkpoint_floats(checkpoint, tensor, &again, &err), err);
        assert_ptr_equal(again, floats);
    }
    assert_null(vit__checkpoint_find(checkpoint, "f"));
    assert_null(vit__checkpoint_metadata(checkpoint, "format"));
    for (size_t i = 0; i < 100; i++) /* freed with it: the leak checker sees to that */
        assert_ok(vit__checkpoint_keep(checkpoint, malloc(3), &err), err);
    vit__checkpoint_free(checkpoint);
    folder_remove(folder);
}

/* Longer than one step of the conversion, whose source pages are given back meanwhile, and read again later. */
static void long_tensors_survive_giving_pages_back(void **state)
{
    (void)state;
    enum { N = 5 << 20 };
    static const char header[] = "{\"a\":{\"dtype\":\"BF16\",\"shape\":[5242880],\"data_offsets\":[0,10485760]}}";
    char *folder = make(&(contents){.config = TRANSFORMERS});
    safetensors_write(folder, "model.safetensors", header, 2 * N);
    vit__checkpoint *checkpoint;
    vit_error err = {0};
    assert_ok(vit__checkpoint_open(folder, &checkpoint, &err), err);
    const vit__tensor *tensor = vit__checkpoint_find(checkpoint, "a");
    const float *floats;
    assert_ok(vit__checkpoint_floats(checkpoint, tensor, &floats, &err), err);
    for (size_t i = 0; i < N; i++) {
        const uint32_t bits = (uint32_t)(uint8_t)(14 * i + 1) << 16 | (uint32_t)(uint8_t)(14 * i + 8) << 24;
        float want, read;
        memcpy(&want, &bits, sizeof want);
        if (memcmp(&floats[i], &want, sizeof want) != 0)
            fail_msg("element %zu", i);
        if (i % 65536 == 0) {
            assert_true(vit__tensor_read(tensor, i, 1, &read));
            assert_memory_equal(&read, &want, sizeof want);
        }
    }
    vit__checkpoint_free(checkpoint);
    vit__checkpoint_free(NULL);
    folder_remove(folder);
}

static void metadata_of_own_files(void **state)
{
    (void)state;
    char *folder = make(&(contents){.model = OWN});
    vit__checkpoint *checkpoint;
    vit_error err = {0};
    assert_ok(vit__checkpoint_open(in_folder(folder, "model.safetensors"), &checkpoint, &err), err);
    assert_string_equal(vit__json_string(vit__json_get(vit__checkpoint_config(checkpoint), "model_type")), "own");
    assert_string_equal(vit__checkpoint_metadata(checkpoint, "format"), "vit");
    assert_null(vit__checkpoint_metadata(checkpoint, "preprocessor"));
    vit__checkpoint_free(checkpoint);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_parts_are_taken),    cmocka_unit_test(bad_folders_are_refused),
        cmocka_unit_test(what_is_no_checkpoint_at_all), cmocka_unit_test(names_in_the_current_folder),
        cmocka_unit_test(floats_are_views_or_one_copy), cmocka_unit_test(long_tensors_survive_giving_pages_back),
        cmocka_unit_test(metadata_of_own_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
