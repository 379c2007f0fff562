/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing a packed file (docs/own-format.md): one safetensors file of the layers as they are multiplied,
 * and all that vit_model_open needs beside them. Layers come first, each a multiple of 64 bytes long, and
 * the header is padded to such a multiple: so every layer lies in the mapped file as kernels want it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_json.h"
#include "error.h"
#include "memory.h"
#include "other_head.h"
#include "packed.h"

#define ALIGNMENT 64
#define NAME_MOST 64

/* A tensor of the file, in one or more pieces of memory. */
typedef struct part {
    char name[NAME_MOST];
    bool layer; /* U8 bytes, else F32 */
    size_t rank, shape[VIT__BINDING_RANK_MAX];
    const void *pieces[VIT__PACKED_PIECES];
    size_t sizes[VIT__PACKED_PIECES];
} part;

typedef struct packing {
    const vit_model *towers[VIT__TOWERS]; /* NULL: not in the file */
    part *parts;
    size_t n_parts, room;
    vit__linear *made; /* layers that were packed for this file alone */
    size_t n_made;
    const char *fit; /* how the classifier was fitted; NULL: it is the model's own */
    const char *where;
    vit_error *err;
} packing;

/* ------------------------------------------------------------------ what goes in ---- */

static part *add_part(packing *p, const vit_model *model, const char *pattern, size_t block)
{
    part *grown = vit__grow(p->parts, &p->room, p->n_parts, 1, sizeof *grown);
    if (!grown) {
        vit__fail_memory(p->err, p->where);
        return NULL;
    }
    p->parts = grown;
    part *added = &p->parts[p->n_parts++];
    *added = (part){0};
    const char *prefix = vit__packed_prefixes[model->config.input == VIT__INPUT_TOKENS];
    vit__binding_name(&model->config, pattern, prefix, block, added->name, sizeof added->name);
    return added;
}

/* A layer that the back end did not pack, packed for the file. NULL: no memory. */
static const vit__packed *pack_now(packing *p, const vit__linear *linear)
{
    vit__pool *pool;
    vit__linear *made = vit__realloc(p->made, p->n_made + 1, sizeof *made);
    if (!made) {
        vit__fail_memory(p->err, p->where);
        return NULL;
    }
    p->made = made;
    made += p->n_made;
    *made = *linear;
    if (vit__pool_create(1, &pool, p->err) != VIT_OK)
        return NULL;
    vit_status status = vit__gemm_tiles()->prepare(made, pool, p->err);
    vit__pool_free(pool);
    p->n_made += status == VIT_OK;
    return status == VIT_OK ? made->packed : NULL;
}

static bool add_layer(packing *p, const vit_model *model, vit__slot slot, size_t block)
{
    const vit__linear *linear = vit__weights_linear(&model->weights, slot, block);
    if (!linear || linear->outputs == 0)
        return true;
    const vit__packed *packed = model->gemm->panels ? model->gemm->panels(linear) : NULL;
    if (!packed)
        packed = pack_now(p, linear);
    part *added = packed ? add_part(p, model, vit__packed_names[slot].weight, block) : NULL;
    if (!added)
        return false;
    added->layer = true;
    added->rank = 1;
    vit__packed_pieces(packed, added->pieces, added->sizes);
    for (size_t i = 0; i < VIT__PACKED_PIECES; i++)
        added->shape[0] += added->sizes[i];
    return true;
}

static bool add_floats(packing *p, const vit_model *model, const char *pattern, size_t block, const vit__tensor *tensor,
                       const float *values)
{
    if (!values && vit__checkpoint_floats(model->checkpoint, tensor, &values, p->err) != VIT_OK)
        return false;
    part *added = add_part(p, model, pattern, block);
    if (!added)
        return false;
    added->pieces[0] = values;
    added->sizes[0] = vit__tensor_elements(tensor) * sizeof *values;
    added->rank = 1;
    added->shape[0] = vit__tensor_elements(tensor);
    return true;
}

/* As it was opened, but for what packing has settled. */
static vit_config packed_config(const vit_model *model)
{
    vit_config config = model->config;
    config.pool_query_projected = false;
    config.pool_queries = 0;
    config.grouped_keys = false;
    return config;
}

/* Norms, tokens and tables, f32 whatever they were. An attention pool's query is written as it is used. */
static bool add_vectors(packing *p, const vit_model *model, vit__slot slot, size_t block)
{
    const vit__bound *bound = vit__binding_get(&model->binding, slot, block);
    const vit__name *name = &vit__packed_names[slot];
    if (bound->weight) {
        const float *known = slot == VIT__SLOT_POOL_LATENT ? model->weights.pool.query : NULL;
        if (!add_floats(p, model, name->weight, block, bound->weight, known))
            return false;
        part *added = &p->parts[p->n_parts - 1];
        const vit_config config = packed_config(model);
        added->rank = vit__binding_shape(&config, slot, block, added->shape);
        if (known)
            added->sizes[0] = vit__config_pool_width(&config) * sizeof *known;
    }
    return !bound->bias || add_floats(p, model, name->bias, block, bound->bias, NULL);
}

