/* SPDX-License-Identifier: BSD-2-Clause */
#include "transformers_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "file.h"
#include "half.h"
#include "limit.h"
#include "npy.h"
#include "json_write.h"
#include "options.h"
#include "output_file.h"
#include "path.h"
#include "safetensors.h"
#include "talk.h"

#define CONFIG "config.json"
#define PREPROCESSOR "preprocessor_config.json"
#define WEIGHTS "model.safetensors"
#define PIECE ((size_t)1 << 18) /* numbers that are converted at a time */
#define ALIGNMENT 8

/* The order in which they are written. */
static const char *const names[] = {WEIGHTS, PREPROCESSOR, CONFIG};

/* Classes of transformers whose logits are a linear layer on what `vit` gives too:
 * ViT, DeiT and ViT-MSN: classifier(last_hidden_state[:, 0]), behind the last norm (modeling_vit.py and others).
 * DINOv2: classifier(cat(class token, mean of the patches)) (modeling_dinov2.py). */
typedef struct kind {
    const char *type, *architecture, *prefix;
    bool mean; /* the mean of the patches is read too */
} kind;

static const kind kinds[] = {
    {"vit", "ViTForImageClassification", "vit.", false},
    {"deit", "DeiTForImageClassification", "deit.", false},
    {"vit_msn", "ViTMSNForImageClassification", "vit.", false},
    {"dinov2", "Dinov2ForImageClassification", "dinov2.", true},
    {"dinov2_with_registers", "Dinov2WithRegistersForImageClassification", "dinov2_with_registers.", true},
};

/* Tensors, behind the prefix, that these classes do not have: other classifiers, poolers, decoders. */
static const char *const passed_over[] = {"classifier.", "cls_classifier.", "distillation_classifier.", "pooler.",
                                          "decoder."};

/* ------------------------------------------------------------------ before the work ---- */

/* false, with a message, if it is not there and cannot be made. */
static bool make_folder(const char *folder, bool *made)
{
    *made = mkdir(folder, 0777) == 0;
    if (*made || (errno == EEXIST && vit__path_is_folder(folder)))
        return true;
    cli_error("%s: cannot be made: %s", folder, errno == EEXIST ? "a file has this name" : strerror(errno));
    return false;
}

cli_exit cli_transformers_claim(const cli_command *command, const char *folder)
{
    cli_exit status = CLI_DONE;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == CLI_DONE; i++) {
        char *path = cli_join(folder, names[i]);
        if (access(path, F_OK) == 0)
            status = cli_usage_error(command, "-o %s: it is there already: name another folder, or remove it first",
                                     path);
        free(path);
    }
    bool made = false;
    if (status == CLI_DONE && !make_folder(folder, &made))
        return CLI_OUTPUT;
    if (made)
        rmdir(folder);
    return status;
}

