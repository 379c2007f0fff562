/* SPDX-License-Identifier: BSD-2-Clause */
/* Hub ids, and where the local cache of huggingface_hub is looked for. */
#include "hub_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "expand.h"
#include "folder.h"
#include "tensors.h"

#define REVISION "0123456789abcdef0123456789abcdef01234567"
#define ID "some-org/vit_b.16"
#define REPOSITORY "models--some-org--vit_b.16"

static const char *const variables[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"};
#define N_VARIABLES (sizeof variables / sizeof *variables)

/* The folder of the name in the cache that the environment says. */
static vit_status find(const char *text, char **folder, vit_error *err)
{
    vit__hub_name name;
    assert_true(vit__hub_name_read(text, &name));
    return vit__hub_find(text, &name, NULL, folder, err);
}

static void forget_environment(void)
{
    for (size_t i = 0; i < N_VARIABLES; i++)
        unsetenv(variables[i]);
}

/* A model as huggingface_hub stores it: the files are links into blobs/. */
static void store(const char *root, const char *below, const char *reference)
{
    char name[256];
    const char *slash = *below ? "/" : "";
    snprintf(name, sizeof name, "%s%s" REPOSITORY "/blobs/b1", below, slash);
    safetensors_write(root, name, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
    snprintf(name, sizeof name, "%s%s" REPOSITORY "/snapshots/" REVISION "/config.json", below, slash);
    write_text(root, name, "{\"model_type\":\"vit\"}");
    snprintf(name, sizeof name, "%s%s" REPOSITORY "/snapshots/" REVISION "/model.safetensors", below, slash);
    assert_int_equal(symlink("../../blobs/b1", in_folder(root, name)), 0);
    snprintf(name, sizeof name, "%s%s" REPOSITORY "/refs/main", below, slash);
    write_text(root, name, reference);
}

#define SIXTEEN "0123456789abcdef"
#define NINETY_SIX SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN

static void ids_are_told_from_paths(void **state)
{
    (void)state;
    static const char *const ids[] = {"a/b",
                                      "google/vit-base-patch16-224",
                                      "0/1",
                                      "timm/vit_small_patch14_dinov2.lvd142m",
                                      "a/b.",
                                      "-/_",
                                      "a/bgit",
                                      NINETY_SIX "/" NINETY_SIX,
                                      "a/b@main",
                                      "a/b@refs/pr/1",
                                      "a/b@v1.0",
                                      ("a/b@" REVISION),
                                      "a/b@x@y",
                                      "hf-hub:a/b",
                                      "hf_hub:a/b@main"};
    static const char *const others[] = {"",
                                         "a",
                                         "/",
                                         "a/",
                                         "/b",
                                         "a/b/c",
                                         "./a",
                                         "../a",
                                         "a/.b",
                                         "a/..",
                                         "a b/c",
                                         "a/b c",
                                         "a/b\n",
                                         "~/a",
                                         "a\\b/c",
                                         "a/b%",
                                         "C:/b",
                                         "a--b/c",
                                         "a/b--c",
                                         "a/b..c",
                                         "a/b.git",
                                         "a/b@",
                                         "a/b@/x",
                                         "a/b@x/",
                                         "a@b/c",
                                         "a/b@a//b",
                                         "a/b@../x",
                                         "a/b@x/../y",
                                         "a/b@.x",
                                         "a/b@x y",
                                         "a/b@x\ny",
                                         "a/b@a..b",
                                         "a/b@~x",
                                         "a/" NINETY_SIX "0",
                                         NINETY_SIX "0/b",
                                         "a/b.git@main",
                                         "hf-hub:",
                                         "hf-hub:a",
                                         "hf-hub:hf-hub:a/b",
                                         "hub:a/b",
                                         "\xc3\xa9/b"};
    vit__hub_name name;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (!vit__hub_name_read(ids[i], &name))
            fail_msg("not taken for a hub id: %s", ids[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (vit__hub_name_read(others[i], &name))
            fail_msg("taken for a hub id: %s", others[i]);
    assert_true(vit__hub_name_read("a/b@refs/pr/1", &name));
    assert_string_equal(name.id, "a/b");
    assert_string_equal(name.revision, "refs/pr/1");
}

static void every_place_is_looked_in(void **state)
{
    (void)state;
    static const char *const below[N_VARIABLES] = {"", "", "hub", "huggingface/hub", ".cache/huggingface/hub"};
    for (size_t i = 0; i < N_VARIABLES; i++) {
        char *root = folder_make(), *folder, wanted[256];
        forget_environment();
        setenv(variables[i], root, 1);
        store(root, below[i], i % 2 ? REVISION "\n" : REVISION);
        snprintf(wanted, sizeof wanted, "%s%s%s/" REPOSITORY "/snapshots/" REVISION, root, *below[i] ? "/" : "",
                 below[i]);
        vit_error err = {0};
        assert_ok(find(ID, &folder, &err), err);
        assert_string_equal(folder, wanted);
        free(folder);
        vit__checkpoint *checkpoint;
        assert_ok(vit__checkpoint_open(ID, &checkpoint, &err), err);
        assert_string_equal(vit__checkpoint_path(checkpoint), wanted);
        assert_string_equal(vit__checkpoint_folder(checkpoint), wanted);
        vit__checkpoint_free(checkpoint);
        folder_remove(root);
    }
}

/* As huggingface_hub has it: the first place that is set is the cache, whatever is in the others. */
static void the_first_place_wins(void **state)
{
    (void)state;
    char *first = folder_make(), *second = folder_make(), *folder;
    forget_environment();
    setenv("HF_HUB_CACHE", first, 1);
    setenv("HF_HOME", second, 1);
    store(second, "hub", REVISION);
    vit_error err = {0};
    assert_int_equal(find(ID, &folder, &err), VIT_ERR_NOT_FOUND);
    err = (vit_error){0};
    store(first, "", REVISION);
    assert_ok(find(ID, &folder, &err), err);
    assert_memory_equal(folder, first, strlen(first));
    free(folder);
    setenv("HF_HUB_CACHE", "", 1);
    assert_ok(find(ID, &folder, &err), err);
    assert_memory_equal(folder, second, strlen(second));
    free(folder);
    folder_remove(first);
    folder_remove(second);
}

/* What os.path.expandvars(os.path.expanduser(path)) gives. */
static void paths_are_expanded(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"~", "/home/ann"},
        {"~/hf", "/home/ann/hf"},
        {"~//hf", "/home/ann//hf"},
        {"a/~", "a/~"},
        {"~no such user/x", "~no such user/x"},
        {"$X/b", "/x/b"},
        {"${X}b", "/xb"},
        {"$Xb", "$Xb"},
        {"$X$X", "/x/x"},
        {"a$", "a$"},
        {"${X", "${X"},
        {"${}", "${}"},
        {"$-x", "$-x"},
        {"$DOLLAR", "$X"},
        {"~/$X", "/home/ann//x"},
        {"", ""},
        {"/plain", "/plain"},
    };
    setenv("HOME", "/home/ann/", 1);
    setenv("X", "/x", 1);
    setenv("DOLLAR", "$X", 1);
    unsetenv("Xb");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *expanded = vit__path_expand(cases[i][0]);
        assert_string_equal(expanded, cases[i][1]);
        free(expanded);
    }
    setenv("HOME", "/", 1);
    char *root = vit__path_expand("~"), *below = vit__path_expand("~/x");
    assert_string_equal(root, "/");
    assert_string_equal(below, "/x");
    free(root);
    free(below);
}

static void places_are_expanded(void **state)
{
    (void)state;
    static const char *const values[][2] = {{"HF_HUB_CACHE", "~/hub"},
                                            {"HF_HUB_CACHE", "${HOME}/hub"},
                                            {"HUGGINGFACE_HUB_CACHE", "$HOME/hub"},
                                            {"HF_HOME", "~"},
                                            {"HF_HOME", "$HOME"}};
    char *root = folder_make();
    store(root, "hub", REVISION);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char *folder;
        vit_error err = {0};
        forget_environment();
        setenv("HOME", root, 1);
        setenv(values[i][0], values[i][1], 1);
        assert_ok(find(ID, &folder, &err), err);
        assert_memory_equal(folder, root, strlen(root));
        free(folder);
    }
    folder_remove(root);
}

