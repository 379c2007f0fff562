/* SPDX-License-Identifier: BSD-2-Clause */
/* preprocessor_config.json of transformers: the image processor classes with their defaults, and how their files say
 * what differs. Old files (of "feature extractors") say less and give sizes as plain numbers. */
#include <string.h>
#include <strings.h>

#include "picture_keys.h"
#include "error.h"
#include "preprocess.h"

static const vit__colours standard = {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};

/* What a class does with a plain number, and what more it has of its own. */
enum {
    PLAIN_SHORTEST = 1, /* a plain number for the size means the shortest edge; else a square */
    SHORTEST = 2,       /* so does its default size */
    CROPS = 4,          /* crops unless told otherwise */
    CONVNEXT = 8,       /* crop_pct; from 384 up no crop */
    FLOATS = 16,        /* resizes floats */
    UNIT_COLOURS = 32,  /* leaves colours at 0 to 1 unless told otherwise */
    PATCHES = 64        /* keeps the aspect, within a number of patches; knows neither size nor crop */
};

typedef struct class_row {
    const char *name; /* without ImageProcessor, FeatureExtractor, Fast, Pil */
    unsigned traits;
    vit_filter filter;
    const vit__colours *colours;
    uint32_t size, crop_size; /* 0: none */
} class_row;

static const class_row classes[] = {
    {"ViT", 0, VIT_FILTER_BILINEAR, &standard, 224, 0},
    {"DeiT", CROPS, VIT_FILTER_BICUBIC, &standard, 256, 224},
    {"Beit", 0, VIT_FILTER_BICUBIC, &standard, 224, 224},
    {"CLIP", PLAIN_SHORTEST | SHORTEST | CROPS, VIT_FILTER_BICUBIC, &vit__colours_clip, 224, 224},
    {"ChineseCLIP", PLAIN_SHORTEST | SHORTEST | CROPS, VIT_FILTER_BICUBIC, &vit__colours_clip, 224, 224},
    {"Siglip", PLAIN_SHORTEST, VIT_FILTER_BICUBIC, &standard, 224, 0},
    {"Siglip2", PATCHES, VIT_FILTER_BILINEAR, &standard, 0, 0},
    {"Bit", PLAIN_SHORTEST | SHORTEST | CROPS, VIT_FILTER_BICUBIC, &vit__colours_clip, 224, 224},
    {"DINOv3ViT", FLOATS, VIT_FILTER_BILINEAR, &vit__colours_imagenet, 224, 0},
    {"ConvNext", PLAIN_SHORTEST | SHORTEST | CONVNEXT, VIT_FILTER_BICUBIC, &standard, 384, 0},
    {"Blip", 0, VIT_FILTER_BICUBIC, &vit__colours_clip, 384, 0},
    {"Tipsv2", UNIT_COLOURS, VIT_FILTER_BILINEAR, &standard, 448, 0},
};

/* The class of a model whose preprocessor_config.json names none. */
static const struct {
    const char *model_type, *class_name;
} model_classes[] = {
    {"aimv2", "CLIP"},
    {"altclip", "CLIP"},
    {"aimv2_vision_model", "CLIP"},
    {"beit", "Beit"},
    {"blip", "Blip"},
    {"chinese_clip", "ChineseCLIP"},
    {"clip", "CLIP"},
    {"clip_vision_model", "CLIP"},
    {"convnext", "ConvNext"},
    {"convnextv2", "ConvNext"},
    {"data2vec-vision", "Beit"},
    {"deit", "DeiT"},
    {"dinov2", "Bit"},
    {"dinov2_with_registers", "Bit"},
    {"dinov3_vit", "DINOv3ViT"},
    {"ijepa", "ViT"},
    {"metaclip_2", "CLIP"},
    {"siglip", "Siglip"},
    {"siglip_vision_model", "Siglip"},
    {"siglip2", "Siglip2"},
    {"siglip2_vision_model", "Siglip2"},
    {"swin", "ViT"},
    {"tipsv2", "Tipsv2"},
    {"vit", "ViT"},
    {"vit_mae", "ViT"},
    {"vit_msn", "ViT"},
};

static const class_row *find_class(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strlen(classes[i].name) == length && memcmp(classes[i].name, name, length) == 0)
            return &classes[i];
    return NULL;
}

/* The row for "CLIPImageProcessorFast" and similar names: the one for CLIP. */
static const class_row *class_by_type(const char *type)
{
    static const char *const suffixes[] = {"ImageProcessor", "ImageProcessorFast", "ImageProcessorPil",
                                           "FeatureExtractor"};
    size_t length = strlen(type);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t suffix = strlen(suffixes[i]);
        if (length > suffix && strcmp(type + length - suffix, suffixes[i]) == 0)
            return find_class(type, length - suffix);
    }
    return NULL;
}

