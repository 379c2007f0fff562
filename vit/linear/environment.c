/* SPDX-License-Identifier: BSD-2-Clause */
/* vit_check_environment: whether what VIT_CPU asks for can be had, in words for the person who set it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "cpu.h"
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

vit_status vit_check_environment(const char *variable, vit_error *err)
{
    if (!variable)
        return vit__fail_null(err, "vit_check_environment", "variable");
    const char *value = strcmp(variable, "VIT_CPU") == 0 ? getenv(variable) : NULL;
    return value && *value ? check_cpu(value, err) : VIT_OK;
}