#define OTHER "00000000000000000000000000000000000000ff"

static void revisions_are_found(void **state)
{
    (void)state;
    char *root = folder_make(), *folder;
    forget_environment();
    setenv("HF_HUB_CACHE", root, 1);
    store(root, "", REVISION);
    write_text(root, REPOSITORY "/snapshots/" OTHER "/config.json", "{}");
    write_text(root, REPOSITORY "/refs/v1.0", OTHER);
    write_text(root, REPOSITORY "/refs/refs/pr/7", OTHER);
    static const char *const names[][2] = {{ID, REVISION},        {ID "@main", REVISION}, {ID "@" REVISION, REVISION},
                                           {ID "@" OTHER, OTHER}, {ID "@v1.0", OTHER},    {ID "@refs/pr/7", OTHER}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        vit_error err = {0};
        assert_ok(find(names[i][0], &folder, &err), err);
        assert_string_equal(folder + strlen(folder) - 40, names[i][1]);
        free(folder);
    }
    vit_error err = {0};
    assert_int_equal(find(ID "@v2.0", &folder, &err), VIT_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, REVISION));
    assert_non_null(strstr(err.message, OTHER));
    assert_non_null(strstr(err.message, "vit pull " ID "@v2.0"));
    folder_remove(root);
}

/* Fetched by a tag or a commit: there is no refs/main. One snapshot can be meant; of two none is. */
static void without_main_the_only_snapshot_is_meant(void **state)
{
    (void)state;
    char *root = folder_make(), *folder;
    forget_environment();
    setenv("HF_HUB_CACHE", root, 1);
    store(root, "", REVISION);
    assert_int_equal(unlink(in_folder(root, REPOSITORY "/refs/main")), 0);
    vit_error err = {0};
    assert_ok(find(ID, &folder, &err), err);
    free(folder);
    assert_int_equal(find(ID "@main", &folder, &err), VIT_ERR_NOT_FOUND);
    err = (vit_error){0};
    write_text(root, REPOSITORY "/snapshots/" OTHER "/config.json", "{}");
    assert_int_equal(find(ID, &folder, &err), VIT_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, REVISION));
    assert_non_null(strstr(err.message, OTHER));
    folder_remove(root);
}