static const class_row *class_by_model(const char *model_type)
{
    for (size_t i = 0; model_type && i < sizeof model_classes / sizeof *model_classes; i++)
        if (strcmp(model_classes[i].model_type, model_type) == 0)
            return find_class(model_classes[i].class_name, strlen(model_classes[i].class_name));
    return NULL;
}

static vit_status choose_class(const vit__reader *r, const char *model_type, const class_row **row)
{
    static const char *const keys[] = {"image_processor_type", "feature_extractor_type"};
    const char *type = NULL;
    *row = NULL;
    for (size_t i = 0; i < 2 && !*row; i++) {
        const char *value = vit__json_string(vit__json_get(r->object, keys[i]));
        if (!value)
            continue;
        type = value;
        *row = class_by_type(value);
    }
    if (!*row && !type)
        *row = class_by_model(model_type);
    if (*row)
        return VIT_OK;
    if (type)
        return vit__fail(r->err, VIT_ERR_UNSUPPORTED_MODEL, r->where, "the image processor %.100s is not supported",
                         type);
    return vit__fail(r->err, VIT_ERR_CORRUPT, r->where,
                     "no \"image_processor_type\" or \"feature_extractor_type\" says which image processor it is");
}

/* "size": a number, a list of height and width, or an object with one of four pairs of keys. */
static void read_size(vit__reader *r, const class_row *row, vit_preprocessor *p)
{
    bool square = !(row->traits & PLAIN_SHORTEST);
    p->resize = row->traits & SHORTEST ? VIT__RESIZE_SHORTEST : VIT__RESIZE_SQUASH;
    p->resize_height = p->resize_width = row->size;
    vit__read_truth(r, "default_to_square", &square);
    if (!vit__read_has(r, "size"))
        return;
    const vit__json *size = vit__json_get(r->object, "size");
    if (vit__json_is_array(size)) {
        p->resize = VIT__RESIZE_SQUASH;
        vit__read_edges(r, "size", &p->resize_height, &p->resize_width);
        return;
    }
    if (!vit__json_is_object(size)) {
        vit__read_edge(r, "size", &p->resize_height);
        p->resize_width = p->resize_height;
        p->resize = square ? VIT__RESIZE_SQUASH : VIT__RESIZE_SHORTEST;
        return;
    }
    static const struct {
        const char *height, *width;
        vit__resize_mode mode;
    } forms[] = {{"shortest_edge", "longest_edge", VIT__RESIZE_WITHIN},
                 {"shortest_edge", "shortest_edge", VIT__RESIZE_SHORTEST},
                 {"max_height", "max_width", VIT__RESIZE_FIT},
                 {"height", "width", VIT__RESIZE_SQUASH}};
    vit__reader inner = vit__reader_inside(r, size);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!vit__read_has(&inner, forms[i].height) || !vit__read_has(&inner, forms[i].width))
            continue;
        p->resize = forms[i].mode;
        vit__read_edge(&inner, forms[i].height, &p->resize_height);
        vit__read_edge(&inner, forms[i].width, &p->resize_width);
        return;
    }
    vit__reader_fail(r, VIT_ERR_CORRUPT, "\"size\" has neither height and width nor a shortest_edge");
}

/* "crop_size": a number, a list, or height and width. */
static void read_crop_size(vit__reader *r, vit_preprocessor *p)
{
    const vit__json *size = vit__json_get(r->object, "crop_size");
    if (vit__json_is_array(size)) {
        vit__read_edges(r, "crop_size", &p->crop_height, &p->crop_width);
        return;
    }
    if (!vit__json_is_object(size)) {
        vit__read_edge(r, "crop_size", &p->crop_height);
        if (vit__read_has(r, "crop_size"))
            p->crop_width = p->crop_height;
        return;
    }
    vit__reader inner = vit__reader_inside(r, size);
    p->crop_height = p->crop_width = 0;
    vit__read_edge(&inner, "height", &p->crop_height);
    vit__read_edge(&inner, "width", &p->crop_width);
}

static void read_crop(vit__reader *r, const class_row *row, vit_preprocessor *p)
{
    p->crop = row->traits & CROPS;
    vit__read_truth(r, "do_center_crop", &p->crop);
    if (!p->crop)
        return;
    p->crop_height = p->crop_width = row->crop_size;
    read_crop_size(r, p);
    if (p->crop_height == 0 || p->crop_width == 0)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"do_center_crop\" is on, but \"crop_size\" has no height and width");
}

/* ConvNext: below 384 the shortest edge becomes edge / crop_pct, and a crop keeps the edge; from 384 up a squash. */
static void read_convnext(vit__reader *r, vit_preprocessor *p)
{
    double crop_pct = vit__read_number(r, "crop_pct", 224.0 / 256.0);
    if (vit__reader_failed(r))
        return;
    if (p->resize != VIT__RESIZE_SHORTEST)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"size\" needs a shortest_edge here");
    else if (p->crop)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"do_center_crop\" on top of a ConvNext image processor's own crop is not supported");
    else if (!(crop_pct > 0 && crop_pct <= 1e6))
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"crop_pct\" is %g", crop_pct);
    if (vit__reader_failed(r))
        return;
    uint32_t edge = p->resize_height;
    p->crop_pct = crop_pct;
    p->squash_from = 384;
    if (edge >= p->squash_from) {
        p->resize = VIT__RESIZE_SQUASH;
        return;
    }
    p->crop = true;
    p->crop_height = p->crop_width = edge;
    p->resize_height = p->resize_width = vit__preprocess_grown(edge, crop_pct);
}

