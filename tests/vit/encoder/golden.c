/* SPDX-License-Identifier: BSD-2-Clause */
#include "golden.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

golden golden_open(const char *case_path, const char *file)
{
    golden g = {0};
    vit_error err = {0};
    size_t size;
    const char *path = data_path("%s/%s", case_path, file);
    assert_ok(vit_file_read(path, 0, &g.bytes, &size, &err), err);
    assert_ok(vit__safetensors_parse(g.bytes, size, path, &g.expected, &err), err);
    return g;
}

void golden_close(golden *g)
{
    vit__safetensors_free(&g->expected);
    vit_free(g->bytes);
}

const float *golden_tensor(const golden *g, const char *name, size_t *elements)
{
    for (size_t i = 0; i < g->expected.n_tensors; i++) {
        const vit__tensor *tensor = &g->expected.tensors[i];
        if (strcmp(tensor->name, name) != 0)
            continue;
        if (elements)
            *elements = vit__tensor_elements(tensor);
        return vit__tensor_view(tensor);
    }
    return NULL;
}

const int32_t *golden_ids(const golden *g, size_t *texts, size_t *ids)
{
    const vit__tensor *tensor = vit__safetensors_find(&g->expected, "input_ids");
    if (!tensor)
        return NULL;
    assert_int_equal(tensor->dtype, VIT__DTYPE_I32);
    assert_int_equal((uintptr_t)tensor->data % sizeof(int32_t), 0);
    *texts = tensor->shape[0];
    *ids = vit__tensor_elements(tensor);
    return tensor->data;
}

const int32_t *golden_mask(const golden *g)
{
    const vit__tensor *tensor = vit__safetensors_find(&g->expected, "attention_mask");
    return tensor ? tensor->data : NULL;
}

void golden_shape(const golden *g, const char *name, size_t rank, size_t *shape)
{
    const vit__tensor *tensor = vit__safetensors_find(&g->expected, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->rank, rank);
    memcpy(shape, tensor->shape, rank * sizeof *shape);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Configs that a case takes from the hub are in a cache of its own. */
static void visit_case(const char *path, void (*visit)(const char *case_path))
{
    setenv("HF_HUB_CACHE", data_path("%s/hub", path), 1);
    visit(path);
}

/* VIT_TEST_EVERY: 3 for every third case, where a test takes long: with sanitizers, or emulated. */
static int golden_step(void)
{
    const char *every = getenv("VIT_TEST_EVERY");
    return every && atoi(every) > 0 ? atoi(every) : 1;
}

size_t golden_share(size_t n)
{
    return n / (size_t)golden_step();
}

void golden_each(void (*visit)(const char *case_path))
{
    struct dirent **entries;
    int n = scandir(data_path("golden"), &entries, visible, alphasort);
    assert_true(n > 0);
    const char *only = getenv("VIT_TEST_CASE"); /* those whose names hold this, for finding a fault */
    const int step = golden_step();
    for (int i = 0; i < n; i++) {
        char path[512];
        struct stat info;
        snprintf(path, sizeof path, "golden/%s", entries[i]->d_name);
        bool is_case = stat(data_path("%s", path), &info) == 0 && S_ISDIR(info.st_mode);
        if (is_case && i % step == 0 && (!only || strstr(entries[i]->d_name, only)))
            visit_case(path, visit);
        free(entries[i]);
    }
    free(entries);
}
