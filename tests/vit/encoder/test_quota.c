/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processors that a cgroup's quota allows, of both versions, and a session that lives while the quota changes. The
 * linker puts fopen of this file between the library and libc (--wrap), so the files that tell of the quota are made up
 * here.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "session.h"

#define VERSION_1_IN "/sys/fs/cgroup/cpu/"
#define VERSION_1 VERSION_1_IN "cpu.cfs_"
#define FILES 4

/* A file of the made-up tree. */
typedef struct made_up {
    const char *path;
    const char *text;
} made_up;

static const made_up *tree; /* [FILES]; NULL: files are as they are */

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
    bool about_quota = strcmp(path, "/proc/self/cgroup") == 0 || strncmp(path, "/sys/fs/cgroup/", 15) == 0;
    if (!tree || !about_quota)
        return __real_fopen(path, mode);
    size_t i = 0;
    while (i < FILES && (!tree[i].path || strcmp(tree[i].path, path) != 0))
        i++;
    FILE *file = i < FILES ? fmemopen(NULL, 128, "w+") : NULL;
    if (file) {
        fputs(tree[i].text, file);
        rewind(file);
    }
    return file;
}

static unsigned affinity(void)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    return (unsigned)CPU_COUNT(&set);
}

static void quotas_are_read(void **state)
{
    (void)state;
    enum { NO_LIMIT = 1 << 20 };
    static const struct {
        made_up files[FILES];
        unsigned processors;
    } cases[] = {
        {{{NULL, NULL}}, NO_LIMIT},
        {{{VERSION_1 "quota_us", "100000\n"}, {VERSION_1 "period_us", "100000\n"}}, 1},
        {{{VERSION_1 "quota_us", "150000\n"}, {VERSION_1 "period_us", "100000\n"}}, 2}, /* a part counts as one */
        {{{VERSION_1 "quota_us", "-1\n"}, {VERSION_1 "period_us", "100000\n"}}, NO_LIMIT},
        {{{VERSION_1 "quota_us", "100000\n"}, {VERSION_1 "period_us", "0\n"}}, NO_LIMIT},
        {{{VERSION_1 "quota_us", "100000\n"}}, NO_LIMIT},
        {{{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "50000 100000\n"}}, 1},
        {{{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "max 100000\n"}}, NO_LIMIT},
        {{{"/proc/self/cgroup", "1:cpu:/x\n0::/a/b\n"},
          {"/sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
          {"/sys/fs/cgroup/a/cpu.max", "20000 20000\n"}},
         1},
        {{{"/proc/self/cgroup", "0::/a\n"}, {"/sys/fs/cgroup/a/cpu.max", "nonsense\n"}}, NO_LIMIT},
        {{{"/proc/self/cgroup", "5:cpuset:/a\n4:cpuacct,cpu:/b/c\n3:memory:/d\n"},
          {VERSION_1_IN "b/cpu.cfs_quota_us", "90000\n"},
          {VERSION_1_IN "b/cpu.cfs_period_us", "100000\n"}},
         1},
        {{{"/proc/self/cgroup", "5:cpuset:/a\n4:cpuacct:/a\n"},
          {VERSION_1_IN "a/cpu.cfs_quota_us", "90000\n"},
          {VERSION_1_IN "a/cpu.cfs_period_us", "100000\n"}},
         NO_LIMIT},
        /* in a container: the root of what it sees is its group */
        {{{"/proc/self/cgroup", "4:cpu,cpuacct:/docker/0123\n"},
          {VERSION_1 "quota_us", "100000\n"},
          {VERSION_1 "period_us", "100000\n"}},
         1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tree = cases[i].files;
        unsigned got = vit__cpu_count(), most = affinity();
        tree = NULL;
        assert_int_equal(got, cases[i].processors < most ? cases[i].processors : most);
    }
}

/* Two lanes share an input; one works alone while the quota is one processor, with the same bits. */
static void a_quota_may_change_while_a_session_lives(void **state)
{
    (void)state;
    static made_up files[FILES] = {{VERSION_1 "quota_us", "200000\n"}, {VERSION_1 "period_us", "100000\n"}};
    static const char *const quotas[] = {"100000\n", "-1\n", "30000\n", "200000\n"};
    static const size_t sharing[] = {1, 2, 1, 2};
    vit_error err = {0};
    vit_model *model;
    vit_session *session;
    if (affinity() < 2) {
        print_message("this process has one processor, so no quota takes one away\n");
        skip();
    }
    assert_ok(vit_model_open(VIT_DEFAULT_MODEL, NULL, &model, &err), err);
    size_t pixels = vit_model_pixels_size(model), size = vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0);
    float *picture = calloc(pixels, sizeof *picture), *want = calloc(size, sizeof *want);
    float *got = calloc(size, sizeof *got);
    tree = files;
    assert_ok(vit_session_create(model, &(vit_session_options){.threads = 2}, &session, &err), err);
    assert_ok(vit_encode(session, picture, 1, VIT_OUTPUT_EMBEDDING, want, &err), err);
    assert_int_equal(session->lanes.sharing, 2);
    for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++) {
        files[0].text = quotas[i];
        session->lanes.looked -= 60; /* as if a minute had passed */
        assert_ok(vit_encode(session, picture, 1, VIT_OUTPUT_EMBEDDING, got, &err), err);
        assert_int_equal(session->lanes.sharing, sharing[i]);
        assert_memory_equal(got, want, size * sizeof *got);
    }
    tree = NULL;
    vit_session_free(session);
    vit_model_free(model);
    free(picture);
    free(want);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(quotas_are_read),
                                       cmocka_unit_test(a_quota_may_change_while_a_session_lives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
