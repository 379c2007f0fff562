/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules as canonical JSON, and back: the description, what the digest is of, and what self-contained files hold. */
#include <stdlib.h>
#include <string.h>

#include "picture_keys.h"
#include "error.h"
#include "preprocess.h"

static const char *const library_names[] = {"transformers", "timm", "open_clip", NULL};
static const char *const mode_names[] = {"none", "squash", "shortest", "longest", "within", "fit", "patches", NULL};

static vit__json *edges(uint32_t height, uint32_t width)
{
    vit__json *array = vit__json_new_array();
    if (vit__json_append(array, vit__json_new_number(height)) && vit__json_append(array, vit__json_new_number(width)))
        return array;
    vit__json_free(array);
    return NULL;
}

static vit__json *colour(const double value[3])
{
    vit__json *array = vit__json_new_array();
    for (size_t c = 0; c < 3; c++) {
        if (!vit__json_append(array, vit__json_new_number(value[c]))) {
            vit__json_free(array);
            return NULL;
        }
    }
    return array;
}

static bool set_resize(vit__json *json, const vit_preprocessor *p)
{
    if (!vit__json_set(json, "resize", vit__json_new_string(mode_names[p->resize])))
        return false;
    if (p->most_patches && !(vit__json_set(json, "patch_size", vit__json_new_number(p->patch_size)) &&
                             vit__json_set(json, "max_num_patches", vit__json_new_number(p->most_patches))))
        return false;
    if (p->resize == VIT__RESIZE_NONE)
        return true;
    return (p->resize == VIT__RESIZE_PATCHES ||
            vit__json_set(json, "resize_size", edges(p->resize_height, p->resize_width))) &&
           vit__json_set(json, "filter", vit__json_new_string(vit__filter_names[p->filter])) &&
           vit__json_set(json, "resize_floats", vit__json_new_boolean(p->resize_floats));
}

static bool set_crop(vit__json *json, const vit_preprocessor *p)
{
    const double fill[3] = {p->fill[0], p->fill[1], p->fill[2]};
    if (p->crop && !(vit__json_set(json, "crop_size", edges(p->crop_height, p->crop_width)) &&
                     vit__json_set(json, "fill", colour(fill))))
        return false;
    if (p->crop_pct > 0 && !vit__json_set(json, "crop_pct", vit__json_new_number(p->crop_pct)))
        return false;
    return p->squash_from == 0 || vit__json_set(json, "squash_from", vit__json_new_number(p->squash_from));
}

static bool set_numbers(vit__json *json, const vit_preprocessor *p)
{
    if (p->rescale && !vit__json_set(json, "rescale_factor", vit__json_new_number(p->factor)))
        return false;
    return !p->normalise ||
           (vit__json_set(json, "mean", colour(p->mean)) && vit__json_set(json, "std", colour(p->std)));
}

/* What does not count in these rules is left out, so that equal rules have one text. */
vit__json *vit__preprocess_json(const vit_preprocessor *p)
{
    vit__json *json = vit__json_new_object();
    if (vit__json_set(json, "library", vit__json_new_string(library_names[p->library])) && set_resize(json, p) &&
        set_crop(json, p) && set_numbers(json, p))
        return json;
    vit__json_free(json);
    return NULL;
}

char *vit_preprocessor_describe(const vit_preprocessor *p)
{
    vit__json *json = p ? vit__preprocess_json(p) : NULL;
    char *text = json ? vit__json_text(json, 0) : NULL;
    vit__json_free(json);
    return text;
}

static void read_resize(vit__reader *r, vit_preprocessor *p)
{
    int mode = 0, filter = 0;
    vit__read_name(r, "resize", mode_names, &mode);
    vit__read_name(r, "filter", vit__filter_names, &filter);
    vit__read_edges(r, "resize_size", &p->resize_height, &p->resize_width);
    vit__read_truth(r, "resize_floats", &p->resize_floats);
    vit__read_edge(r, "patch_size", &p->patch_size);
    vit__read_edge(r, "max_num_patches", &p->most_patches);
    p->resize = (vit__resize_mode)mode;
    p->filter = (vit_filter)filter;
}

static void read_crop(vit__reader *r, vit_preprocessor *p)
{
    double fill[3] = {0, 0, 0};
    p->crop = vit__read_has(r, "crop_size");
    vit__read_edges(r, "crop_size", &p->crop_height, &p->crop_width);
    vit__read_colour(r, "fill", fill);
    for (size_t c = 0; c < 3 && !vit__reader_failed(r); c++) {
        if (!(fill[c] >= 0 && fill[c] <= 255))
            vit__reader_fail(r, VIT_ERR_CORRUPT, "\"fill\" is not within 0 to 255");
        else
            p->fill[c] = (uint8_t)fill[c];
    }
    p->crop_pct = vit__read_number(r, "crop_pct", p->crop_pct);
    if (!(p->crop_pct >= 0 && p->crop_pct <= 1e6))
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"crop_pct\" is %g", p->crop_pct);
    vit__read_edge(r, "squash_from", &p->squash_from);
}

static void read_numbers(vit__reader *r, vit_preprocessor *p)
{
    p->rescale = vit__read_has(r, "rescale_factor");
    p->normalise = vit__read_has(r, "mean") && vit__read_has(r, "std");
    p->factor = vit__read_number(r, "rescale_factor", p->factor);
    vit__read_colour(r, "mean", p->mean);
    vit__read_colour(r, "std", p->std);
}

vit_status vit__preprocess_from_own(const vit__json *config, const char *name, vit_preprocessor *out, vit_error *err)
{
    vit__reader r = vit__reader_start(config, name, err);
    vit_preprocessor p = {0};
    int library = -1;
    *out = (vit_preprocessor){0};
    vit__read_name(&r, "library", library_names, &library);
    if (library < 0)
        vit__reader_fail(&r, VIT_ERR_CORRUPT, "\"library\" is missing");
    read_resize(&r, &p);
    read_crop(&r, &p);
    read_numbers(&r, &p);
    if (r.status != VIT_OK)
        return r.status;
    p.library = (vit__preprocess_library)library;
    r.status = vit__preprocess_check(&p, name, err);
    if (r.status == VIT_OK)
        *out = p;
    return r.status;
}
