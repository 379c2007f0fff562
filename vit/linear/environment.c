/* SPDX-License-Identifier: BSD-2-Clause */
/* vit_check_environment: whether what VIT_CPU and VIT_GEMM ask for can be had, in words for the
 * person who set them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "gemm.h"
#include "vit/vit.h"

static bool runs(const vit__isa *isa)
{
    return vit__cpu_runs(vit__cpu_here()->flags, isa);
}

static const char *best_isa(void)
{
    size_t best = vit__isa_count - 1;
    while (best > 0 && !vit__cpu_has_all(vit__cpu_here()->flags, &vit__isas[best]))
        best--;
    return vit__isas[best].name;
}

static vit_status check_cpu(const char *value, vit_error *err)
{
    char names[128] = "";
    size_t size = 0;
    for (size_t i = 0; i < vit__isa_count; i++) {
        const vit__isa *isa = &vit__isas[i];
        if (strcmp(isa->name, value) == 0 && runs(isa))
            return VIT_OK;
        if (strcmp(isa->name, value) == 0)
            return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "VIT_CPU",
                             "this processor has no %s: %s is used, the most that it has", value, best_isa());
        size += (size_t)snprintf(names + size, sizeof names - size, "%s%s", i ? ", " : "", isa->name);
    }
    return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "VIT_CPU",
                     "'%s' is not one of %s: %s is used, the most that this processor has", value, names, best_isa());
}

static vit_status check_gemm(const char *value, vit_error *err)
{
    if (strcmp(value, "tiles") == 0 || (strcmp(value, "onednn") == 0 && vit__gemm_onednn(vit__cpu_here()->flags)))
        return VIT_OK;
    if (strcmp(value, "onednn") == 0)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "VIT_GEMM",
                         "oneDNN cannot be had here, and libvit multiplies by itself (tiles): "
                         "oneDNN takes a processor with "
                         "AVX-512 VNNI, and its library (Debian: libdnnl2)");
    return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "VIT_GEMM", "'%s' is not one of tiles, onednn: it changes nothing",
                     value);
}

vit_status vit_check_environment(const char *variable, vit_error *err)
{
    static const struct {
        const char *name;
        vit_status (*check)(const char *value, vit_error *err);
    } rows[] = {{"VIT_CPU", check_cpu}, {"VIT_GEMM", check_gemm}};
    if (!variable)
        return vit__fail_null(err, "vit_check_environment", "variable");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = strcmp(rows[i].name, variable) == 0 ? getenv(variable) : NULL;
        if (value && *value)
            return rows[i].check(value, err);
    }
    return VIT_OK;
}
