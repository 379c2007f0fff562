/* SPDX-License-Identifier: BSD-2-Clause */
/* What made the vectors of an index: a recipe, and where its model is. It is written with the first
 * image, and whatever would give other vectors is refused from then on. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"
#include "path.h"
#include "store.h"

enum { MODEL = VIT_RECIPE_KEYS, PREPROCESSOR, FOLDER };

/* What must be the same. What stands first is told first: the model before how it was run, and
 * an option before the preprocessing, whose digest an image size changes too. What is not here
 * is not kept: vectors of an index are normalized always, and compare with those of texts. */
static const vit_recipe_key compared[] = {
    VIT_RECIPE_MODEL_DIGEST, VIT_RECIPE_PRECISION,   VIT_RECIPE_OUTPUT,
    VIT_RECIPE_RESAMPLER,    VIT_RECIPE_EXIF,        VIT_RECIPE_BACKGROUND,
    VIT_RECIPE_IMAGE_SIZE,   VIT_RECIPE_FAST_DECODE, VIT_RECIPE_PREPROCESSING_DIGEST,
    VIT_RECIPE_DIMENSIONS,
};

static bool is_kept(size_t key)
{
    for (size_t i = 0; i < sizeof compared / sizeof *compared; i++)
        if (compared[i] == (vit_recipe_key)key)
            return true;
    return key >= MODEL;
}

const char *vit__pin_name(size_t key)
{
    if (!is_kept(key))
        return NULL;
    static const char *const others[] = {
        [MODEL - MODEL] = "model", [PREPROCESSOR - MODEL] = "preprocessor", [FOLDER - MODEL] = "folder"};
    return key >= MODEL ? others[key - MODEL] : vit_recipe_name((vit_recipe_key)key);
}

char **vit__pin_value(vit_index_pin *pin, size_t key)
{
    char **const others[] = {&pin->model, &pin->preprocessor, &pin->folder};
    return key >= MODEL ? others[key - MODEL] : &pin->recipe.values[key];
}

bool vit__pin_read(vit_index_pin *pin, const char *name, const char *value)
{
    for (size_t key = 0; key < VIT__PIN_KEYS; key++) {
        const char *known = vit__pin_name(key);
        char **kept = vit__pin_value(pin, key);
        if (known && !*kept && strcmp(name, known) == 0)
            return (*kept = vit__strdup(value)) != NULL;
    }
    return true;
}

size_t vit__pin_columns(const vit_index_pin *pin)
{
    const char *text = pin->recipe.values[VIT_RECIPE_DIMENSIONS];
    return text ? (size_t)strtoul(text, NULL, 10) : 0;
}

/* The folder may be named from elsewhere the next time: what exists is kept as an absolute path. */
static bool take_place(const char *place, char **kept)
{
    if (!place)
        return true;
    if (vit__path_real(place, kept) && !*kept)
        *kept = vit__strdup(place);
    return *kept != NULL;
}

vit_status vit_index_pin_take(const vit_recipe *recipe, const char *model, const char *preprocessor, vit_index_pin *pin,
                              vit_error *err)
{
    if (!recipe || !pin)
        return vit__fail_null(err, __func__, recipe ? "pin" : "recipe");
    *pin = (vit_index_pin){0};
    bool done = vit__path_current(&pin->folder) && take_place(model, &pin->model) &&
                take_place(preprocessor, &pin->preprocessor);
    for (size_t i = 0; i < VIT_RECIPE_KEYS && done; i++)
        done = vit_recipe_set(&pin->recipe, (vit_recipe_key)i, recipe->values[i], NULL) == VIT_OK;
    if (done)
        return VIT_OK;
    vit_index_pin_free(pin);
    return vit__fail_memory(err, NULL);
}

void vit_index_pin_free(vit_index_pin *pin)
{
    if (!pin)
        return;
    vit_recipe_free(&pin->recipe);
    free(pin->model);
    free(pin->preprocessor);
    free(pin->folder);
    *pin = (vit_index_pin){0};
}

vit_recipe_key vit_index_pin_differs(const vit_index_pin *a, const vit_index_pin *b)
{
    for (size_t i = 0; a && b && i < sizeof compared / sizeof *compared; i++)
        if (vit_recipe_differs(&a->recipe, &b->recipe, (int)compared[i]) == compared[i])
            return compared[i];
    return VIT_RECIPE_KEYS;
}
