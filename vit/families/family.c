/* SPDX-License-Identifier: BSD-2-Clause */
#include "family.h"

#include <stdio.h>
#include <string.h>

#include "error.h"

static const vit__family *const families[] = {
    &vit__family_vit,          &vit__family_deit,    &vit__family_dinov2, &vit__family_dinov3,    &vit__family_beit,
    &vit__family_clip,         &vit__family_siglip,  &vit__family_aimv2,  &vit__family_internvit, &vit__family_timm,
    &vit__family_open_clip,    &vit__family_own,     &vit__family_packed, &vit__family_text,      &vit__family_metaclip,
    &vit__family_chinese_clip, &vit__family_altclip, &vit__family_blip,   &vit__family_tipsv2,    &vit__family_dual,
    &vit__family_mclip,        &vit__family_siglip2, &vit__family_swin,
};
#define N_FAMILIES (sizeof families / sizeof *families)

static bool listed(const char *const *list, const char *text)
{
    for (size_t i = 0; text && list[i]; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

/* All values of "model_type" that some family takes, for a message. */
static void list_types(char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < N_FAMILIES; i++)
        for (size_t j = 0; families[i]->model_types && families[i]->model_types[j] && used < size; j++)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", families[i]->model_types[j]);
}

vit_status vit__family_find(const vit__checkpoint *checkpoint, const vit__family **family, vit_error *err)
{
    vit__checkpoint_kind kind = vit__checkpoint_kind_of(checkpoint);
    const char *type = vit__json_string(vit__json_get(vit__checkpoint_config(checkpoint), "model_type"));
    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (families[i]->kind == kind && (!families[i]->model_types || listed(families[i]->model_types, type))) {
            *family = families[i];
            return VIT_OK;
        }
    }
    char known[700];
    list_types(known, sizeof known);
    return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, vit__checkpoint_config_name(checkpoint),
                     "\"model_type\" is %s%.60s%s: this build knows %s, and timm's and open_clip's Vision Transformers",
                     type ? "\"" : "", type ? type : "missing", type ? "\"" : "", known);
}

bool vit__family_tensor_name(const char *pattern, const char *prefix, vit__place place, char *text, size_t size)
{
    bool outside = pattern[0] == '^';
    const size_t indices[] = {place.block, place.branch};
    int used = snprintf(text, size, "%s", outside ? "" : prefix);
    pattern += outside;
    for (size_t i = 0; i < 2 && used >= 0 && (size_t)used < size; i++) {
        const char *index = strstr(pattern, "%zu");
        if (!index)
            break;
        used += snprintf(text + used, size - (size_t)used, "%.*s%zu", (int)(index - pattern), pattern, indices[i]);
        pattern = index + strlen("%zu");
    }
    if (used >= 0 && (size_t)used < size)
        used += snprintf(text + used, size - (size_t)used, "%s", pattern);
    return used >= 0 && (size_t)used < size;
}

bool vit__family_has(const vit__checkpoint *checkpoint, const char *pattern, const char *prefix)
{
    char name[256];
    return pattern && vit__family_tensor_name(pattern, prefix, (vit__place){0, 0}, name, sizeof name) &&
           vit__checkpoint_find(checkpoint, name) != NULL;
}

void vit__plan_compose(vit__plan *plan)
{
    memcpy(plan->composed, plan->names, sizeof plan->composed);
    plan->names = plan->composed;
}

/* How many of the tensors that this naming names are there. */
static size_t count_named(const vit__checkpoint *checkpoint, const vit__naming *naming)
{
    size_t n = 0;
    for (size_t slot = 0; slot < VIT__SLOTS; slot++)
        n += vit__family_has(checkpoint, naming->names[slot].weight, naming->prefix);
    return n;
}

void vit__family_name(const vit__checkpoint *checkpoint, const vit__naming *namings, size_t n, vit__plan *plan)
{
    size_t best = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t named = count_named(checkpoint, &namings[i]);
        if (named > most) {
            most = named;
            best = i;
        }
    }
    plan->names = namings[best].names;
    plan->prefix = namings[best].prefix;
}
