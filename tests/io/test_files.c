/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read, and what is refused without blocking: everything that is not a plain file. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "decode_cases.h"

#define NOBODY 65534u

static char folder[] = "/tmp/vit-files-XXXXXX";

static int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chmod(folder, 0755) == 0 ? chdir(folder) : -1;
}

static int leave_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"link.jpg",   "dangling.jpg", "loop.jpg",  "pipe.png",
                                        "socket.png", "secret.png",   "empty.png", "data.bin"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(names[i]);
    rmdir("folder.jpg");
    return chdir("/") == 0 ? rmdir(folder) : -1;
}

static void assert_refused(const char *path, vit_status expected)
{
    vit_image image = {1, 1, NULL};
    vit_error err = {0};
    alarm(20); /* a pipe that blocks ends the test */
    const vit_status status = vit_image_load(path, NULL, &image, &err);
    alarm(0);
    if (status != expected)
        fail_msg("%s: %s: %s", path, vit_status_name(status), err.message);
    assert_null(image.pixels);
    assert_int_equal(image.width, 0);
    assert_string_equal(err.where, path);
    assert_int_equal(err.status, expected);
}

static void not_there(void **state)
{
    (void)state;
    assert_int_equal(symlink("nothing.jpg", "dangling.jpg"), 0);
    assert_refused("dangling.jpg", VIT_ERR_NOT_FOUND);
    assert_refused("nothing.jpg", VIT_ERR_NOT_FOUND);
    assert_refused("", VIT_ERR_NOT_FOUND);
    assert_refused("nothing/at/all.jpg", VIT_ERR_NOT_FOUND);
}

static void not_a_file(void **state)
{
    (void)state;
    assert_int_equal(mkdir("folder.jpg", 0700), 0);
    assert_refused("folder.jpg", VIT_ERR_UNREADABLE);
    assert_int_equal(mkfifo("pipe.png", 0600), 0);
    assert_refused("pipe.png", VIT_ERR_UNREADABLE);
    assert_refused("/dev/zero", VIT_ERR_UNREADABLE);
    assert_int_equal(symlink("loop.jpg", "loop.jpg"), 0);
    assert_refused("loop.jpg", VIT_ERR_UNREADABLE);

    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket.png"};
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_refused("socket.png", VIT_ERR_UNREADABLE);
    close(listener);
}

/* A pipe with a writer in the waiting must not be opened at all: the writer would wake up and lose its reader. */
static void a_pipe_keeps_its_writer_waiting(void **state)
{
    (void)state;
    assert_refused("pipe.png", VIT_ERR_UNREADABLE);
    assert_int_equal(open("pipe.png", O_WRONLY | O_NONBLOCK), -1);
}

static void without_permission(void **state)
{
    (void)state;
    const int file = open("secret.png", O_CREAT | O_WRONLY, 0);
    assert_true(file >= 0);
    close(file);
    const bool root = geteuid() == 0; /* whom no permission stops */
    if (root)
        assert_int_equal(seteuid(NOBODY), 0);
    assert_refused("secret.png", VIT_ERR_UNREADABLE);
    if (root)
        assert_int_equal(seteuid(0), 0);
}

static void an_empty_file(void **state)
{
    (void)state;
    close(open("empty.png", O_CREAT | O_WRONLY, 0600));
    assert_refused("empty.png", VIT_ERR_UNSUPPORTED_FORMAT);
}

static void a_link_is_read_as_what_it_points_to(void **state)
{
    (void)state;
    assert_int_equal(symlink(data_path("decode/jpeg_444.jpg"), "link.jpg"), 0);
    vit_image image = {0};
    vit_error err = {0};
    assert_ok(vit_image_load("link.jpg", NULL, &image, &err), err);
    assert_int_equal(image.width, 37);
    vit_image_free(&image);
}

/* /proc says 0 bytes and gives many. */
static void size_is_not_believed(void **state)
{
    (void)state;
    void *bytes = NULL;
    size_t size = 0;
    vit_error err = {0};
    assert_ok(vit_file_read("/proc/self/maps", 0, &bytes, &size, &err), err);
    assert_true(size > 100);
    vit_free(bytes);
    assert_int_equal(vit_file_read("/proc/self/maps", 100, &bytes, &size, &err), VIT_ERR_TOO_LARGE);
    assert_null(bytes);
    assert_int_equal(size, 0);
}

/* A child writes count bytes into a pipe, whose other end is returned. */
static int pipe_of(size_t count, pid_t *child)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *child = fork();
    assert_true(*child >= 0);
    if (*child > 0) {
        close(ends[1]);
        return ends[0];
    }
    close(ends[0]);
    for (size_t i = 0; i < count; i++) {
        const uint8_t byte = (uint8_t)(i * 7);
        if (write(ends[1], &byte, 1) != 1)
            break;
    }
    _exit(0);
}

static vit_status read_pipe(size_t count, uint64_t limit, void **bytes, size_t *size)
{
    pid_t child;
    vit_error err = {0};
    const int end = pipe_of(count, &child);
    const vit_status status = vit_descriptor_read(end, "-", limit, bytes, size, &err);
    close(end);
    waitpid(child, NULL, 0);
    assert_int_equal(err.status, status);
    return status;
}

static void descriptors_are_read_to_their_end(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 65535, 65536, 65537, 200000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        void *bytes = NULL;
        size_t size = 0;
        const size_t count = counts[i];
        assert_int_equal(read_pipe(count, count ? count : 1, &bytes, &size), VIT_OK);
        assert_int_equal(size, count);
        for (size_t at = 0; at < count; at++)
            assert_int_equal(((uint8_t *)bytes)[at], (uint8_t)(at * 7));
        vit_free(bytes);
        if (count < 2)
            continue;
        assert_int_equal(read_pipe(count, count - 1, &bytes, &size), VIT_ERR_TOO_LARGE);
        assert_null(bytes);
    }
}

static void wrong_calls_are_refused(void **state)
{
    (void)state;
    vit_image image;
    void *bytes;
    size_t size;
    const vit_load_options no_such_exif = {.exif = (vit_exif)7};
    assert_int_equal(vit_image_load(NULL, NULL, &image, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_image_load("x", NULL, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_image_decode(NULL, 1, NULL, NULL, &image, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_image_decode("P6", 2, NULL, NULL, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_image_decode("P6", 2, NULL, &no_such_exif, &image, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_image_decode(NULL, 0, NULL, NULL, &image, NULL), VIT_ERR_UNSUPPORTED_FORMAT);
    assert_int_equal(vit_file_read("x", 0, NULL, &size, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_file_read(NULL, 0, &bytes, &size, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_descriptor_read(0, NULL, 0, &bytes, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_descriptor_read(-1, NULL, 0, &bytes, &size, NULL), VIT_ERR_UNREADABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_there),
        cmocka_unit_test(not_a_file),
        cmocka_unit_test(a_pipe_keeps_its_writer_waiting),
        cmocka_unit_test(without_permission),
        cmocka_unit_test(an_empty_file),
        cmocka_unit_test(a_link_is_read_as_what_it_points_to),
        cmocka_unit_test(size_is_not_believed),
        cmocka_unit_test(descriptors_are_read_to_their_end),
        cmocka_unit_test(wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
