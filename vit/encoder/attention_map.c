/* SPDX-License-Identifier: BSD-2-Clause */
#include "attention_map.h"

#include <math.h>
#include <string.h>

#include "places.h"

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
        row[key] = c->hidden && c->hidden[key] ? -INFINITY : row[key];
    }
    work->kernels->softmax(row, seen);
    memset(row + seen, 0, (c->tokens - seen) * sizeof *row);
    vit__places_spread_row(c->places, c->tokens, c->length, row);
}

/* The rows between the place where the last query was and this one's: padding looks at nothing. */
static float *skip_padding(const vit__attention_call *c, float *maps, size_t query)
{
    if (!c->places)
        return maps + query * c->length;
    size_t next = query > 0 ? c->places[query - 1] + (size_t)1 : 0, place = c->places[query];
    memset(maps + next * c->length, 0, (place - next) * c->length * sizeof *maps);
    if (query + 1 == c->tokens)
        memset(maps + (place + 1) * c->length, 0, (c->length - place - 1) * c->length * sizeof *maps);
    return maps + place * c->length;
}

/* The call's queries of one head. */
static void map_head(void *context, size_t head, unsigned thread)
{
    const map_work *work = context;
    const vit__attention_call *c = work->call;
    (void)thread;
    size_t width = c->heads * c->head_dim, tokens = c->tokens;
    float *maps = work->maps + head * c->length * c->length;
    const float *q = c->qkv + head * c->head_dim, *k = q + width;
    const float *relative = c->relative ? c->relative + head * c->relative_entries : NULL;
    for (size_t query = c->first; query < c->first + c->queries; query++)
        map_query(work, q + query * 3 * width, k, relative,
                  relative ? c->relative_index + (ptrdiff_t)query * c->relative_row : NULL,
                  c->causal ? query + 1 : tokens, skip_padding(c, maps, query));
}

void vit__attention_map(const vit__attention_call *call, const vit__workers *workers, float *maps)
{
    map_work work = {call, workers->kernels, maps};
    vit__pool_run(workers->pool, call->heads, map_head, &work);
}
