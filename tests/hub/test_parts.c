/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of libvithub: digests, names, the list, which files, headers and addresses, the layout of the cache. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache.h"
#include "curl.h"
#include "folder.h"
#include "local.h"
#include "partial.h"
#include "plan.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define EMPTY_GIT "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391" /* git hash-object /dev/null */
#define HELLO_GIT "ce013625030ba8dba906f756967f9e9ca394464a" /* of "hello\n" */
#define HELLO_SHA256 "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

static void digests(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *wanted;
        bool right;
    } cases[] = {{"", EMPTY_GIT, true},          {"hello\n", HELLO_GIT, true},  {"hello\n", HELLO_SHA256, true},
                 {"hello", HELLO_SHA256, false}, {"hello\n", EMPTY_GIT, false}, {"hello ", HELLO_GIT, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t size = strlen(cases[i].bytes);
        vit__digest digest;
        vit__digest_start(&digest, cases[i].wanted, size);
        for (size_t at = 0; at < size; at++)
            vit__digest_add(&digest, cases[i].bytes + at, 1);
        assert_int_equal(vit__digest_agrees(&digest), cases[i].right);
    }
    assert_true(vit__is_digest(EMPTY_GIT) && vit__is_digest(HELLO_SHA256));
    assert_false(vit__is_digest("") || vit__is_digest("CE013625030ba8dba906f756967f9e9ca394464a"));
}

static void names(void **state)
{
    (void)state;
    static const char *const safe[] = {"a", "a/b", "a b/c", "..a", "a..", ".gitattributes", "\xc3\xa9"};
    static const char *const unsafe[] = {"",     "/",    "/a",    "a/",   "a//b", ".",    "..",
                                         "../a", "a/..", "a/./b", "a\\b", "a\nb", "a\x7f"};
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        assert_true(vit__is_safe_name(safe[i]));
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
        assert_false(vit__is_safe_name(unsafe[i]));
    char name[1200];
    memset(name, 'x', sizeof name);
    name[256] = 0;
    assert_false(vit__is_safe_name(name));
    name[255] = 0;
    assert_true(vit__is_safe_name(name));
    assert_true(vit__is_etag("d41d8cd98f00b204e9800998ecf8427e-38") && vit__is_etag("a_B"));
    assert_false(vit__is_etag("") || vit__is_etag(".") || vit__is_etag("a.b") || vit__is_etag("a/b") ||
                 vit__is_etag(name));
}

static vit_status read_list(const char *json, vit__listing *listing)
{
    return vit__listing_read(json, strlen(json), "list", listing, NULL);
}

#define FILES(...) "{\"sha\":\"" COMMIT "\",\"siblings\":[" __VA_ARGS__ "]}"
#define FILE_OF(name) "{\"rfilename\":\"" name "\",\"size\":1}"

static void lists(void **state)
{
    (void)state;
    vit__listing listing;
    assert_int_equal(read_list(FILES("{\"rfilename\":\"b\",\"size\":6,\"blobId\":\"" EMPTY_GIT
                                     "\",\"lfs\":{\"sha256\":\"" HELLO_SHA256 "\",\"size\":6}}," FILE_OF(
                                         "a") ",{\"rfilename\":\"c\",\"size\":null,\"lfs\":null}"),
                               &listing),
                     VIT_OK);
    assert_int_equal(listing.n, 3);
    assert_string_equal(listing.commit, COMMIT);
    assert_string_equal(listing.files[0].name, "a");
    const vit__listed *b = vit__listing_find(&listing, "b");
    assert_string_equal(b->digest, HELLO_SHA256);
    assert_true(b->has_size && b->size == 6 && !listing.files[2].has_size);
    assert_null(vit__listing_find(&listing, "d"));
    vit__listing_free(&listing);
    static const char *const wrong[] = {"",
                                        "{}",
                                        "[]",
                                        FILES(FILE_OF("../a")),
                                        FILES(FILE_OF("a") "," FILE_OF("a")),
                                        FILES("{\"rfilename\":\"a\",\"size\":-1}"),
                                        FILES("{\"rfilename\":\"a\",\"size\":1,\"lfs\":{\"size\":2}}"),
                                        FILES("{\"rfilename\":\"a\",\"blobId\":\"../x\"}"),
                                        FILES("{}"),
                                        FILES("1")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_not_equal(read_list(wrong[i], &listing), VIT_OK);
        assert_null(listing.files);
    }
    assert_int_equal(read_list(FILES(""), &listing), VIT_OK);
    assert_null(vit__listing_find(&listing, "a"));
    vit__listing_free(&listing);
}

