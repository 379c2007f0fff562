/* SPDX-License-Identifier: BSD-2-Clause */
#include "openblas.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#define FILE_NAME "libopenblas.so.0"

/* Both, or neither. */
static struct {
    __typeof__(&cblas_sgemm) sgemm;
    __typeof__(&openblas_set_num_threads) set_threads;
} openblas;

static void load(void)
{
    void *library = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL); /* stays for good: its thread may be running */
    void *sgemm = library ? dlsym(library, "cblas_sgemm") : NULL;
    void *set_threads = library ? dlsym(library, "openblas_set_num_threads") : NULL;
    if (!sgemm || !set_threads)
        return;
    memcpy(&openblas.sgemm, &sgemm, sizeof sgemm); /* C has no cast from an object to a function */
    memcpy(&openblas.set_threads, &set_threads, sizeof set_threads);
    openblas.set_threads(1);
}

bool vit__openblas_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return openblas.sgemm != NULL;
}

void vit__openblas_multiply(const vit__openblas_call *p)
{
    openblas.sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)p->n_a, (blasint)p->n_b, (blasint)p->columns, 1.0f, p->a,
                   (blasint)p->a_row, p->b, (blasint)p->b_row, 0.0f, p->c, (blasint)p->c_row);
}
