/* SPDX-License-Identifier: BSD-2-Clause */
#include "labels.h"

#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "imagenet_names.h"
#include "layout.h"
#include "memory.h"

/* Where names stand, in the order they are looked for; "labels" is what timm called them before 2023. */
static const char *const fields[] = {"id2label", "label_names", "labels"};

/* The first of the fields that is a list or an object; NULL: none is. */
static const vit__json *find_names(const vit__json *config)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const vit__json *names = vit__json_get(config, fields[i]);
        if (vit__json_is_object(names) || vit__json_is_array(names))
            return names;
    }
    return NULL;
}

static const vit__json *name_of(const vit__json *names, size_t index)
{
    char key[24];
    if (vit__json_is_array(names))
        return vit__json_at(names, index);
    snprintf(key, sizeof key, "%zu", index);
    return vit__json_get(names, key);
}

/* *label stays NULL where there is no name. Digits, say, may be named by numbers. False: out of memory. */
static bool read_label(const vit__json *name, const vit__json *descriptions, char **label)
{
    const char *text = vit__json_string(name);
    if (!text && !vit__json_is_number(name))
        return true;
    const char *description = text ? vit__json_string(vit__json_get(descriptions, text)) : NULL;
    if (description)
        text = description;
    *label = text ? vit__strdup(text) : vit__json_text(name, 0);
    return *label != NULL;
}

/* As timm and transformers name the classes of a timm model whose configuration does not: by their number. */
static bool is_imagenet(const vit__json *config, size_t classes)
{
    return classes == VIT__IMAGENET_CLASSES && vit__layout_is_timm(config);
}

/* Into labels[classes]; false: out of memory. */
static bool read_all(const vit__json *names, const vit__json *descriptions, size_t classes, char **labels)
{
    for (size_t i = 0; i < classes; i++)
        if (!read_label(name_of(names, i), descriptions, &labels[i]))
            return false;
    return true;
}

static bool copy_imagenet(char **labels)
{
    for (size_t i = 0; i < VIT__IMAGENET_CLASSES; i++)
        if (!(labels[i] = vit__strdup(vit__imagenet_names[i])))
            return false;
    return true;
}

static bool has_any(char *const *labels, size_t classes)
{
    size_t i = 0;
    while (i < classes && !labels[i])
        i++;
    return i < classes;
}

vit_status vit__labels_load(const vit__json *config, size_t classes, char ***labels, vit_error *err)
{
    *labels = NULL;
    const vit__json *owner = config, *names = find_names(config);
    if (!names) {
        owner = vit__json_get(config, "pretrained_cfg");
        names = find_names(owner);
    }
    const bool imagenet = !names && is_imagenet(config, classes);
    if (classes == 0 || (vit__json_length(names) == 0 && !imagenet))
        return VIT_OK;
    char **loaded = vit__alloc_zero(classes, sizeof *loaded);
    const vit__json *descriptions = vit__json_get(owner, "label_descriptions");
    if (!loaded || !(imagenet ? copy_imagenet(loaded) : read_all(names, descriptions, classes, loaded))) {
        vit__labels_free(loaded, classes);
        return vit__fail_memory(err, "labels");
    }
    if (has_any(loaded, classes))
        *labels = loaded;
    else
        vit__labels_free(loaded, classes);
    return VIT_OK;
}

void vit__labels_free(char **labels, size_t classes)
{
    for (size_t i = 0; labels && i < classes; i++)
        free(labels[i]);
    free(labels);
}
