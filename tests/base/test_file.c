/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole files: read to their end whatever their size is said to be, within the limit, and nothing
 * else than files. Parts of files, and the numbers in them. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocations.h"
#include "bytes.h"
#include "file.h"
#include "folder.h"

static const vit__file_kind large = {.most = 1 << 30};

static vit_status read_file(const char *path, const vit__file_kind *kind, vit__buffer *content, vit_error *err)
{
    *err = (vit_error){0};
    alarm(20); /* a pipe that is waited for ends the test */
    vit_status status = vit__file_read(path, kind, content, err);
    alarm(0);
    assert_int_equal(err->status, status);
    if (status != VIT_OK) {
        assert_null(content->data);
        assert_string_equal(err->where, path);
    }
    return status;
}

static void a_file_is_read_whole(void **state)
{
    char *folder = *state;
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300000};
    vit_error err;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *bytes = malloc(sizes[i] + 1);
        for (size_t at = 0; at < sizes[i]; at++)
            bytes[at] = (char)(at * 7);
        write_bytes(folder, "file", bytes, sizes[i]);
        vit__buffer content;
        const vit__file_kind exact = {.most = sizes[i]}, less = {.most = sizes[i] - 1};
        assert_ok(read_file(in_folder(folder, "file"), &exact, &content, &err), err);
        assert_int_equal(content.size, sizes[i]);
        if (sizes[i] > 0) {
            assert_memory_equal(content.data, bytes, sizes[i]);
            assert_int_equal(content.capacity, sizes[i] + 1); /* the end was seen without growing */
        }
        vit__buffer_free(&content);
        if (sizes[i] > 0)
            assert_int_equal(read_file(in_folder(folder, "file"), &less, &content, &err), VIT_ERR_TOO_LARGE);
        free(bytes);
    }
}

static void a_limit_is_named_in_the_words_of_the_kind(void **state)
{
    char *folder = *state;
    const vit__file_kind plain = {.most = 3}, list = {.most = 3, .above = "a list of more than"};
    vit__buffer content;
    vit_error err;
    write_text(folder, "four", "four");
    allocations_watch(0, 0);
    assert_int_equal(read_file(in_folder(folder, "four"), &plain, &content, &err), VIT_ERR_TOO_LARGE);
    assert_true(allocations_largest() < 3); /* no memory is taken first */
    allocations_stop();
    assert_string_equal(err.message, "more than the limit of 3 bytes");
    assert_int_equal(read_file(in_folder(folder, "four"), &list, &content, &err), VIT_ERR_TOO_LARGE);
    assert_string_equal(err.message, "a list of more than 3 bytes");
}

/* /proc says 0 bytes and gives many. */
static void a_size_is_not_believed(void **state)
{
    (void)state;
    const vit__file_kind small = {.most = 100};
    vit__buffer content;
    vit_error err;
    assert_ok(read_file("/proc/self/maps", &large, &content, &err), err);
    assert_true(content.size > 100);
    vit__buffer_free(&content);
    assert_int_equal(read_file("/proc/self/maps", &small, &content, &err), VIT_ERR_TOO_LARGE);
}

static void what_is_no_file_is_refused_at_once(void **state)
{
    char *folder = *state;
    const vit__file_kind picture = {.most = 100, .not_opened = "cannot be read"};
    vit__buffer content;
    vit_error err;
    assert_int_equal(mkfifo(in_folder(folder, "pipe"), 0600), 0);
    const char *const rows[][2] = {
        {in_folder(folder, "pipe"), "this is a pipe, not a file"},
        {folder, "this is a directory, not a file"},
        {"/dev/zero", "this is a device, not a file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(read_file(rows[i][0], &large, &content, &err), VIT_ERR_UNREADABLE);
        assert_string_equal(err.message, rows[i][1]);
    }
    /* who wants to write to the pipe has not been woken up */
    assert_int_equal(open(in_folder(folder, "pipe"), O_WRONLY | O_NONBLOCK), -1);
    assert_int_equal(read_file(in_folder(folder, "nothing"), &large, &content, &err), VIT_ERR_NOT_FOUND);
    assert_string_equal(err.message, "cannot open: No such file or directory");
    assert_int_equal(read_file("/dev/null/x", &picture, &content, &err), VIT_ERR_NOT_FOUND);
    assert_string_equal(err.message, "cannot be read: Not a directory");
}

static void a_refused_request_is_out_of_memory(void **state)
{
    (void)state;
    vit__buffer content;
    vit_error err;
    allocations_watch(0, 0);
    assert_ok(read_file("/proc/self/maps", &large, &content, &err), err);
    const size_t requests = allocations_stop();
    vit__buffer_free(&content);
    assert_true(requests > 0);
    for (size_t first = 1; first <= requests; first++) {
        allocations_watch(first, 1);
        assert_int_equal(read_file("/proc/self/maps", &large, &content, &err), VIT_ERR_OUT_OF_MEMORY);
        allocations_stop();
    }
}

static int make_folder(void **state)
{
    *state = folder_make();
    return 0;
}

static int remove_folder(void **state)
{
    folder_remove(*state);
    return 0;
}

/* From inside the file, to its end, and past it. */
static void parts_of_a_file(void **state)
{
    static const char text[] = "0123456789";
    char part[16];
    write_bytes(*state, "parts", text, 10);
    int descriptor = open(in_folder(*state, "parts"), O_RDONLY);
    assert_true(vit__file_read_at(descriptor, 3, part, 4));
    assert_memory_equal(part, "3456", 4);
    assert_true(vit__file_read_at(descriptor, 0, part, 10));
    assert_memory_equal(part, text, 10);
    assert_true(vit__file_read_at(descriptor, 10, part, 0));
    assert_false(vit__file_read_at(descriptor, 7, part, 4));
    assert_int_equal(errno, 0);
    assert_false(vit__file_read_at(descriptor, UINT64_MAX, part, 1));
    assert_int_not_equal(errno, 0);
    close(descriptor);
    assert_false(vit__file_read_at(descriptor, 0, part, 1));
    assert_int_equal(errno, EBADF);
}

static void numbers_of_bytes(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88};
    assert_true(vit__le(bytes, 0) == 0);
    assert_true(vit__le(bytes, 1) == 0x01);
    assert_true(vit__le(bytes, 3) == 0x038201);
    assert_true(vit__le(bytes, 8) == 0x8807860584038201);
    assert_true(vit__le32(bytes) == 0x84038201 && vit__le24(bytes) == 0x038201);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_whole),
        cmocka_unit_test(a_limit_is_named_in_the_words_of_the_kind),
        cmocka_unit_test(a_size_is_not_believed),
        cmocka_unit_test(what_is_no_file_is_refused_at_once),
        cmocka_unit_test(a_refused_request_is_out_of_memory),
        cmocka_unit_test(parts_of_a_file),
        cmocka_unit_test(numbers_of_bytes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