/* Which of the files, by name, are chosen: "a b". */
static void assert_chosen(const char *json, const vit_hub_options *options, const char *wanted)
{
    vit__listing listing;
    bool chosen[32] = {false};
    char found[512] = "";
    vit_error err = {0};
    assert_int_equal(read_list(json, &listing), VIT_OK);
    assert_ok(vit__plan_choose(&listing, options, "https://hub", "a/b", chosen, &err), err);
    for (size_t i = 0; i < listing.n; i++)
        if (chosen[i])
            snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", *found ? " " : "",
                     listing.files[i].name);
    assert_string_equal(found, wanted);
    vit__listing_free(&listing);
}

static void plans(void **state)
{
    (void)state;
    static const char *const text[] = {"*.txt", "sub/"};
    const vit_hub_options usual = {0}, all = {.all = 1}, more = {.include = text, .n_include = 2};
    const char *mixed = FILES(
        FILE_OF("config.json") "," FILE_OF("model.safetensors") "," FILE_OF("open_clip_model.safetensors") "," FILE_OF("model-00001-of-00002.safetensors") "," FILE_OF("model.safetensors.index.json") "," FILE_OF(
            "LICENSE.md") "," FILE_OF("sub/config.json") "," FILE_OF("sub/x.txt") "," FILE_OF("pytorch_model.bin") "," FILE_OF("x.gguf"));
    assert_chosen(mixed, &usual, "LICENSE.md config.json model.safetensors");
    assert_chosen(mixed, &more, "LICENSE.md config.json model.safetensors sub/config.json sub/x.txt");
    assert_chosen(mixed, &all,
                  "LICENSE.md config.json model-00001-of-00002.safetensors model.safetensors "
                  "model.safetensors.index.json open_clip_model.safetensors sub/config.json sub/x.txt");
    assert_chosen(FILES(FILE_OF("model.safetensors.index.json") "," FILE_OF(
                      "model-00001-of-00002.safetensors") "," FILE_OF("open_clip_model.safetensors")),
                  &usual, "model-00001-of-00002.safetensors model.safetensors.index.json");
    assert_chosen(FILES(FILE_OF("open_clip_model.safetensors")), &usual, "open_clip_model.safetensors");
    assert_chosen(FILES(FILE_OF("pytorch_model.bin") "," FILE_OF("open_clip_pytorch_model.bin")), &usual,
                  "pytorch_model.bin");
    assert_chosen(FILES(FILE_OF("open_clip_config.json") "," FILE_OF("pytorch_model.bin") "," FILE_OF(
                      "open_clip_pytorch_model.bin")),
                  &usual, "open_clip_config.json open_clip_pytorch_model.bin");
    assert_chosen(FILES(FILE_OF("pytorch_model.bin.index.json") "," FILE_OF(
                      "pytorch_model-00001-of-00001.bin") "," FILE_OF("training_args.bin")),
                  &usual, "pytorch_model-00001-of-00001.bin pytorch_model.bin.index.json");
    vit__listing listing;
    bool chosen[4] = {false};
    vit_error err = {0};
    assert_int_equal(read_list(FILES(FILE_OF("weights.pt")), &listing), VIT_OK);
    assert_int_equal(vit__plan_choose(&listing, &usual, "https://hub", "a/b", chosen, &err), VIT_ERR_UNSUPPORTED_MODEL);
    assert_non_null(strstr(err.message, "a/b@refs/pr/N"));
    vit__listing_free(&listing);
}

