/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of weights that are cut short, or written into, while a model is open: an error, whenever it happens. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mapped_file.h"
#include "packed_file.h"
#include "vit/tensors.h"

#define CASE "golden/hf_vit_classifier"

static int write_all(void *context, const void *bytes, size_t size)
{
    return write(*(int *)context, bytes, size) != (ssize_t)size;
}

/* The case packed into a file of the folder, whose path it answers. */
static const char *pack_into(const char *folder)
{
    vit_error err = {0};
    vit_model *model;
    const char *path = in_folder(folder, "packed.safetensors");
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const vit_sink sink = {write_all, &descriptor};
    assert_true(descriptor >= 0);
    assert_ok(vit_model_open(data_path(CASE), NULL, &model, &err), err);
    assert_ok(vit_model_pack(model, NULL, &sink, &err), err);
    vit_model_free(model);
    close(descriptor);
    return path;
}

/* The case with a file of weights that may be written. */
static char *copy_case(void)
{
    char *folder = altered_make(CASE, "model.safetensors");
    contents weights = contents_read(CASE, "model.safetensors");
    write_bytes(folder, "model.safetensors", weights.bytes, weights.size);
    contents_free(&weights);
    return folder;
}

typedef struct opened {
    vit_model *model;
    vit_session *session;
    float *pixels, *result;
} opened;

static opened open_all(const char *path, int once)
{
    opened o = {0};
    vit_error err = {0};
    const vit_model_options options = {.once = once};
    assert_ok(vit_model_open(path, &options, &o.model, &err), err);
    assert_ok(vit_session_create(o.model, NULL, &o.session, &err), err);
    o.pixels = calloc(vit_model_pixels_size(o.model), sizeof *o.pixels);
    o.result = calloc(vit_output_size(o.model, VIT_OUTPUT_EMBEDDING, 0), sizeof *o.result);
    assert_true(o.pixels && o.result);
    return o;
}

static vit_status encode(const opened *o, vit_error *err)
{
    *err = (vit_error){0};
    return vit_encode(o->session, o->pixels, 1, VIT_OUTPUT_EMBEDDING, o->result, err);
}

static void close_all(opened *o)
{
    free(o->pixels);
    free(o->result);
    vit_session_free(o->session);
    vit_model_free(o->model);
}

static void assert_says(vit_status got, vit_status want, const vit_error *err, const char *name)
{
    if (got != want || !strstr(err->where, name))
        fail_msg("%s, not %s: %s: %s", vit_status_name(got), vit_status_name(want), err->where, err->message);
}

/* What happens to the file between two calls. */
static void cut(const char *path)
{
    assert_int_equal(truncate(path, 100), 0);
}

static void write_one_byte(const char *path)
{
    int descriptor = open(path, O_WRONLY);
    const struct timespec then[2] = {{1, 0}, {1, 0}}; /* clocks of file systems may be coarse */
    assert_true(descriptor >= 0);
    assert_int_equal(pwrite(descriptor, "x", 1, 5000), 1);
    assert_int_equal(futimens(descriptor, then), 0);
    close(descriptor);
}

static void replace(const char *path)
{
    char other[4200];
    snprintf(other, sizeof other, "%s.new", path);
    int descriptor = open(other, O_WRONLY | O_CREAT, 0600);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(rename(other, path), 0);
}

static void check(const char *path, const char *file, int once, void (*harm)(const char *path), vit_status want)
{
    char hex[65];
    vit_error err = {0};
    opened o = open_all(path, once);
    assert_ok(encode(&o, &err), err);
    harm(file);
    vit_status status = encode(&o, &err);
    if (want == VIT_OK) {
        assert_ok(status, err);
        assert_ok(vit_model_check(o.model, &err), err);
    } else {
        assert_says(status, want, &err, "safetensors");
        err = (vit_error){0};
        assert_says(vit_model_check(o.model, &err), want, &err, "safetensors");
        err = (vit_error){0};
        assert_says(vit_model_digest(o.model, hex, &err), want, &err, "safetensors");
    }
    close_all(&o);
}

/* Each in a child of its own, as the handler of SIGBUS is the process's. Without the handler: nothing may need it. */
static void between_two_calls(void **state)
{
    static const struct {
        void (*harm)(const char *path);
        vit_status want;
    } harms[] = {{cut, VIT_ERR_TRUNCATED}, {write_one_byte, VIT_ERR_CORRUPT}, {replace, VIT_OK}};
    (void)state;
    for (size_t i = 0; i < sizeof harms / sizeof *harms; i++)
        for (int once = 0; once < 2; once++) {
            char *folder = copy_case();
            check(folder, in_folder(folder, "model.safetensors"), once, harms[i].harm, harms[i].want);
            const char *packed = pack_into(folder);
            check(packed, packed, once, harms[i].harm, harms[i].want);
            folder_remove(folder);
        }
}

