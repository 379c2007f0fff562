/* SPDX-License-Identifier: BSD-2-Clause */
#include "binding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding_specs.h"
#include "error.h"
#include "memory.h"

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

typedef struct binder {
    const vit__plan *plan;
    const vit__checkpoint *checkpoint;
    vit__binding *binding;
    vit_error *err;
} binder;

static vit__bound *place(const vit__binding *binding, vit__slot slot, size_t block)
{
    return (vit__bound *)(slot < VIT__SLOT_BLOCK ? &binding->once[slot]
                                                 : &binding->blocks[block][slot - VIT__SLOT_BLOCK]);
}

const vit__bound *vit__binding_get(const vit__binding *binding, vit__slot slot, size_t block)
{
    return place(binding, slot, block);
}

size_t vit__binding_shape(const vit_config *config, vit__slot slot, size_t block, size_t sizes[VIT__BINDING_RANK_MAX])
{
    const vit__shape want = vit__spec_shape(config, slot, block, VIT__LAYOUT_PLAIN);
    memcpy(sizes, want.sizes, sizeof want.sizes);
    return want.rank;
}

static bool same_shape(const vit__tensor *tensor, const vit__shape *want)
{
    bool scalar = want->rank == 0 && vit__tensor_elements(tensor) == 1 && tensor->rank <= 1; /* [] or [1] */
    return scalar ||
           (tensor->rank == want->rank && memcmp(tensor->shape, want->sizes, want->rank * sizeof *want->sizes) == 0);
}