/* Folders of modules count where modules.json is, each with weights of its own. */
static void module_folders(void **state)
{
    (void)state;
    const vit_hub_options usual = {0};
#define POOLING FILE_OF("1_Pooling/config.json")
#define DENSE FILE_OF("2_Dense/pytorch_model.bin") "," FILE_OF("2_Dense/config.json")
#define TENTH FILE_OF("10_Dense/model.safetensors") "," FILE_OF("10_Dense/pytorch_model.bin")
#define OTHERS FILE_OF("onnx/config.json") "," FILE_OF("2_Dense/deep/config.json") "," FILE_OF("config.json")
#define MODULES POOLING "," DENSE "," TENTH "," OTHERS
    assert_chosen(FILES(MODULES "," FILE_OF("modules.json") "," FILE_OF("pytorch_model.bin")), &usual,
                  "10_Dense/model.safetensors 1_Pooling/config.json 2_Dense/config.json 2_Dense/pytorch_model.bin "
                  "config.json modules.json pytorch_model.bin");
    assert_chosen(FILES(MODULES "," FILE_OF("model.safetensors")), &usual, "config.json model.safetensors");
    vit__listing listing;
    bool chosen[16] = {false};
    vit_error err = {0};
    assert_int_equal(read_list(FILES(MODULES "," FILE_OF("modules.json")), &listing), VIT_OK);
    assert_int_equal(vit__plan_choose(&listing, &usual, "https://hub", "a/b", chosen, &err), VIT_ERR_UNSUPPORTED_MODEL);
    vit__listing_free(&listing);
    assert_chosen(
        FILES(FILE_OF("0_CLIPModel/model.safetensors.index.json") "," FILE_OF(
            "0_CLIPModel/model-1.safetensors") "," FILE_OF("0_CLIPModel/merges.txt") "," FILE_OF("modules.json")),
        &usual,
        "0_CLIPModel/merges.txt 0_CLIPModel/model-1.safetensors 0_CLIPModel/model.safetensors.index.json "
        "modules.json");
}

/* config.json decides which of two models in one repository is read. */
static void two_layouts(void **state)
{
    (void)state;
    const vit_hub_options usual = {0};
    const char *both = FILES(FILE_OF("config.json") "," FILE_OF("open_clip_config.json") "," FILE_OF(
        "model.safetensors") "," FILE_OF("open_clip_model.safetensors") "," FILE_OF("pytorch_model.bin"));
    static const struct {
        const char *config, *weights;
    } cases[] = {{"{\"auto_map\": {\"AutoModel\": \"x.X\"}}", "open_clip_model.safetensors"},
                 {"{\"auto_map\": null}", "model.safetensors"},
                 {"{}", "model.safetensors"},
                 {"", "model.safetensors"},
                 {"no JSON", "model.safetensors"}};
    assert_chosen(both, &usual, "config.json open_clip_config.json");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vit__listing listing;
        bool chosen[8] = {false};
        vit__buffer config = {0};
        assert_int_equal(read_list(both, &listing), VIT_OK);
        vit__buffer_add_string(&config, cases[i].config);
        vit__plan_twofold(&listing, &config, chosen);
        for (size_t j = 0; j < listing.n; j++)
            assert_int_equal(chosen[j], strcmp(listing.files[j].name, cases[i].weights) == 0);
        vit__buffer_free(&config);
        vit__listing_free(&listing);
    }
}

static void headers(void **state)
{
    (void)state;
    vit__answer answer = {.status = 200};
    char value[16];
    uint64_t number;
    vit__buffer_add_string(
        &answer.headers, "HTTP/1.1 200 OK\r\netag:  \"x\" \r\nX-Linked-Size: 12\r\nEmpty:\r\nLong: 0123456789abcdef\r\n"
                         "Negative: -1\r\nHuge: 99999999999999999999\r\n\r\n");
    assert_true(vit__answer_header(&answer, "ETag", value, sizeof value));
    assert_string_equal(value, "\"x\"");
    assert_true(vit__answer_number(&answer, "x-linked-size", &number) && number == 12);
    assert_true(vit__answer_header(&answer, "Empty", value, sizeof value) && !*value);
    assert_false(vit__answer_header(&answer, "Long", value, sizeof value) ||
                 vit__answer_header(&answer, "tag", value, sizeof value));
    assert_false(vit__answer_number(&answer, "Negative", &number) || vit__answer_number(&answer, "Huge", &number) ||
                 vit__answer_number(&answer, "ETag", &number));
    vit__buffer_free(&answer.headers);
}

