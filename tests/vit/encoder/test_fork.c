/* SPDX-License-Identifier: BSD-2-Clause */
/* A session of several threads in a child of fork(), which has none of the threads: a clear error, no waiting. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 60 /* after which a child that waits for ever is ended: alarm() */

typedef struct given {
    const vit_model *model;
    vit_session *session;
    float *pixels, *want, *got;
    size_t size;
} given;

typedef bool child(const given *g);

static bool encodes(const given *g, vit_session *session)
{
    return vit_encode(session, g->pixels, 1, VIT_OUTPUT_EMBEDDING, g->got, NULL) == VIT_OK &&
           memcmp(g->got, g->want, g->size * sizeof *g->want) == 0;
}

static bool is_refused(const given *g)
{
    vit_error err = {0};
    return vit_encode(g->session, g->pixels, 1, VIT_OUTPUT_EMBEDDING, g->got, &err) == VIT_ERR_INVALID_ARGUMENT &&
           strstr(err.message, "fork") != NULL;
}

/* It may be freed, and another one gives the same bits. */
static bool makes_its_own(const given *g)
{
    vit_session *own = NULL;
    const vit_session_options options = {.threads = 2};
    vit_session_free(g->session);
    bool same = vit_session_create(g->model, &options, &own, NULL) == VIT_OK && encodes(g, own);
    vit_session_free(own);
    return same;
}

static bool goes_on(const given *g)
{
    return encodes(g, g->session);
}

static void run_child(child *body, unsigned threads)
{
    vit_error err = {0};
    vit_model *model = NULL;
    given g = {0};
    const vit_session_options options = {.threads = threads};
    vit_model_open(data_path("golden/hf_vit_classifier"), NULL, &model, &err);
    assert_ok(vit_session_create(model, &options, &g.session, &err), err);
    g.model = model;
    g.size = vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0);
    g.pixels = calloc(vit_model_pixels_size(model), sizeof *g.pixels);
    g.want = calloc(g.size, sizeof *g.want);
    g.got = calloc(g.size, sizeof *g.got);
    assert_ok(vit_encode(g.session, g.pixels, 1, VIT_OUTPUT_EMBEDDING, g.want, &err), err);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(SECONDS);
        _exit(body(&g) ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(encodes(&g, g.session)); /* the parent's threads are as they were */
    free(g.pixels);
    free(g.want);
    free(g.got);
    vit_session_free(g.session);
    vit_model_free(model);
}

static void threads_stay_with_the_parent(void **state)
{
    (void)state;
    run_child(is_refused, 2);
    run_child(is_refused, 5);
}

static void a_child_makes_a_session_of_its_own(void **state)
{
    (void)state;
    run_child(makes_its_own, 2);
    run_child(makes_its_own, 5);
}

static void one_thread_is_the_caller(void **state)
{
    (void)state;
    run_child(goes_on, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_stay_with_the_parent),
                                       cmocka_unit_test(a_child_makes_a_session_of_its_own),
                                       cmocka_unit_test(one_thread_is_the_caller)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
