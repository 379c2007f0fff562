/* SPDX-License-Identifier: BSD-2-Clause */
#include "attention_map.h"

#include <string.h>

typedef struct map_work {
    const vit__attention_call *call;
    const vit__kernels *kernels;
    float *maps;
} map_work;

/* One row: the weights of a query over the keys that it sees. */
static void map_query(const map_work *work, const float *query, const float *keys, const float *relative,
                      const uint32_t *index, size_t seen, float *row)
{
    const vit__attention_call *c = work->call;
    for (size_t key = 0; key < seen; key++, keys += 3 * c->heads * c->head_dim) {
        float sum = 0;
        for (size_t i = 0; i < c->head_dim; i++)
            sum += query[i] * keys[i];
        row[key] = sum * c->scale + (relative ? relative[index[key]] : 0);
    }
    work->kernels->softmax(row, seen);
    memset(row + seen, 0, (c->tokens - seen) * sizeof *row);
}

/* The call's queries of one head. */
static void map_head(void *context, size_t head, unsigned thread)
{
    const map_work *work = context;
    const vit__attention_call *c = work->call;
    (void)thread;
    size_t width = c->heads * c->head_dim, tokens = c->tokens;
    const float *q = c->qkv + head * c->head_dim, *k = q + width;
    const float *relative = c->relative ? c->relative + head * c->relative_entries : NULL;
    for (size_t query = c->first; query < c->first + c->queries; query++)
        map_query(work, q + query * 3 * width, k, relative, relative ? c->relative_index + query * tokens : NULL,
                  c->causal ? query + 1 : tokens, work->maps + (head * tokens + query) * tokens);
}

void vit__attention_map(const vit__attention_call *call, const vit__workers *workers, float *maps)
{
    map_work work = {call, workers->kernels, maps};
    vit__pool_run(workers->pool, call->heads, map_head, &work);
}