/* PIL's number of a filter that "resample" names in words, in any case, as in "bicubic" or "PIL.Image.BICUBIC"; -1:
 * none. */
static int filter_number(const char *word)
{
    const char *dot = strrchr(word, '.');
    for (int i = 0; i <= VIT_FILTER_HAMMING; i++)
        if (strcasecmp(dot ? dot + 1 : word, vit_filter_name((vit_filter)i)) == 0)
            return i;
    return -1;
}

/* "resample": PIL's number of the filter. Words are refused, as transformers refuses them. */
static void read_filter(vit__reader *r, const class_row *row, vit_preprocessor *p)
{
    int64_t number = row->filter;
    const vit__json *value = vit__json_get(r->object, "resample");
    const char *word = vit__json_string(value);
    if (!vit__json_is_null(value) && !vit__json_integer(value, &number))
        number = -1;
    if (word && filter_number(word) >= 0)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"resample\" is \"%.40s\", but a number is wanted: write %d", word,
                         filter_number(word));
    else if (number < 0 || number > VIT_FILTER_HAMMING)
        vit__reader_fail(
            r, VIT_ERR_CORRUPT,
            "\"resample\" is not one of PIL's filters: 0 nearest, 1 lanczos, 2 bilinear, 3 bicubic, 4 box, "
            "5 hamming");
    else
        p->filter = (vit_filter)number;
}

/* The most patches of a picture, and the edge of one. */
static void read_patches(vit__reader *r, bool resize, const class_row *row, vit_preprocessor *p)
{
    p->patch_size = 16;
    p->most_patches = 256;
    vit__read_edge(r, "patch_size", &p->patch_size);
    vit__read_edge(r, "max_num_patches", &p->most_patches);
    if (!resize)
        return;
    p->resize = VIT__RESIZE_PATCHES;
    read_filter(r, row, p);
}

static void read_resize(vit__reader *r, const class_row *row, vit_preprocessor *p)
{
    bool resize = true;
    vit__read_truth(r, "do_resize", &resize);
    if (row->traits & PATCHES) {
        read_patches(r, resize, row, p);
        return;
    }
    if (resize) {
        read_size(r, row, p);
        read_filter(r, row, p);
    }
    read_crop(r, row, p);
    if (resize && row->traits & CONVNEXT)
        read_convnext(r, p);
}

static void read_numbers(vit__reader *r, const class_row *row, vit_preprocessor *p)
{
    p->rescale = true;
    p->normalise = !(row->traits & UNIT_COLOURS);
    p->factor = 1.0 / 255.0;
    memcpy(p->mean, row->colours->mean, sizeof p->mean);
    memcpy(p->std, row->colours->std, sizeof p->std);
    vit__read_truth(r, "do_rescale", &p->rescale);
    vit__read_truth(r, "do_normalize", &p->normalise);
    if (p->rescale)
        p->factor = vit__read_number(r, "rescale_factor", p->factor);
    if (p->normalise) {
        vit__read_colour(r, "image_mean", p->mean);
        vit__read_colour(r, "image_std", p->std);
    }
    p->resize_floats = (row->traits & FLOATS) && p->rescale;
}

vit_status vit__preprocess_from_transformers_for(const vit__json *config, const char *model_type, const char *name,
                                                 vit_preprocessor *out, vit_error *err)
{
    const vit__json *nested = vit__json_get(config, "image_processor");
    vit__reader r = vit__reader_start(vit__json_is_object(nested) ? nested : config, name, err);
    vit_preprocessor p = {.library = VIT__LIBRARY_TRANSFORMERS};
    const class_row *row;
    bool pad = false;
    *out = (vit_preprocessor){0};
    r.status = choose_class(&r, model_type, &row);
    if (r.status != VIT_OK)
        return r.status;
    read_resize(&r, row, &p);
    read_numbers(&r, row, &p);
    vit__read_truth(&r, "do_pad", &pad);
    if (pad && vit__read_has(&r, "pad_size"))
        vit__reader_fail(&r, VIT_ERR_UNSUPPORTED_MODEL, "padding to a \"pad_size\" is not supported");
    if (r.status == VIT_OK)
        r.status = vit__preprocess_check(&p, name, err);
    if (r.status == VIT_OK)
        *out = p;
    return r.status;
}

vit_status vit__preprocess_from_transformers(const vit__json *config, const char *name, vit_preprocessor *out,
                                             vit_error *err)
{
    return vit__preprocess_from_transformers_for(config, NULL, name, out, err);
}