static void assert_text(char *got, const char *wanted)
{
    if (wanted && got)
        assert_string_equal(got, wanted);
    else
        assert_true(!got && !wanted);
    free(got);
}

static void addresses(void **state)
{
    (void)state;
    char *origin = vit__url_origin("https://hub.example");
    if (!origin)
        skip(); /* this build, or this machine, has no libcurl */
    assert_text(origin, "https://hub.example:443");
    assert_text(vit__url_origin("HTTPS://HUB.Example:443/x"), "https://hub.example:443");
    assert_text(vit__url_origin("http://hub.example:8080/a?b"), "http://hub.example:8080");
    assert_text(vit__url_origin("https://hub.example@evil.example/"), "https://evil.example:443");
    assert_text(vit__url_origin("file:///etc/passwd"), NULL);
    assert_text(vit__url_join("https://hub.example/a/b", "/c"), "https://hub.example/c");
    assert_text(vit__url_join("https://hub.example/a/b", "//other.example/c"), "https://other.example/c");
    assert_text(vit__url_join("https://hub.example/a/b", "http://hub.example/c"), "http://hub.example/c");
    assert_text(vit__url_join("https://hub.example/a/b", "file:///etc/passwd"), NULL);
}

static vit_status add(vit__partial *partial, const char *text, vit_error *err)
{
    return vit__partial_add(partial, text, strlen(text), err);
}

/* A content comes in two runs, gets its name, its place and its reference. */
static void the_cache(void **state)
{
    (void)state;
    char *root = folder_make(), etag[VIT__ETAG_MAX + 1];
    vit__cache cache;
    vit__partial partial;
    vit_error err = {0};
    uint64_t size;
    int file;
    assert_ok(vit__cache_open(root, "a/b", true, 0, &cache, &err), err);
    assert_ok(vit__cache_open_blob(&cache, HELLO_GIT, &file, &size, &err), err);
    assert_int_equal(file, -1);
    vit__cache_close(&cache);
    assert_ok(vit__cache_open(root, "a/b", true, 6, &cache, &err), err);
    for (int run = 0; run < 2; run++) {
        assert_ok(vit__partial_open(&cache, HELLO_GIT, HELLO_GIT, 6, &partial, &err), err);
        assert_int_equal(partial.size, run ? 3 : 0);
        assert_ok(add(&partial, run ? "lo\n" : "hel", &err), err);
        if (run && vit__partial_is_right(&partial))
            assert_ok(vit__partial_finish(&partial, &err), err);
        vit__partial_close(&partial);
        assert_int_equal(vit__partial_left(&cache, HELLO_GIT), run ? 0 : 3);
    }
    const vit__blob blob = {HELLO_GIT, true};
    assert_ok(vit__cache_place(&cache, COMMIT, "x/y/hello", &blob, &err), err);
    assert_ok(vit__cache_open_file(&cache, COMMIT, "x/y/hello", etag, &file, &size, &err), err);
    bool right;
    assert_string_equal(etag, HELLO_GIT);
    assert_int_equal(size, 6);
    assert_ok(vit__is_content(file, HELLO_SHA256, 6, &right, &err), err);
    assert_true(right);
    close(file);
    char target[64] = "";
    assert_true(readlink(in_folder(root, "models--a--b/snapshots/" COMMIT "/x/y/hello"), target, sizeof target - 1) >
                0);
    assert_string_equal(target, "../../../../blobs/" HELLO_GIT);
    assert_false(vit__cache_refers(&cache, "refs/pr/1", COMMIT));
    assert_ok(vit__cache_refer(&cache, "refs/pr/1", COMMIT, &err), err);
    assert_true(vit__cache_refers(&cache, "refs/pr/1", COMMIT));
    vit__cache_close(&cache);
    folder_remove(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests), cmocka_unit_test(names),          cmocka_unit_test(lists),
        cmocka_unit_test(plans),   cmocka_unit_test(module_folders), cmocka_unit_test(two_layouts),
        cmocka_unit_test(headers), cmocka_unit_test(addresses),      cmocka_unit_test(the_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