/* All tensors of one kind of all towers. */
static bool collect(packing *p, bool layers)
{
    for (size_t tower = 0; tower < VIT__TOWERS; tower++) {
        const vit_model *model = p->towers[tower];
        for (vit__slot slot = 0; model && slot < VIT__SLOTS; slot++) {
            bool layer = vit__packed_names[slot].layout == VIT__LAYOUT_PACKED;
            size_t blocks = slot < VIT__SLOT_BLOCK ? 1 : vit__config_pairs(&model->config);
            for (size_t block = 0; vit__packed_names[slot].weight && layer == layers && block < blocks; block++)
                if (!(layer ? add_layer : add_vectors)(p, model, slot, block))
                    return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------ header ---- */

static vit__json *pair(size_t first, size_t second)
{
    vit__json *array = vit__json_new_array();
    if (vit__json_append(array, vit__json_new_number((double)first)) &&
        vit__json_append(array, vit__json_new_number((double)second)))
        return array;
    vit__json_free(array);
    return NULL;
}

/* {"dtype": ..., "shape": [...], "data_offsets": [from, to]} */
static bool set_part(vit__json *header, const part *added, size_t *offset)
{
    size_t from = *offset;
    for (size_t i = 0; i < VIT__PACKED_PIECES; i++)
        *offset += added->sizes[i];
    vit__json *tensor = vit__json_new_object(), *shape = vit__json_new_array();
    bool done = vit__json_set(tensor, "dtype", vit__json_new_string(added->layer ? "U8" : "F32"));
    for (size_t i = 0; i < added->rank; i++)
        done = vit__json_append(shape, vit__json_new_number((double)added->shape[i])) && done;
    done = vit__json_set(tensor, "shape", shape) && done;
    done = vit__json_set(tensor, "data_offsets", pair(from, *offset)) && done;
    return vit__json_set(header, added->name, tensor) && done;
}

/* index -> name, as transformers has it */
static bool set_labels(vit__json *config, const vit_model *model)
{
    if (!model || !model->labels)
        return true;
    vit__json *labels = vit__json_new_object();
    bool done = true;
    for (size_t i = 0; i < model->config.classes; i++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        if (model->labels[i])
            done = vit__json_set(labels, key, vit__json_new_string(model->labels[i])) && done;
    }
    return vit__json_set(config, "id2label", labels) && done;
}

static vit__json *tower_config(const vit_model *model)
{
    const vit_config config = packed_config(model);
    return vit__config_json(&config);
}

static vit__json *file_config(const packing *p, const char *digest)
{
    const vit_model *any = p->towers[VIT__TOWER_IMAGE] ? p->towers[VIT__TOWER_IMAGE] : p->towers[VIT__TOWER_TEXT];
    vit__json *config = vit__json_new_object(), *parameters = vit__json_new_object();
    bool done = vit__json_set(config, "version", vit__json_new_number(VIT__PACKED_VERSION)) &&
                vit__json_set(config, "precision", vit__json_new_string(vit_precision_name(any->precision))) &&
                vit__json_set(config, "source_digest", vit__json_new_string(digest));
    for (size_t tower = 0; tower < VIT__TOWERS; tower++) {
        const vit_model *model = p->towers[tower];
        if (!model)
            continue;
        done = vit__json_set(parameters, vit__tower_names[tower], vit__json_new_number((double)model->parameters)) &&
               done;
        done = vit__json_set(config, vit__tower_names[tower], tower_config(model)) && done;
        done = set_labels(config, model) && done;
    }
    done = vit__json_set(config, "parameters", parameters) && done;
    if (done)
        return config;
    vit__json_free(config);
    return NULL;
}

/* A JSON document as a text in another. */
static bool set_text(vit__json *object, const char *key, vit__json *value)
{
    char *text = value ? vit__json_text(value, 0) : NULL;
    bool done = text && vit__json_set(object, key, vit__json_new_string(text));
    free(text);
    vit__json_free(value);
    return done;
}

static vit__json *metadata(const packing *p, const char *digest)
{
    const vit_model *image = p->towers[VIT__TOWER_IMAGE];
    vit__json *object = vit__json_new_object();
    bool done = vit__json_set(object, "format", vit__json_new_string("vit-packed")) &&
                set_text(object, "config", file_config(p, digest)) &&
                (!image || !image->preprocessor ||
                 set_text(object, "preprocess", vit__preprocess_json(image->preprocessor))) &&
                (!p->fit || vit__json_set(object, "fit", vit__json_new_string(p->fit)));
    if (done)
        return object;
    vit__json_free(object);
    return NULL;
}

static char *header_text(const packing *p, const char *digest)
{
    size_t offset = 0;
    vit__json *header = vit__json_new_object();
    bool done = vit__json_set(header, "__metadata__", metadata(p, digest));
    for (size_t i = 0; i < p->n_parts && done; i++)
        done = set_part(header, &p->parts[i], &offset);
    char *text = done ? vit__json_text(header, 0) : NULL;
    vit__json_free(header);
    return text;
}

/* ------------------------------------------------------------------ writing ---- */

static vit_status put(const packing *p, const vit_sink *sink, const void *bytes, size_t size)
{
    if (size == 0 || sink->write(sink->context, bytes, size) == 0)
        return VIT_OK;
    return vit__fail(p->err, VIT_ERR_UNWRITABLE, p->where, "the file could not be written");
}

/* 8 bytes of size, little end first; the header; spaces up to where the data start. */
static vit_status put_header(const packing *p, const vit_sink *sink, const char *text)
{
    static const char spaces[ALIGNMENT + 1] = "                                                                ";
    size_t length = strlen(text), padding = (ALIGNMENT - (8 + length) % ALIGNMENT) % ALIGNMENT;
    unsigned char size[8];
    for (size_t i = 0; i < sizeof size; i++)
        size[i] = (unsigned char)((uint64_t)(length + padding) >> (8 * i));
    vit_status status = put(p, sink, size, sizeof size);
    if (status == VIT_OK)
        status = put(p, sink, text, length);
    return status == VIT_OK ? put(p, sink, spaces, padding) : status;
}

static vit_status put_file(const packing *p, const vit_sink *sink, const char *digest)
{
    char *text = header_text(p, digest);
    if (!text)
        return vit__fail_memory(p->err, p->where);
    vit_status status = put_header(p, sink, text);
    free(text);
    for (size_t i = 0; i < p->n_parts; i++)
        for (size_t k = 0; k < VIT__PACKED_PIECES && status == VIT_OK; k++)
            status = put(p, sink, p->parts[i].pieces[k], p->parts[i].sizes[k]);
    return status;
}

static vit_status check_towers(const char *function, const vit_model *image, const vit_model *text,
                               const vit_sink *sink, vit_error *err)
{
    if ((!image && !text) || !sink || !sink->write)
        return vit__fail_null(err, function,
                              !sink          ? "sink"
                              : !sink->write ? "sink->write"
                                             : "image, and text with it,");
    if ((image && image->config.input != VIT__INPUT_PIXELS) || (text && text->config.input != VIT__INPUT_TOKENS))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "a tower is given in the other's place");
    if (image && text && image->precision != text->precision)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "the two towers are opened in different precisions");
    return VIT_OK;
}

static vit_status pack(packing *p, const vit_sink *sink, const char *digest)
{
    vit_status status = VIT_OK;
    if (!(collect(p, true) && collect(p, false)))
        status = p->err->status;
    if (status == VIT_OK)
        status = put_file(p, sink, digest);
    for (size_t i = 0; i < p->n_made; i++)
        vit__gemm_tiles()->release(&p->made[i]);
    free(p->made);
    free(p->parts);
    return status;
}

/* What is written is worth something only if the files stayed as they were. */
static vit_status pack_whole(const vit_model *model, packing *p, const vit_sink *sink, const char *digest)
{
    vit_status status = pack(p, sink, digest);
    return status == VIT_OK ? vit_model_check(model, p->err) : status;
}

vit_status vit_model_pack(const vit_model *image, const vit_model *text, const vit_sink *sink, vit_error *err)
{
    vit_error first = {0};
    vit_error *told = err ? err : &first;
    vit_status status = check_towers(__func__, image, text, sink, told);
    if (status != VIT_OK)
        return status;
    const vit_model *any = image ? image : text;
    packing p = {.towers = {image, text}, .where = any->path, .err = told};
    if (image && image->head)
        p.fit = vit__checkpoint_metadata(image->head, "fit");
    char digest[65];
    status = vit_model_digest(any, digest, told);
    return status == VIT_OK ? pack_whole(any, &p, sink, digest) : status;
}

/* ------------------------------------------------------------------ with another classifier ---- */

static vit_status check_head(const vit_model *image, const vit_head *head, vit_error *err)
{
    if (!head || !head->weight || !head->bias || !head->labels)
        return vit__fail_null(err, "vit_model_pack_head", head ? "head->weight, bias or labels" : "head");
    if (VIT__CHECK_RESERVED(err, "vit_model_pack_head", head) != VIT_OK)
        return VIT_ERR_INVALID_ARGUMENT;
    return vit__other_head_check(image, head, "vit_model_pack_head", err);
}

/* The model as it will be read back: all but the classifier is the same memory. */
static vit_model with_head(const vit_model *image, const vit_head *head)
{
    vit_model model = *image;
    vit__other_head_put(&model, head);
    model.labels = (char **)(uintptr_t)head->labels; /* they are read only */
    return model;
}

vit_status vit_model_pack_head(const vit_model *image, const vit_head *head, const vit_sink *sink, vit_error *err)
{
    vit_error first = {0};
    vit_error *told = err ? err : &first;
    char digest[65];
    vit_status status = image ? check_towers(__func__, image, NULL, sink, told)
                              : vit__fail_null(told, __func__, "image");
    if (status == VIT_OK)
        status = check_head(image, head, told);
    if (status == VIT_OK)
        status = vit_model_digest(image, digest, told);
    if (status != VIT_OK)
        return status;
    const vit_model model = with_head(image, head);
    packing p = {.towers = {&model, NULL}, .fit = head->fit, .where = image->path, .err = told};
    return pack_whole(image, &p, sink, digest);
}
