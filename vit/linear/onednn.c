/* SPDX-License-Identifier: BSD-2-Clause */
#include "onednn.h"

#include <dnnl.h>
#include <stdint.h>
#include <stdlib.h>

#include "library.h"
#include "memory.h"

#define STRING(x) #x
#define FILE_NAME(major) "libdnnl.so." STRING(major) /* another major version has another interface */

/* There are products for VIT__ONEDNN_STEP rows, and twice and four times as many, up to VIT__ONEDNN_ROWS. Other
 * numbers are made up of these: each product is compiled, and what a call costs besides counts for some rows. */
#define HEIGHTS 5
_Static_assert(VIT__ONEDNN_STEP << (HEIGHTS - 1) == VIT__ONEDNN_ROWS, "the highest product is that of most rows");

static struct {
    __typeof__(&dnnl_engine_create) engine_create;
    __typeof__(&dnnl_stream_create) stream_create;
    __typeof__(&dnnl_stream_wait) stream_wait;
    __typeof__(&dnnl_stream_destroy) stream_destroy;
    __typeof__(&dnnl_memory_desc_init_by_tag) describe;
    __typeof__(&dnnl_memory_desc_equal) describes_same;
    __typeof__(&dnnl_memory_desc_get_size) described_size;
    __typeof__(&dnnl_memory_create) memory_create;
    __typeof__(&dnnl_memory_destroy) memory_destroy;
    __typeof__(&dnnl_primitive_attr_create) attributes_create;
    __typeof__(&dnnl_primitive_attr_set_scratchpad_mode) set_scratchpad_mode;
    __typeof__(&dnnl_primitive_attr_destroy) attributes_destroy;
    __typeof__(&dnnl_matmul_desc_init) matmul;
    __typeof__(&dnnl_primitive_desc_create) plan_create;
    __typeof__(&dnnl_primitive_desc_query_md) plan_query;
    __typeof__(&dnnl_primitive_desc_destroy) plan_destroy;
    __typeof__(&dnnl_primitive_create) primitive_create;
    __typeof__(&dnnl_primitive_execute) execute;
    __typeof__(&dnnl_primitive_destroy) primitive_destroy;
    int (*omp_threads)(void);
    void (*omp_set_threads)(int threads);
    dnnl_engine_t engine;
} onednn;

static const vit__library_function functions[] = {
    {"dnnl_engine_create", &onednn.engine_create},
    {"dnnl_stream_create", &onednn.stream_create},
    {"dnnl_stream_wait", &onednn.stream_wait},
    {"dnnl_stream_destroy", &onednn.stream_destroy},
    {"dnnl_memory_desc_init_by_tag", &onednn.describe},
    {"dnnl_memory_desc_equal", &onednn.describes_same},
    {"dnnl_memory_desc_get_size", &onednn.described_size},
    {"dnnl_memory_create", &onednn.memory_create},
    {"dnnl_memory_destroy", &onednn.memory_destroy},
    {"dnnl_primitive_attr_create", &onednn.attributes_create},
    {"dnnl_primitive_attr_set_scratchpad_mode", &onednn.set_scratchpad_mode},
    {"dnnl_primitive_attr_destroy", &onednn.attributes_destroy},
    {"dnnl_matmul_desc_init", &onednn.matmul},
    {"dnnl_primitive_desc_create", &onednn.plan_create},
    {"dnnl_primitive_desc_query_md", &onednn.plan_query},
    {"dnnl_primitive_desc_destroy", &onednn.plan_destroy},
    {"dnnl_primitive_create", &onednn.primitive_create},
    {"dnnl_primitive_execute", &onednn.execute},
    {"dnnl_primitive_destroy", &onednn.primitive_destroy},
    {"omp_get_max_threads", &onednn.omp_threads}, /* of a library that it is linked with */
    {"omp_set_num_threads", &onednn.omp_set_threads},
};

static bool start(void)
{
    return onednn.engine_create(&onednn.engine, dnnl_cpu, 0) == dnnl_success;
}

bool vit__onednn_load(void)
{
    static vit__library library = {.file = FILE_NAME(DNNL_VERSION_MAJOR),
                                   .functions = functions,
                                   .n = sizeof functions / sizeof *functions,
                                   .start = start};
    return vit__library_load(&library);
}

/* ------------------------------------------------------------------ products ---- */

/* A product for a number of rows. */
typedef struct height {
    dnnl_memory_desc_t a, c, scratch;
    dnnl_primitive_t primitive;
} height;

struct vit__onednn_product {
    size_t row_size, c_row_size; /* bytes of a row of a, of c */
    dnnl_memory_desc_t b;
    height heights[HEIGHTS];
};

/* How b is laid out: blocks of 16 words by 64 columns, a word
 * being four values that follow each other along the sum. */
#define B_LAYOUT dnnl_BA16a64b4a

static bool describe(dnnl_memory_desc_t *matrix, size_t rows, size_t columns, dnnl_data_type_t type,
                     dnnl_format_tag_t layout)
{
    const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    return onednn.describe(matrix, 2, dims, type, layout) == dnnl_success;
}

/* How oneDNN would multiply if it were free to lay b out as it likes; NULL: not at all. */
static dnnl_primitive_desc_t plan(const height *h, const dnnl_memory_desc_t *any_b)
{
    dnnl_matmul_desc_t matmul;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t plan = NULL;
    if (onednn.matmul(&matmul, &h->a, any_b, NULL, &h->c) == dnnl_success &&
        onednn.attributes_create(&attributes) == dnnl_success &&
        onednn.set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) == dnnl_success &&
        onednn.plan_create(&plan, &matmul, attributes, onednn.engine, NULL) != dnnl_success)
        plan = NULL;
    onednn.attributes_destroy(attributes);
    return plan;
}

