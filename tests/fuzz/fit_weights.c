/* SPDX-License-Identifier: BSD-2-Clause */
#include "fit_weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding_specs.h"
#include "buffer.h"
#include "bytes.h"
#include "family.h"
#include "fuzz.h"

#define PAIRS_MOST 64
#define NUMBERS_MOST ((size_t)1 << 20) /* of all tensors together */
#define NAME_BYTES 256
#define HEADER_LENGTH 8 /* bytes: the length of the header */

/* The file of weights while it is made. */
typedef struct fitting {
    const vit__checkpoint *checkpoint;
    const vit__plan *plan; /* of the tower that is looked at */
    vit__buffer header, data;
    bool too_large;
} fitting;

static bool is_listed(const fitting *f, const char *name)
{
    char quoted[NAME_BYTES + 4];
    const int length = snprintf(quoted, sizeof quoted, "\"%s\":", name);
    return f->header.size > 0 && memmem(f->header.data, f->header.size, quoted, (size_t)length) != NULL;
}

static void put_entry(fitting *f, const char *name, const char *type, const vit__shape *shape, size_t bytes)
{
    vit__buffer_format(&f->header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", f->header.size ? "," : "{", name, type);
    for (size_t i = 0; i < shape->rank; i++)
        vit__buffer_format(&f->header, "%s%zu", i ? "," : "", shape->sizes[i]);
    vit__buffer_format(&f->header, "],\"data_offsets\":[%zu,%zu]}", f->data.size, f->data.size + bytes);
}

static void make_up(fitting *f, const char *name, const vit__shape *shape, size_t n)
{
    put_entry(f, name, "F32", shape, n * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        const float number = (float)(i * 2654435761u % 257) / 512 - 0.25f;
        vit__buffer_add(&f->data, &number, sizeof number);
    }
}

static void put(fitting *f, const char *name, const vit__shape *shape)
{
    size_t n = 1;
    for (size_t i = 0; i < shape->rank; i++)
        n = shape->sizes[i] > NUMBERS_MOST ? NUMBERS_MOST + 1 : n * shape->sizes[i];
    f->too_large = f->too_large || n > NUMBERS_MOST || f->data.size / sizeof(float) + n > NUMBERS_MOST;
    if (f->too_large || is_listed(f, name))
        return;
    const vit__tensor *there = vit__checkpoint_find(f->checkpoint, name);
    if (!there || there->rank != shape->rank || memcmp(there->shape, shape->sizes, shape->rank * sizeof *there->shape))
        make_up(f, name, shape, n);
    else {
        put_entry(f, name, there->dtype_name, shape, there->size);
        vit__buffer_add(&f->data, there->data, there->size);
    }
}

/* The name of a slot's weight or bias. false: the config asks for none, or the family has none. */
static bool name_of(const fitting *f, vit__slot slot, size_t block, bool bias, char *name)
{
    const vit__name *names = &f->plan->names[slot];
    const char *pattern = bias ? names->bias : names->weight;
    return pattern && names->layout != VIT__LAYOUT_PACKED && vit__spec_wants(&f->plan->config, slot, block, bias) &&
           vit__binding_name(&f->plan->config, pattern, f->plan->prefix, block, name, NAME_BYTES);
}

/* Do the parts stand alone where a slot could pack them? Where the checkpoint has one of them, and not the whole. */
static bool is_apart(const fitting *f, vit__slot packed, size_t block, bool bias)
{
    char name[NAME_BYTES];
    if (!name_of(f, packed, block, bias, name))
        return true;
    if (vit__checkpoint_find(f->checkpoint, name))
        return false;
    for (vit__slot part = 0; part < VIT__SLOTS; part++)
        if (vit__spec_packed(part) == packed && name_of(f, part, block, bias, name) &&
            (vit__checkpoint_find(f->checkpoint, name) || (vit__spec_packs(part) && is_apart(f, part, block, bias))))
            return true;
    return false;
}

static void put_slot(fitting *f, vit__slot slot, size_t block, bool bias)
{
    char name[NAME_BYTES];
    for (vit__slot packed = vit__spec_packed(slot); packed != VIT__UNPACKED; packed = vit__spec_packed(packed))
        if (!is_apart(f, packed, block, bias))
            return;
    const bool packs = vit__spec_packs(slot) && (slot != VIT__SLOT_FC1 || f->plan->config.mlp == VIT__MLP_GATED);
    if (!name_of(f, slot, block, bias, name) || (packs && is_apart(f, slot, block, bias)))
        return;
    vit__layout layout = f->plan->names[slot].layout;
    vit__shape shape = vit__spec_shape(&f->plan->config, slot, block, layout);
    if (bias)
        shape = (vit__shape){1, {shape.sizes[layout == VIT__LAYOUT_TRANSPOSED]}};
    put(f, name, &shape);
}

static void put_tower(fitting *f)
{
    const size_t pairs = vit__config_pairs(&f->plan->config);
    f->too_large = f->too_large || pairs > PAIRS_MOST;
    for (vit__slot slot = 0; slot < VIT__SLOTS; slot++)
        for (size_t block = 0; block < (slot < VIT__SLOT_BLOCK ? 1 : pairs) && !f->too_large; block++) {
            put_slot(f, slot, block, false);
            put_slot(f, slot, block, true);
        }
}

static void put_towers(fitting *f)
{
    const vit__family *family;
    if (vit__family_find(f->checkpoint, &family, NULL) != VIT_OK)
        return;
    for (vit__tower tower = 0; tower < VIT__TOWERS; tower++) {
        vit__plan *plan = calloc(1, sizeof *plan);
        if (!plan)
            abort();
        f->plan = plan;
        if (family->plan(f->checkpoint, tower, plan, NULL) == VIT_OK && plan->present &&
            vit__config_finish(&plan->config, "", NULL) == VIT_OK)
            put_tower(f);
        free(plan);
    }
}

static void write_weights(fitting *f, const char *name)
{
    uint8_t length[HEADER_LENGTH];
    vit__buffer file = {0};
    vit__buffer_add(&f->header, "}", 1);
    vit__put_le64(length, f->header.size);
    vit__buffer_add(&file, length, sizeof length);
    vit__buffer_add(&file, f->header.data, f->header.size);
    vit__buffer_add(&file, f->data.data, f->data.size);
    if (file.failed || f->data.failed || f->header.failed)
        abort();
    scratch_write(name, file.data, file.size);
    vit__buffer_free(&file);
}

bool fit_weights(void)
{
    vit__checkpoint *checkpoint;
    const char *folder = scratch_path("");
    if (vit__checkpoint_open(folder, &checkpoint, NULL) != VIT_OK)
        return false;
    fitting f = {.checkpoint = checkpoint};
    const vit__checkpoint_kind kind = vit__checkpoint_kind_of(checkpoint);
    const bool open_clip = kind == VIT__CHECKPOINT_OPEN_CLIP;
    if (strcmp(vit__checkpoint_folder(checkpoint), folder) == 0 &&
        (open_clip || kind == VIT__CHECKPOINT_TRANSFORMERS || kind == VIT__CHECKPOINT_TIMM))
        put_towers(&f);
    const bool fits = f.header.size > 0 && !f.too_large;
    if (fits)
        write_weights(&f, open_clip ? "open_clip_model.safetensors" : "model.safetensors");
    vit__checkpoint_free(checkpoint);
    vit__buffer_free(&f.header);
    vit__buffer_free(&f.data);
    return fits;
}