static void tensors_of_a_file(void **state)
{
    (void)state;
    vit_error err = {0};
    vit_tensor_file *file;
    vit_tensor tensor;
    char *folder = copy_case();
    const char *path = in_folder(folder, "model.safetensors");
    assert_ok(vit_tensor_file_open(path, &file, &err), err);
    assert_true(vit_tensor_file_get(file, 0, &tensor));
    float *values = calloc(tensor.elements, sizeof *values);
    assert_ok(vit_tensor_file_floats(file, tensor.name, values, &err), err);
    cut(path);
    assert_says(vit_tensor_file_floats(file, tensor.name, values, &err), VIT_ERR_TRUNCATED, &err, "safetensors");
    free(values);
    vit_tensor_file_free(file);
    folder_remove(folder);
}

/* Signals belong to the program until it asks. */
static void the_signal_is_left_alone(void **state)
{
    (void)state;
    struct sigaction before, after;
    vit_error err = {0};
    sigaction(SIGBUS, NULL, &before);
    opened o = open_all(data_path(CASE), 0);
    assert_ok(encode(&o, &err), err);
    close_all(&o);
    sigaction(SIGBUS, NULL, &after);
    assert_ptr_equal(before.sa_sigaction, after.sa_sigaction);
}

/* ------------------------------------------------------------------ with the handler ---- */

static sigjmp_buf back;

static void on_foreign(int number)
{
    (void)number;
    siglongjmp(back, 1);
}

/* Another library's mapping, which is cut short: its handler is called, and not ours. */
static void read_a_foreign_mapping(const char *folder)
{
    const char *path = in_folder(folder, "foreign");
    write_text(folder, "foreign", "text");
    int descriptor = open(path, O_RDONLY);
    const volatile char *mapped = mmap(NULL, 4, PROT_READ, MAP_PRIVATE, descriptor, 0);
    assert_true(mapped != MAP_FAILED);
    cut(path);
    assert_int_equal(truncate(path, 0), 0);
    if (sigsetjmp(back, 1) == 0) {
        char c = *mapped;
        fail_msg("%c was read where there is nothing", c);
    }
    munmap((void *)(uintptr_t)mapped, 4);
    close(descriptor);
}

/* More files than a block of the table has. */
static void map_many(const char *folder)
{
    enum { FILES = 150, SIZE = 3 * 4096 + 7 };
    static vit__mapped_file files[FILES];
    static char bytes[SIZE];
    vit_error err = {0};
    memset(bytes, 'a', sizeof bytes);
    for (int i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "many-%d", i);
        write_bytes(folder, name, bytes, sizeof bytes);
        assert_ok(vit__mapped_file_open(in_folder(folder, name), &files[i], &err), err);
        assert_ok(vit__mapped_file_check(&files[i], name, &err), err);
        if (i % 2)
            assert_int_equal(truncate(in_folder(folder, name), 4096), 0);
    }
    for (int i = 0; i < FILES; i++) {
        const volatile char *data = files[i].data;
        err = (vit_error){0};
        assert_int_equal(data[0], 'a');
        assert_int_equal(data[SIZE - 1], i % 2 ? 0 : 'a');
        assert_int_equal(data[4096], i % 2 ? 0 : 'a');
        assert_int_equal(vit__mapped_file_check(&files[i], "many", &err), i % 2 ? VIT_ERR_TRUNCATED : VIT_OK);
        vit__mapped_file_close(&files[i]);
    }
}

static void *cut_soon(void *path)
{
    usleep(2000);
    cut(path);
    return NULL;
}

/* At any moment of a call. */
static void cut_while_it_encodes(const char *folder)
{
    for (int i = 0; i < 10; i++) {
        vit_error err = {0};
        vit_status status = VIT_OK;
        pthread_t thread;
        const char *path = pack_into(folder);
        opened o = open_all(path, 0);
        assert_int_equal(pthread_create(&thread, NULL, cut_soon, (void *)(uintptr_t)path), 0);
        while (status == VIT_OK)
            status = encode(&o, &err);
        pthread_join(thread, NULL);
        assert_says(status, VIT_ERR_TRUNCATED, &err, "packed.safetensors");
        close_all(&o);
    }
}

static void in_a_child(void (*check_it)(const char *folder))
{
    char *folder = folder_make();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        vit_error err = {0};
        signal(SIGBUS, on_foreign);
        assert_ok(vit_catch_sigbus(&err), err);
        assert_ok(vit_catch_sigbus(&err), err); /* twice is as once */
        check_it(folder);
        _exit(7);
    }
    int status;
    waitpid(child, &status, 0);
    folder_remove(folder);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void during_a_call(void **state)
{
    (void)state;
    in_a_child(cut_while_it_encodes);
}

static void what_is_not_ours(void **state)
{
    (void)state;
    in_a_child(read_a_foreign_mapping);
}

static void many_files(void **state)
{
    (void)state;
    in_a_child(map_many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(between_two_calls),        cmocka_unit_test(tensors_of_a_file),
        cmocka_unit_test(the_signal_is_left_alone), cmocka_unit_test(during_a_call),
        cmocka_unit_test(what_is_not_ours),         cmocka_unit_test(many_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