static void shape_text(const vit__shape *s, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (size_t i = 0; i < s->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", i ? ", " : "", s->sizes[i]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}

static bool floating(const vit__tensor *tensor)
{
    return tensor->dtype == VIT__DTYPE_F32 || tensor->dtype == VIT__DTYPE_F16 || tensor->dtype == VIT__DTYPE_BF16 ||
           tensor->dtype == VIT__DTYPE_F64;
}

static vit_status check_tensor(const binder *b, const vit__tensor *tensor, const vit__shape *want)
{
    char has[128], wants[128];
    vit__tensor_shape_text(tensor, has, sizeof has);
    shape_text(want, wants, sizeof wants);
    if (!same_shape(tensor, want))
        return vit__fail(b->err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(b->checkpoint),
                         "tensor \"%s\" has shape %s, but %s asks for %s", tensor->name, has,
                         vit__checkpoint_config_name(b->checkpoint), wants);
    if (!floating(tensor))
        return vit__fail(b->err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(b->checkpoint),
                         "tensor \"%s\" %s is %s: a weight must be F32, F16, BF16 or F64", tensor->name, has,
                         tensor->dtype_name);
    return VIT_OK;
}

/* How many bytes they must be depends on the precision: weights.c knows. */
static vit_status check_packed(const binder *b, const vit__tensor *tensor)
{
    char has[128];
    vit__tensor_shape_text(tensor, has, sizeof has);
    if (tensor->dtype != VIT__DTYPE_U8 || tensor->rank != 1)
        return vit__fail(b->err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(b->checkpoint),
                         "tensor \"%s\" is %s %s: a packed layer is U8 bytes in one row", tensor->name,
                         tensor->dtype_name, has);
    return VIT_OK;
}

static vit_status missing(const binder *b, const char *name, const vit__shape *want)
{
    char wants[128];
    shape_text(want, wants, sizeof wants);
    return vit__fail(b->err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(b->checkpoint),
                     "tensor \"%s\" %s, which %s asks for, is missing", name, wants,
                     vit__checkpoint_config_name(b->checkpoint));
}

/* Does a slot that packs this one, directly or over another, already hold a weight (or a bias)? A layer that is stored
 * packed holds both. */
static bool is_packed(const binder *b, vit__slot slot, size_t block, bool bias)
{
    for (vit__slot packed = vit__spec_packed(slot); packed != VIT__UNPACKED; packed = vit__spec_packed(packed)) {
        const vit__bound *other = vit__binding_get(b->binding, packed, block);
        bool whole = b->plan->names[packed].layout == VIT__LAYOUT_PACKED;
        if (bias && !whole ? other->bias != NULL : other->weight != NULL)
            return true;
    }
    return false;
}

/* Which block, and which branch of it, a pair of attention and MLP is; in stages: which stage, and which block of
 * it. */
static vit__place place_of(const vit_config *c, size_t pair)
{
    if (c->stages.n) {
        size_t stage = vit__config_stage(c, pair);
        return (vit__place){stage, pair - vit__config_stage_first(c, stage)};
    }
    size_t branches = c->branches ? c->branches : 1;
    return (vit__place){pair / branches, pair % branches};
}

bool vit__binding_name(const vit_config *config, const char *pattern, const char *prefix, size_t block, char *text,
                       size_t size)
{
    return vit__family_tensor_name(pattern, prefix, place_of(config, block), text, size);
}

static bool name_tensor(const binder *b, const char *pattern, size_t block, char *name, size_t size)
{
    return vit__binding_name(&b->plan->config, pattern, b->plan->prefix, block, name, size);
}

/* Is a tensor there that the same slot packs? Then the checkpoint keeps them apart. */
static bool keeps_apart(const binder *b, vit__slot packed, size_t block, bool bias)
{
    char name[256];
    for (vit__slot slot = 0; slot < VIT__SLOTS; slot++) {
        const vit__name *names = &b->plan->names[slot];
        const char *pattern = bias ? names->bias : names->weight;
        if (vit__spec_packed(slot) == packed && pattern && name_tensor(b, pattern, block, name, sizeof name) &&
            vit__checkpoint_find(b->checkpoint, name))
            return true;
    }
    return false;
}

/* The weight or the bias of a slot. */
typedef struct wanted {
    vit__slot slot;
    size_t block;
    bool bias;
    bool optional; /* what it packs may be there instead */
} wanted;

static const char *pattern_of(const binder *b, vit__slot slot, bool bias)
{
    return bias ? b->plan->names[slot].bias : b->plan->names[slot].weight;
}

/* Rows of a key or value matrix with fewer heads than the queries have, each of which serves
 * several of those (Ainslie et al. 2023); 0: as many. The keys' matrix says how many. */
static size_t grouped_rows(const binder *b, size_t block)
{
    char name[256];
    const vit_config *c = &b->plan->config;
    const char *pattern = pattern_of(b, VIT__SLOT_KEY, false);
    if (!c->grouped_keys || !pattern || !name_tensor(b, pattern, block, name, sizeof name))
        return 0;
    const vit__tensor *key = vit__checkpoint_find(b->checkpoint, name);
    size_t heads = key && key->rank == 2 && key->shape[0] % c->head_dim == 0 ? key->shape[0] / c->head_dim : 0;
    return heads && c->heads % heads == 0 ? heads * c->head_dim : 0;
}

static vit__shape shape_of(const binder *b, vit__slot slot, size_t block, bool bias)
{
    vit__layout layout = b->plan->names[slot].layout;
    vit__shape want = vit__spec_shape(&b->plan->config, slot, block, layout);
    size_t grouped = vit__spec_is_grouped(slot) ? grouped_rows(b, block) : 0;
    if (grouped)
        want.sizes[0] = grouped;
    if (!bias)
        return want;
    return (vit__shape){1, {layout == VIT__LAYOUT_TRANSPOSED ? want.sizes[1] : want.sizes[0]}};
}

/* Names the tensor that people would look for: the packed one, unless its parts are apart. */
static vit_status tell_missing(const binder *b, const wanted *w)
{
    vit__slot told = w->slot;
    char name[256];
    for (vit__slot packed = vit__spec_packed(told); packed != VIT__UNPACKED; packed = vit__spec_packed(packed))
        if (pattern_of(b, packed, w->bias) && vit__spec_wants(&b->plan->config, packed, w->block, w->bias) &&
            (!pattern_of(b, told, w->bias) || !keeps_apart(b, packed, w->block, w->bias)))
            told = packed;
    const char *pattern = pattern_of(b, told, w->bias);
    vit__shape want = shape_of(b, told, w->block, w->bias);
    if (!pattern || !name_tensor(b, pattern, w->block, name, sizeof name))
        return missing(b, "(one that this family has no name for)", &want);
    return missing(b, name, &want);
}

/* Files of old call the weight and bias of a LayerNorm gamma and beta, as TensorFlow does. */
static const vit__tensor *find_tensor(const binder *b, const char *name)
{
    static const char *const names[][2] = {{"LayerNorm.weight", "LayerNorm.gamma"},
                                           {"LayerNorm.bias", "LayerNorm.beta"}};
    const vit__tensor *tensor = vit__checkpoint_find(b->checkpoint, name);
    char old[256];
    for (size_t i = 0; !tensor && i < 2; i++)
        if (ends_with(name, names[i][0])) {
            snprintf(old, sizeof old, "%.*s%s", (int)(strlen(name) - strlen(names[i][0])), name, names[i][1]);
            tensor = vit__checkpoint_find(b->checkpoint, old);
        }
    return tensor;
}

static vit_status bind_tensor(const binder *b, const wanted *w, const vit__tensor **bound)
{
    char name[256];
    const char *pattern = pattern_of(b, w->slot, w->bias);
    if (pattern && !name_tensor(b, pattern, w->block, name, sizeof name))
        return vit__fail(b->err, VIT_ERR_INTERNAL, pattern, "the name of a tensor is too long");
    *bound = pattern ? find_tensor(b, name) : NULL;
    if (!*bound)
        return w->optional ? VIT_OK : tell_missing(b, w);
    if (b->plan->names[w->slot].layout == VIT__LAYOUT_PACKED)
        return check_packed(b, *bound);
    vit__shape want = shape_of(b, w->slot, w->block, w->bias);
    return check_tensor(b, *bound, &want);
}

static vit_status bind_slot(const binder *b, vit__slot slot, size_t block)
{
    const vit_config *c = &b->plan->config;
    vit__bound *bound = place(b->binding, slot, block);
    bool packs_parts = vit__spec_packs(slot) &&
                       (slot != VIT__SLOT_FC1 || c->mlp == VIT__MLP_GATED); /* else it is the layer itself */
    wanted weight = {slot, block, false, packs_parts}, bias = {slot, block, true, packs_parts};
    vit_status status = VIT_OK;
    if (vit__spec_wants(c, slot, block, false) && !is_packed(b, slot, block, false))
        status = bind_tensor(b, &weight, &bound->weight);
    bool apart = b->plan->names[slot].layout != VIT__LAYOUT_PACKED;
    if (status == VIT_OK && apart && vit__spec_wants(c, slot, block, true) && !is_packed(b, slot, block, true))
        status = bind_tensor(b, &bias, &bound->bias);
    return status;
}

vit_status vit__binding_make(const vit__plan *plan, const vit__checkpoint *checkpoint, vit__binding *binding,
                             vit_error *err)
{
    *binding = (vit__binding){0};
    size_t pairs = vit__config_pairs(&plan->config);
    binding->blocks = vit__alloc_zero(pairs, sizeof *binding->blocks);
    if (!binding->blocks)
        return vit__fail_memory(err, vit__checkpoint_path(checkpoint));
    binder b = {plan, checkpoint, binding, err};
    vit_status status = VIT_OK;
    for (vit__slot slot = 0; slot < VIT__SLOT_BLOCK && status == VIT_OK; slot++)
        status = bind_slot(&b, slot, 0);
    for (size_t block = 0; block < pairs; block++)
        for (vit__slot slot = VIT__SLOT_BLOCK; slot < VIT__SLOTS && status == VIT_OK; slot++)
            status = bind_slot(&b, slot, block);
    if (status != VIT_OK)
        vit__binding_free(binding);
    return status;
}

void vit__binding_free(vit__binding *binding)
{
    free(binding->blocks);
    *binding = (vit__binding){0};
}

/* ------------------------------------------------------------------ what is left over ---- */

static int compare_pointers(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) * (const vit__tensor *const *)a, right = (uintptr_t) * (const vit__tensor *const *)b;
    return (left > right) - (left < right);
}

/* "decoder.*" stands for all names that start so, "*decoder*" for all that hold it, anything else for those that end
 * so. */
static bool fits(const char *name, const char *pattern)
{
    const char *star = strchr(pattern, '*');
    if (star != pattern)
        return star ? strncmp(name, pattern, (size_t)(star - pattern)) == 0 : ends_with(name, pattern);
    size_t length = strcspn(pattern + 1, "*");
    for (; *name; name++)
        if (strncmp(name, pattern + 1, length) == 0)
            return true;
    return false;
}

static bool is_harmless(const vit__family *family, const char *name)
{
    for (size_t i = 0; family->harmless && family->harmless[i]; i++)
        if (fits(name, family->harmless[i]))
            return true;
    return false;
}

static size_t collect(const vit__binding *binding, size_t pairs, const vit__tensor **used)
{
    size_t n = 0;
    for (size_t slot = 0; slot < VIT__SLOTS; slot++)
        for (size_t block = 0; block < (slot < VIT__SLOT_BLOCK ? 1 : pairs); block++) {
            const vit__bound *bound = vit__binding_get(binding, (vit__slot)slot, block);
            used[n] = bound->weight;
            n += bound->weight != NULL;
            used[n] = bound->bias;
            n += bound->bias != NULL;
        }
    return n;
}

static bool is_theirs(const vit__towers *towers, const char *name)
{
    return !towers->prefix || strncmp(name, towers->prefix, strlen(towers->prefix)) == 0;
}

/* All tensors that a binding takes, sorted by address; the caller frees. NULL: out of memory. */
static const vit__tensor **collect_all(const vit__towers *towers, size_t *n)
{
    size_t most = 1;
    for (size_t i = 0; i < towers->n; i++)
        most += 2 * VIT__SLOTS * (1 + vit__config_pairs(&towers->plans[i].config));
    const vit__tensor **used = vit__alloc_zero(most, sizeof *used);
    *n = 0;
    for (size_t i = 0; used && i < towers->n; i++)
        if (towers->plans[i].present)
            *n += collect(&towers->bindings[i], vit__config_pairs(&towers->plans[i].config), used + *n);
    if (used)
        qsort(used, *n, sizeof *used, compare_pointers);
    return used;
}

vit_status vit__binding_check_unused(const vit__towers *towers, const vit__family *family,
                                     const vit__checkpoint *checkpoint, vit_error *err)
{
    size_t n_used;
    const vit__tensor **used = collect_all(towers, &n_used);
    if (!used)
        return vit__fail_memory(err, vit__checkpoint_path(checkpoint));
    vit_status status = VIT_OK;
    for (size_t i = 0; i < vit__checkpoint_tensors(checkpoint) && status == VIT_OK; i++) {
        const vit__tensor *tensor = vit__checkpoint_tensor(checkpoint, i);
        if (vit__tensor_elements(tensor) == 0) /* transformers' DINOv3 writes its register tokens though it has none */
            continue;
        if (bsearch(&tensor, used, n_used, sizeof *used, compare_pointers) || is_harmless(family, tensor->name) ||
            !is_theirs(towers, tensor->name))
            continue;
        char has[128];
        vit__tensor_shape_text(tensor, has, sizeof has);
        status = vit__fail(err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(checkpoint),
                           "tensor \"%s\" %s is there, but %s has no place for it", tensor->name, has,
                           vit__checkpoint_config_name(checkpoint));
    }
    free(used);
    return status;
}
