/* SPDX-License-Identifier: BSD-2-Clause */
/* What files are called in an index, from whatever folder it is used; and words of scripts without spaces. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "words.h"

typedef char *named(const vit_index *index, const char *text);

static void check(named *function, const char *home, const char *here, const char *given, const char *wanted)
{
    vit_index index = {.pin.folder = (char *)home, .here = (char *)here};
    char *got = function(&index, given);
    assert_non_null(got);
    assert_string_equal(got, wanted);
    free(got);
}

static void names_do_not_follow_the_folder(void **state)
{
    (void)state;
    check(vit__name_of, "/photos", "/photos", "a.jpg", "a.jpg");
    check(vit__name_of, "/photos", "/photos/sub", "b.jpg", "sub/b.jpg");
    check(vit__name_of, "/photos", "/photos/sub", "../b.jpg", "b.jpg");
    check(vit__name_of, "/photos", "/photos2", "b.jpg", "/photos2/b.jpg");
    check(vit__name_of, "/photos", "/other", "a.jpg", "/other/a.jpg");
    check(vit__name_of, "/photos", "/other", "/photos/a.jpg", "/photos/a.jpg");
    check(vit__name_of, "/", "/other", "a.jpg", "other/a.jpg");
    check(vit__name_of, NULL, "/other", "a.jpg", "a.jpg"); /* of an index that does not say */
}

static void files_are_where_they_were(void **state)
{
    (void)state;
    check(vit__file_of, "/photos", "/photos", "a.jpg", "a.jpg");
    check(vit__file_of, "/photos", "/other", "a.jpg", "/photos/a.jpg");
    check(vit__file_of, "/photos", "/other", "../x/a.jpg", "/x/a.jpg");
    check(vit__file_of, "/photos", "/other", "/a.jpg", "/a.jpg");
}

static void a_file_has_two_names(void **state)
{
    (void)state;
    check(vit__other_name, "/photos", "/other", "sub/a.jpg", "/photos/sub/a.jpg");
    check(vit__other_name, "/photos", "/other", "/photos/sub/a.jpg", "sub/a.jpg");
    check(vit__other_name, "/photos", "/other", "/other/a.jpg", "/other/a.jpg");
    check(vit__other_name, NULL, "/here", "a.jpg", "/here/a.jpg");
}

static void unspaced_scripts_are_set_apart(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"red dog", "red dog"},
        {"\xe5\x85\xac\xe5\x9c\x92", " \xe5\x85\xac  \xe5\x9c\x92 "},
        {"a\xe7\x8c\xab"
         "2",
         "a \xe7\x8c\xab 2"},
        {"\xff\xe5\x85", "\xff\xe5\x85"},                         /* no UTF-8 */
        {"\xed\x95\x9c\xea\xb8\x80", "\xed\x95\x9c\xea\xb8\x80"}, /* Korean has spaces */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        vit__buffer text = {0};
        vit__add_words(&text, rows[i][0], strlen(rows[i][0]));
        assert_string_equal(vit__buffer_terminate(&text), rows[i][1]);
        vit__buffer_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_do_not_follow_the_folder),
        cmocka_unit_test(files_are_where_they_were),
        cmocka_unit_test(a_file_has_two_names),
        cmocka_unit_test(unspaced_scripts_are_set_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
