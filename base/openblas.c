/* SPDX-License-Identifier: BSD-2-Clause */
#include "openblas.h"

#include <cblas.h>
#include <sys/mman.h>

#include "cpu.h"
#include "library.h"

#define FILE_NAME "libopenblas.so.0"

static struct {
    __typeof__(&cblas_sgemm) sgemm;
    __typeof__(&cblas_dgemm) dgemm;
    __typeof__(&openblas_set_num_threads) set_threads;
} openblas;

static const vit__library_function functions[] = {
    {"cblas_sgemm", &openblas.sgemm},
    {"cblas_dgemm", &openblas.dgemm},
    {"openblas_set_num_threads", &openblas.set_threads},
};

/* What OpenBLAS takes for each thread that multiplies. */
#define BUFFER ((size_t)130 << 20)

/* Where a limit (ulimit -v) leaves no room for its buffers, OpenBLAS asks for them for ever. */
static bool has_room(size_t threads)
{
    void *room = mmap(NULL, threads * BUFFER, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return room != MAP_FAILED && munmap(room, threads * BUFFER) == 0;
}

static bool start(void)
{
    if (!has_room(vit__cpu_count()))
        return false;
    openblas.set_threads(1);
    return true;
}

bool vit__openblas_load(void)
{
    static vit__library library = {
        .file = FILE_NAME, .functions = functions, .n = sizeof functions / sizeof *functions, .start = start};
    return vit__library_load(&library);
}

void vit__openblas_multiply(const vit__openblas_call *p)
{
    openblas.sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)p->n_a, (blasint)p->n_b, (blasint)p->columns, 1.0f,
                   p->a, (blasint)p->a_row, p->b, (blasint)p->b_row, 0.0f, p->c, (blasint)p->c_row);
}

void vit__openblas_rows(size_t n_a, size_t n_b, size_t columns, const double *a, const double *b, double *c)
{
    openblas.dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)n_a, (blasint)n_b, (blasint)columns, 1, a,
                   (blasint)columns, b, (blasint)columns, 0, c, (blasint)n_b);
}

void vit__openblas_columns(size_t n_a, size_t n_b, size_t rows, const double *a, const double *b, double *c)
{
    openblas.dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)n_a, (blasint)n_b, (blasint)rows, 1, a,
                   (blasint)n_a, b, (blasint)n_b, 0, c, (blasint)n_b);
}