/* Layouts that are not those of the panels are of slower loops, which would pack them at each call. */
static bool make_height(vit__onednn_product *product, size_t inputs, size_t rows, height *h)
{
    const size_t columns = VIT__ONEDNN_COLUMNS;
    dnnl_memory_desc_t any_b;
    if (!describe(&h->a, rows, inputs, dnnl_u8, dnnl_ab) || !describe(&h->c, rows, columns, dnnl_s32, dnnl_ab) ||
        !describe(&any_b, inputs, columns, dnnl_s8, dnnl_format_tag_any))
        return false;
    dnnl_primitive_desc_t planned = plan(h, &any_b);
    if (!planned)
        return false;
    const dnnl_memory_desc_t *b = onednn.plan_query(planned, dnnl_query_weights_md, 0);
    const dnnl_memory_desc_t *scratch = onednn.plan_query(planned, dnnl_query_scratchpad_md, 0);
    bool made = b && scratch && onednn.describes_same(b, &product->b) &&
                onednn.primitive_create(&h->primitive, planned) == dnnl_success;
    if (made)
        h->scratch = *scratch;
    else
        h->primitive = NULL;
    onednn.plan_destroy(planned);
    return made;
}

vit__onednn_product *vit__onednn_create(size_t inputs)
{
    vit__onednn_product *product = vit__alloc_zero(1, sizeof *product);
    if (!product)
        return NULL;
    int threads = onednn.omp_threads();
    onednn.omp_set_threads(1);
    bool made = describe(&product->b, inputs, VIT__ONEDNN_COLUMNS, dnnl_s8, B_LAYOUT);
    for (size_t i = 0; i < HEIGHTS && made; i++)
        made = make_height(product, inputs, (size_t)VIT__ONEDNN_STEP << i, &product->heights[i]);
    onednn.omp_set_threads(threads);
    product->row_size = inputs;
    product->c_row_size = VIT__ONEDNN_COLUMNS * sizeof(int32_t);
    if (made)
        return product;
    vit__onednn_free(product);
    return NULL;
}

void vit__onednn_free(vit__onednn_product *product)
{
    for (size_t i = 0; product && i < HEIGHTS; i++)
        if (product->heights[i].primitive)
            onednn.primitive_destroy(product->heights[i].primitive);
    free(product);
}

size_t vit__onednn_scratch(const vit__onednn_product *product)
{
    size_t most = 0;
    for (size_t i = 0; i < HEIGHTS; i++) {
        size_t size = onednn.described_size(&product->heights[i].scratch);
        most = size > most ? size : most;
    }
    return most;
}

/* ------------------------------------------------------------------ a call ---- */

/* What a call multiplies with, whatever the rows. */
typedef struct surroundings {
    dnnl_stream_t stream;
    dnnl_memory_t b;
    void *scratch;
} surroundings;

static bool name_memory(dnnl_memory_t *memory, const dnnl_memory_desc_t *matrix, const void *data)
{
    return onednn.memory_create(memory, matrix, onednn.engine, (void *)(uintptr_t)data) == dnnl_success;
}

static bool run(const height *h, const void *a, void *c, const surroundings *s)
{
    dnnl_memory_t rows = NULL, sums = NULL, scratch = NULL;
    bool done = name_memory(&rows, &h->a, a) && name_memory(&sums, &h->c, c) &&
                name_memory(&scratch, &h->scratch, s->scratch);
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, rows}, {DNNL_ARG_WEIGHTS, s->b}, {DNNL_ARG_DST, sums}, {DNNL_ARG_SCRATCHPAD, scratch}};
    const int n = sizeof arguments / sizeof *arguments;
    done = done && onednn.execute(h->primitive, s->stream, n, arguments) == dnnl_success &&
           onednn.stream_wait(s->stream) == dnnl_success;
    onednn.memory_destroy(scratch);
    onednn.memory_destroy(sums);
    onednn.memory_destroy(rows);
    return done;
}

static bool run_all(const vit__onednn_call *call, const surroundings *s)
{
    const vit__onednn_product *p = call->product;
    size_t all = (call->rows + VIT__ONEDNN_STEP - 1) / VIT__ONEDNN_STEP * VIT__ONEDNN_STEP;
    bool done = true;
    for (size_t i = HEIGHTS, row = 0; i-- > 0;)
        for (size_t rows = (size_t)VIT__ONEDNN_STEP << i; done && all - row >= rows; row += rows)
            done = run(&p->heights[i], (const char *)call->a + row * p->row_size, (char *)call->c + row * p->c_row_size,
                       s);
    return done;
}

bool vit__onednn_multiply(const vit__onednn_call *call)
{
    const vit__onednn_product *p = call->product;
    surroundings s = {.scratch = call->scratch};
    int threads = onednn.omp_threads();
    onednn.omp_set_threads(1);
    bool done = onednn.stream_create(&s.stream, onednn.engine, dnnl_stream_default_flags) == dnnl_success &&
                name_memory(&s.b, &p->b, call->b) && run_all(call, &s);
    onednn.omp_set_threads(threads);
    onednn.memory_destroy(s.b);
    onednn.stream_destroy(s.stream);
    return done;
}