static void refuse(const char *says)
{
    char *folder;
    vit_error err = {0};
    assert_int_equal(find(ID, &folder, &err), VIT_ERR_NOT_FOUND);
    assert_null(folder);
    assert_string_equal(err.where, ID);
    if (!strstr(err.message, says))
        fail_msg("%s (wanted ...%s...)", err.message, says);
    assert_non_null(strstr(err.message, "download"));
}

static void absent_models_say_where_was_looked(void **state)
{
    (void)state;
    char *root = folder_make();
    forget_environment();
    refuse(".cache/huggingface/hub"); /* of the home folder that the system has for this user */
    setenv("HOME", root, 1);
    refuse(in_folder(root, ".cache/huggingface/hub"));
    setenv("HF_HUB_CACHE", "/nowhere", 1);
    refuse("looked in /nowhere)");
    folder_remove(root);
}

/* What stands in refs/main is no path: it must not lead out of snapshots/. */
static void revisions_are_plain_names(void **state)
{
    (void)state;
    static const char *const references[] = {"", "\n", "..", "../snapshots/" REVISION, "/", "x", REVISION "/."};
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        char *root = folder_make();
        forget_environment();
        setenv("HF_HUB_CACHE", root, 1);
        store(root, "", references[i]);
        refuse(root);
        folder_remove(root);
    }
}

/* A folder of the same name wins over the cache. */
static void folders_win(void **state)
{
    (void)state;
    char *root = folder_make(), *before = getcwd(NULL, 0);
    assert_non_null(before);
    forget_environment();
    setenv("HF_HUB_CACHE", root, 1);
    store(root, "", REVISION);
    write_text(root, ID "/config.json", "{\"architecture\":\"a\"}");
    safetensors_write(root, ID "/model.safetensors", "{}", 0);
    assert_int_equal(chdir(root), 0);
    vit__checkpoint *checkpoint;
    vit_error err = {0};
    assert_ok(vit__checkpoint_open(ID, &checkpoint, &err), err);
    assert_string_equal(vit__checkpoint_path(checkpoint), ID);
    assert_int_equal(vit__checkpoint_kind_of(checkpoint), VIT__CHECKPOINT_TIMM);
    vit__checkpoint_free(checkpoint);
    assert_int_equal(chdir(before), 0);
    free(before);
    folder_remove(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_told_from_paths),
        cmocka_unit_test(every_place_is_looked_in),
        cmocka_unit_test(the_first_place_wins),
        cmocka_unit_test(paths_are_expanded),
        cmocka_unit_test(places_are_expanded),
        cmocka_unit_test(revisions_are_found),
        cmocka_unit_test(without_main_the_only_snapshot_is_meant),
        cmocka_unit_test(absent_models_say_where_was_looked),
        cmocka_unit_test(revisions_are_plain_names),
        cmocka_unit_test(folders_win),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
