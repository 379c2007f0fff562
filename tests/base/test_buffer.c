/* SPDX-License-Identifier: BSD-2-Clause */
/* What grows: nothing is lost on the way, sizes are checked, and one refused request fails the
 * whole chain. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "buffer.h"
#include "memory.h"

static void an_array_doubles(void **state)
{
    (void)state;
    size_t capacity = 0;
    uint32_t *items = NULL;
    for (uint32_t n = 0; n < 1000; n++) {
        items = vit__grow(items, &capacity, n, 1, sizeof *items);
        assert_non_null(items);
        assert_true(capacity > n && capacity <= (n < 16 ? 16 : 2 * n));
        items[n] = n;
    }
    for (uint32_t n = 0; n < 1000; n++)
        assert_int_equal(items[n], n);
    assert_int_equal(capacity, 1024);
    items = vit__grow(items, &capacity, 1000, 5000, sizeof *items);
    assert_int_equal(capacity, 6000);
    free(items);
}

static void sizes_that_overflow_leave_the_array(void **state)
{
    (void)state;
    static const size_t more[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 8 + 1};
    size_t capacity = 0;
    double *items = vit__grow(NULL, &capacity, 0, 2, sizeof *items);
    assert_non_null(items);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        assert_null(vit__grow(items, &capacity, 2, more[i], sizeof *items));
        assert_int_equal(capacity, 16);
    }
    items[15] = 1; /* the sanitizer would see a block that is gone */
    free(items);
}

static void bytes_add_up(void **state)
{
    (void)state;
    vit__buffer buffer = {0};
    vit__buffer_add(&buffer, NULL, 0);
    assert_null(buffer.data);
    assert_string_equal(vit__buffer_terminate(&buffer), "");
    vit__buffer_add_string(&buffer, "caf");
    vit__buffer_add_char(&buffer, 0xE9);
    vit__buffer_add_char(&buffer, 0x1F600);
    vit__buffer_add(&buffer, "a\0b", 3);
    assert_int_equal(buffer.size, 12);
    static const char wanted[] = "caf\xC3\xA9\xF0\x9F\x98\x80\x61\0b";
    assert_memory_equal(vit__buffer_terminate(&buffer), wanted, sizeof wanted);
    assert_int_equal(buffer.size, 12);
    vit__buffer_clear(&buffer);
    assert_string_equal(vit__buffer_terminate(&buffer), "");
    vit__buffer_free(&buffer);
}

static void room_is_as_asked(void **state)
{
    (void)state;
    vit__buffer buffer = {0};
    assert_true(vit__buffer_reserve(&buffer, 1000));
    assert_int_equal(buffer.capacity, 1000);
    assert_true(vit__buffer_reserve(&buffer, 10));
    assert_int_equal(buffer.capacity, 1000);
    vit__buffer_free(&buffer);
    allocations_watch(1, 1);
    assert_false(vit__buffer_reserve(&buffer, 1000));
    allocations_stop();
    assert_true(buffer.failed);
    assert_false(vit__buffer_reserve(&buffer, 1));
    vit__buffer_free(&buffer);
}

static void formats_are_added_behind_what_is_there(void **state)
{
    (void)state;
    vit__buffer buffer = {0};
    vit__buffer_format(&buffer, "%d", 12);
    vit__buffer_format(&buffer, "%s", "");
    vit__buffer_format(&buffer, " and %0100d", 7);
    assert_int_equal(buffer.size, 107);
    assert_string_equal(vit__buffer_terminate(&buffer) + 105, "07");
    assert_memory_equal(buffer.data, "12 and 0", 8);
    vit__buffer_free(&buffer);
}

/* As text is put together: many additions, and one look at the end. false: out of memory. */
static bool put_together(vit__buffer *buffer)
{
    for (int i = 0; i < 100; i++) {
        vit__buffer_add_string(buffer, "word");
        vit__buffer_add_char(buffer, 0x20AC);
        vit__buffer_format(buffer, "%d", i % 10);
    }
    return vit__buffer_terminate(buffer) != NULL;
}

static void a_refused_request_is_remembered(void **state)
{
    (void)state;
    vit__buffer buffer = {0};
    allocations_watch(0, 0);
    assert_true(put_together(&buffer));
    const size_t requests = allocations_stop();
    vit__buffer_free(&buffer);
    assert_true(requests > 3);
    for (size_t first = 1; first <= requests; first++) {
        allocations_watch(first, 1); /* those after it would be granted */
        assert_false(put_together(&buffer));
        allocations_stop();
        assert_true(buffer.failed && buffer.size < 800);
        vit__buffer_free(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_doubles),
        cmocka_unit_test(sizes_that_overflow_leave_the_array),
        cmocka_unit_test(bytes_add_up),
        cmocka_unit_test(room_is_as_asked),
        cmocka_unit_test(formats_are_added_behind_what_is_there),
        cmocka_unit_test(a_refused_request_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