/* The model's file of this name, or the one beside its configuration. NULL: there is none. Freed with free(). */
static char *find_file(const vit_model *model, const char *name)
{
    const char *file;
    for (size_t i = 0; (file = vit_model_file(model, i)) != NULL; i++) {
        if (strcmp(vit__path_name(file), CONFIG) != 0)
            continue;
        char *folder = cli_folder_of(file), *path = cli_join(folder, name);
        free(folder);
        if (access(path, F_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static const kind *kind_of(const vit__json *config)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (vit__json_is(vit__json_get(config, "model_type"), kinds[i].type))
            return &kinds[i];
    return NULL;
}

static cli_exit check_output(const cli_command *command, const cli_transformers_wish *wish, const kind *k)
{
    bool reads_class = wish->output == VIT_OUTPUT_EMBEDDING || wish->output == VIT_OUTPUT_CLASS;
    if (wish->normalize)
        return cli_usage_error(command, "--normalize: %s of transformers does not divide vectors by their length",
                               k->architecture);
    if (reads_class || (k->mean && wish->output == VIT_OUTPUT_CLASS_MEAN))
        return CLI_DONE;
    return cli_usage_error(command, "--output: %s of transformers reads %s", k->architecture,
                           k->mean ? "cls+mean, or cls" : "cls");
}

/* config of the model, which is freed with vit__json_free, and its kind. */
static cli_exit read_config(const cli_command *command, const cli_transformers_wish *wish, vit__json **config,
                            const kind **k)
{
    vit_error err = {0};
    char *path = find_file(wish->model, CONFIG), *rules = find_file(wish->model, PREPROCESSOR);
    vit_status status = path ? cli_json_load(path, VIT__LIMIT_JSON_BYTES, config, &err) : VIT_OK;
    bool found = path && rules;
    free(path);
    free(rules);
    if (status != VIT_OK) {
        cli_library_error(&err);
        return CLI_MODEL;
    }
    *k = found ? kind_of(*config) : NULL;
    if (*k)
        return CLI_DONE;
    vit__json_free(*config);
    *config = NULL;
    return cli_usage_error(command,
                           "--format transformers: model %s is no folder of transformers with a ViT, a DeiT, a ViT-MSN "
                           "or a DINOv2: leave --format out, and 'vit' reads the result",
                           wish->name);
}

cli_exit cli_transformers_check(const cli_command *command, const cli_transformers_wish *wish)
{
    vit__json *config = NULL;
    const kind *k;
    const char *file;
    cli_exit status = read_config(command, wish, &config, &k);
    if (status == CLI_DONE)
        status = check_output(command, wish, k);
    vit__json_free(config);
    for (size_t i = 0; status == CLI_DONE && (file = vit_model_file(wish->model, i)) != NULL; i++)
        if (!vit__path_ends_with(file, ".safetensors") && !vit__path_ends_with(file, ".json"))
            status = cli_usage_error(command, "--format transformers: %s: weights are copied from safetensors alone",
                                     file);
    return status;
}

/* ------------------------------------------------------------------ tensors ---- */

typedef enum number_type { TYPE_F32, TYPE_F16, TYPE_BF16, TYPE_F64, TYPES } number_type;
static const struct {
    const char *name;
    size_t size;
} types[TYPES] = {{"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8}};

typedef struct copied {
    char *name; /* in the new file */
    size_t file;
    number_type type;
    uint64_t from; /* in the file */
    size_t count;  /* of numbers */
    const vit__json *shape;
} copied;

typedef struct copying {
    const kind *kind;
    cli_safetensors *files;
    char **paths;
    size_t n_files, room_files;
    copied *tensors; /* by name */
    size_t n, room;
} copying;

static vit_status fail(const copying *c, size_t file, const char *tensor, const char *what, vit_error *err)
{
    return vit_error_set(err, VIT_ERR_CORRUPT, c->paths[file], "tensor \"%s\": %s", tensor, what);
}

/* What the tensor is called in the new file. NULL: it is passed over. Freed with free(). */
static char *new_name(const kind *k, const char *name)
{
    const char *bare = strncmp(name, k->prefix, strlen(k->prefix)) == 0 ? name + strlen(k->prefix) : name;
    for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++)
        if (strncmp(bare, passed_over[i], strlen(passed_over[i])) == 0)
            return NULL;
    cli_text text = {0};
    cli_text_format(&text, "%s%s", k->prefix, bare);
    return text.data;
}

/* Numbers, and where they stand. */
static bool read_place(const cli_safetensors *file, const vit__json *entry, copied *t)
{
    size_t begin, end, count = 1, side;
    const vit__json *offsets = vit__json_get(entry, "data_offsets");
    t->shape = vit__json_get(entry, "shape");
    t->type = 0;
    while (t->type < TYPES && !vit__json_is(vit__json_get(entry, "dtype"), types[t->type].name))
        t->type++;
    if (t->type == TYPES || !vit__json_size(vit__json_at(offsets, 0), &begin) ||
        !vit__json_size(vit__json_at(offsets, 1), &end) || begin > end || end > file->size)
        return false;
    for (size_t i = 0; i < vit__json_length(t->shape); i++)
        if (!vit__json_size(vit__json_at(t->shape, i), &side) || __builtin_mul_overflow(count, side, &count))
            return false;
    t->from = file->start + begin;
    t->count = count;
    return (end - begin) % types[t->type].size == 0 && (end - begin) / types[t->type].size == count;
}

static vit_status add_file(copying *c, const char *path, vit_error *err)
{
    c->paths = cli_reallocate(c->paths, c->n_files + 1, sizeof *c->paths);
    c->files = cli_reallocate(c->files, c->n_files + 1, sizeof *c->files);
    cli_safetensors *file = &c->files[c->n_files];
    vit_status status = cli_safetensors_open(path, file, err);
    if (status != VIT_OK)
        return status;
    size_t number = c->n_files++;
    c->paths[number] = cli_duplicate(path);
    for (void *i = vit__json_first(file->header); i && status == VIT_OK; i = vit__json_next(file->header, i)) {
        char *name = strcmp(vit__json_key(i), "__metadata__") == 0 ? NULL : new_name(c->kind, vit__json_key(i));
        if (!name)
            continue;
        c->tensors = cli_grow(c->tensors, &c->room, c->n, sizeof *c->tensors);
        copied *t = &c->tensors[c->n++];
        *t = (copied){.name = name, .file = number};
        if (!read_place(file, vit__json_value(i), t))
            status = fail(c, number, vit__json_key(i),
                          "it is not of F32, F16, BF16 or F64, or its shape is not that of its "
                          "bytes",
                          err);
    }
    return status;
}

static int compare_copied(const void *a, const void *b)
{
    return strcmp(((const copied *)a)->name, ((const copied *)b)->name);
}

static vit_status list_tensors(copying *c, const vit_model *model, vit_error *err)
{
    const char *file;
    vit_status status = VIT_OK;
    for (size_t i = 0; status == VIT_OK && (file = vit_model_file(model, i)) != NULL; i++)
        if (vit__path_ends_with(file, ".safetensors"))
            status = add_file(c, file, err);
    if (c->n)
        qsort(c->tensors, c->n, sizeof *c->tensors, compare_copied);
    for (size_t i = 1; i < c->n && status == VIT_OK; i++)
        if (strcmp(c->tensors[i].name, c->tensors[i - 1].name) == 0)
            status = fail(c, c->tensors[i].file, c->tensors[i].name, "it is there twice, with and without its prefix",
                          err);
    return status;
}

static void free_copying(copying *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->tensors[i].name);
    for (size_t i = 0; i < c->n_files; i++) {
        cli_safetensors_close(&c->files[i]);
        free(c->paths[i]);
    }
    free(c->tensors);
    free(c->files);
    free(c->paths);
}

static float to_float(const unsigned char *bytes, number_type type)
{
    uint64_t bits = vit__le(bytes, types[type].size);
    uint32_t word = (uint32_t)(type == TYPE_BF16 ? bits << 16 : bits);
    float number;
    double wide;
    if (type == TYPE_F16)
        return vit__half_to_float((uint16_t)bits);
    memcpy(&wide, &bits, sizeof wide);
    memcpy(&number, &word, sizeof number);
    return type == TYPE_F64 ? (float)wide : number;
}

/* The numbers in F32. false, with a message: CLI_OUTPUT, or, with *err, the file of the model cannot be read. */
static bool copy_tensor(const copying *c, const copied *t, cli_file *file, vit_error *err)
{
    const size_t size = types[t->type].size, most = t->count < PIECE ? t->count : PIECE;
    unsigned char *bytes = cli_allocate(most + 1, size);
    float *floats = cli_allocate(most + 1, sizeof *floats);
    cli_text out = {0};
    bool done = true;
    for (size_t at = 0, n; at < t->count && done; at += n) {
        n = t->count - at < most ? t->count - at : most;
        done = vit__file_read_at(c->files[t->file].descriptor, t->from + at * size, bytes, n * size);
        if (!done)
            vit_error_set(err, VIT_ERR_UNREADABLE, c->paths[t->file], "cannot be read to its end");
        for (size_t i = 0; i < n && done; i++)
            floats[i] = to_float(bytes + i * size, t->type);
        cli_text_clear(&out);
        cli_put_f32(&out, floats, done ? n : 0);
        done = done && cli_file_write(file, out.data, out.size);
    }
    cli_text_free(&out);
    free(floats);
    free(bytes);
    return done;
}

/* ------------------------------------------------------------------ model.safetensors ---- */

/* Of DINOv2 a layer on the class token alone does not look at the mean: its weights there are 0. */
static size_t classifier_width(const kind *k, size_t hidden)
{
    return k->mean ? 2 * hidden : hidden;
}

static void add_entry(cli_text *text, const char *name, const char *shape, size_t count, uint64_t *at)
{
    cli_json_string(text, name);
    cli_text_format(text, ":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%llu,%llu]},", shape,
                    (unsigned long long)*at, (unsigned long long)(*at + 4 * (uint64_t)count));
    *at += 4 * (uint64_t)count;
}

static void add_header(const copying *c, const vit_head *head, size_t width, cli_text *text)
{
    uint64_t at = 0;
    char shape[64];
    cli_text_string(text, "{\"__metadata__\":{\"format\":\"pt\",\"fit\":");
    cli_json_string(text, head->fit);
    cli_text_string(text, "},");
    for (size_t i = 0; i < c->n; i++) {
        char *own = vit__json_text(c->tensors[i].shape, VIT__JSON_COMPACT);
        if (!own)
            cli_out_of_memory();
        add_entry(text, c->tensors[i].name, own, c->tensors[i].count, &at);
        free(own);
    }
    snprintf(shape, sizeof shape, "[%zu,%zu]", head->classes, width);
    add_entry(text, "classifier.weight", shape, head->classes * width, &at);
    snprintf(shape, sizeof shape, "[%zu]", head->classes);
    add_entry(text, "classifier.bias", shape, head->classes, &at);
    cli_text_cut(text, text->size - 1);
    cli_text_string(text, "}");
    while (text->size % ALIGNMENT)
        cli_text_string(text, " ");
}

static void put_classifier(const vit_head *head, size_t given, size_t width, cli_text *out)
{
    float *none = cli_allocate(width, sizeof *none);
    for (size_t i = 0; i < width; i++)
        none[i] = 0;
    for (size_t k = 0; k < head->classes; k++) {
        cli_put_f32(out, head->weight + k * given, given);
        cli_put_f32(out, none, width - given);
    }
    cli_put_f32(out, head->bias, head->classes);
    free(none);
}

static bool write_weights(const copying *c, const cli_transformers_wish *wish, const vit_head *head, cli_file *file,
                          vit_error *err)
{
    cli_text bytes = {0}, header = {0};
    const size_t hidden = vit_output_size(wish->model, VIT_OUTPUT_CLASS, 0);
    const size_t given = wish->output == VIT_OUTPUT_CLASS_MEAN ? 2 * hidden : hidden;
    const size_t width = classifier_width(c->kind, hidden);
    add_header(c, head, width, &header);
    for (size_t i = 0; i < 8; i++)
        cli_text_add(&bytes, &(char){(char)((uint64_t)header.size >> (8 * i))}, 1);
    cli_text_add(&bytes, header.data, header.size);
    bool done = cli_file_write(file, bytes.data, bytes.size);
    for (size_t i = 0; i < c->n && done; i++)
        done = copy_tensor(c, &c->tensors[i], file, err);
    cli_text_clear(&bytes);
    put_classifier(head, given, width, &bytes);
    done = done && cli_file_write(file, bytes.data, bytes.size);
    cli_text_free(&header);
    cli_text_free(&bytes);
    return done;
}

/* ------------------------------------------------------------------ config.json ---- */

static void set(vit__json *config, const char *key, vit__json *value)
{
    if (!vit__json_set(config, key, value))
        cli_out_of_memory();
}

/* Keys that are there already stay in their places. */
static char *new_config(vit__json *config, const kind *k, const vit_head *head)
{
    vit__json *names_of = vit__json_new_object(), *numbers = vit__json_new_object(), *list = vit__json_new_array();
    char number[32];
    for (size_t i = 0; i < head->classes; i++) {
        snprintf(number, sizeof number, "%zu", i);
        set(names_of, number, vit__json_new_string(head->labels[i]));
        set(numbers, head->labels[i], vit__json_new_number((double)i));
    }
    if (!list || !vit__json_append(list, vit__json_new_string(k->architecture)))
        cli_out_of_memory();
    set(config, "architectures", list);
    set(config, "id2label", names_of);
    set(config, "label2id", numbers);
    if (vit__json_get(config, "num_labels"))
        set(config, "num_labels", vit__json_new_number((double)head->classes));
    set(config, "problem_type", vit__json_new_string("single_label_classification"));
    set(config, "torch_dtype", vit__json_new_string("float32"));
    if (vit__json_get(config, "dtype"))
        set(config, "dtype", vit__json_new_string("float32"));
    char *text = vit__json_text(config, 2);
    if (!text)
        cli_out_of_memory();
    return text;
}

static bool copy_rules(const cli_transformers_wish *wish, cli_file *file, vit_error *err)
{
    const vit__file_kind small = {.most = VIT__LIMIT_JSON_BYTES};
    vit__buffer bytes = {0};
    char *path = find_file(wish->model, PREPROCESSOR);
    vit_status status = path ? vit__file_read(path, &small, &bytes, err)
                             : vit_error_set(err, VIT_ERR_NOT_FOUND, wish->name, "it has no " PREPROCESSOR " any more");
    bool done = status == VIT_OK && cli_file_write(file, bytes.data, bytes.size);
    vit__buffer_free(&bytes);
    free(path);
    return done;
}

static bool open_file(const cli_transformers_wish *wish, const char *name, cli_file *file)
{
    char *path = cli_join(wish->folder, name);
    bool opened = cli_file_open(file, path);
    free(path);
    return opened;
}

static cli_exit write_all(const copying *c, const cli_transformers_wish *wish, const vit_head *head, char *config)
{
    cli_file weights = {0}, rules = {0}, about = {0};
    vit_error err = {0};
    bool done = open_file(wish, WEIGHTS, &weights) && write_weights(c, wish, head, &weights, &err) &&
                open_file(wish, PREPROCESSOR, &rules) && copy_rules(wish, &rules, &err) &&
                open_file(wish, CONFIG, &about) && cli_file_write(&about, config, strlen(config)) &&
                cli_file_commit(&weights) && cli_file_commit(&rules) && cli_file_commit(&about);
    cli_file_discard(&weights);
    cli_file_discard(&rules);
    cli_file_discard(&about);
    if (err.status == VIT_OK)
        return done ? CLI_DONE : CLI_OUTPUT;
    cli_library_error(&err);
    return CLI_MODEL;
}

cli_exit cli_transformers_write(const cli_command *command, const cli_transformers_wish *wish, const vit_head *head)
{
    copying c = {0};
    vit_error err = {0};
    vit__json *config = NULL;
    bool made;
    cli_exit status = read_config(command, wish, &config, &c.kind);
    if (status == CLI_DONE && !make_folder(wish->folder, &made))
        status = CLI_OUTPUT;
    if (status == CLI_DONE && list_tensors(&c, wish->model, &err) != VIT_OK) {
        cli_library_error(&err);
        status = CLI_MODEL;
    }
    if (status == CLI_DONE) {
        char *text = new_config(config, c.kind, head);
        status = write_all(&c, wish, head, text);
        free(text);
    }
    vit__json_free(config);
    free_copying(&c);
    return status;
}
