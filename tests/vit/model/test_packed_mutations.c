/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packed files whose config says something else than what was packed, and whose bytes
 * were changed. Nothing crashes, and a model that opens encodes (or says that it cannot).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "packed_file.h"

#define CHANGES 25           /* of each case */
#define PIXELS_MOST 3000000u /* larger pictures are not worth the time */

/* Keys of a tower's config, with values that each can have. */
/* clang-format off */
static const char *const changes[][2] = {
    {"input", "\\\"tokens\\\""}, {"position", "\\\"none\\\""}, {"position", "\\\"learned\\\""},
    {"position", "\\\"learned_patches\\\""}, {"position", "\\\"learned_class\\\""}, {"position", "\\\"sincos\\\""},
    {"position", "\\\"sincos_2d\\\""}, {"interpolation", "\\\"bicubic\\\""}, {"rotary.kind", "\\\"axial\\\""},
    {"rotary.kind", "\\\"mixed\\\""}, {"rotary.kind", "\\\"dinov3\\\""}, {"rotary.theta", "100"},
    {"relative_bias", "\\\"per_block\\\""}, {"relative_bias", "\\\"shared\\\""}, {"order", "\\\"post_norm\\\""},
    {"order", "\\\"branch_norm\\\""}, {"order", "\\\"parallel\\\""}, {"order", "\\\"branches\\\""}, {"norm", "\\\"rms\\\""},
    {"attention", "\\\"differential\\\""}, {"qk_norm", "\\\"head\\\""}, {"qk_norm", "\\\"width\\\""}, {"mlp", "\\\"gated\\\""},
    {"activation", "\\\"none\\\""}, {"activation", "\\\"silu\\\""}, {"pooling", "\\\"none\\\""}, {"pooling", "\\\"class\\\""},
    {"pooling", "\\\"mean_patches\\\""}, {"pooling", "\\\"mean_all\\\""}, {"pooling", "\\\"class_distillation\\\""},
    {"pooling", "\\\"class_and_mean\\\""}, {"pooling", "\\\"attention\\\""}, {"pooling", "\\\"end\\\""},
    {"pooling", "\\\"largest\\\""}, {"pooling", "\\\"last\\\""}, {"head_pooling", "\\\"none\\\""},
    {"head_pooling", "\\\"class_and_mean\\\""}, {"head_pooling", "\\\"class_distillation\\\""},
    {"head_pooling", "\\\"attention\\\""}, {"head_pooling", "\\\"last\\\""}, {"pooler", "\\\"none\\\""},
    {"pooler", "\\\"pooled\\\""}, {"pooler", "\\\"embedding\\\""}, {"pooler", "\\\"dense\\\""}, {"embedding", "\\\"class\\\""},
    {"embedding", "\\\"mean\\\""}, {"embedding", "\\\"pooled\\\""}, {"embedding", "\\\"projected\\\""},
    {"embedding", "\\\"latent\\\""}, {"head", "\\\"none\\\""}, {"head", "\\\"linear\\\""}, {"head", "\\\"two_averaged\\\""},
    {"class_token", "false"}, {"class_token", "true"}, {"distillation_token", "false"}, {"patch_norm", "false"},
    {"pre_norm", "false"}, {"final_norm", "false"}, {"pooled_norm", "false"}, {"causal", "true"}, {"multi_label", "true"},
    {"any_size", "true"}, {"rotary.half", "true"}, {"rotary.x_first", "true"}, {"rotary.offset", "1e308"},
    {"pool_skips_prefix", "true"}, {"attention_scale", "false"}, {"mlp_scale", "false"}, {"qkv_bias", "false"},
    {"sigmoid_logits", "true"}, {"registers", "0"}, {"registers", "1"}, {"heads", "1"}, {"heads", "3"}, {"head_dim", "1"},
    {"head_dim", "7"}, {"depth", "1"}, {"depth", "1024"}, {"branches", "1"}, {"branches", "2"}, {"branches", "64"},
    {"mlp_width", "0"}, {"width", "1"}, {"width", "65536"}, {"pool_heads", "0"}, {"pool_heads", "1"}, {"pool_heads", "64"},
    {"pool_mlp_width", "0"}, {"pooler_width", "0"}, {"projection_width", "0"}, {"latent", "0"}, {"classes", "0"},
    {"classes", "1"}, {"image_height", "17"}, {"image_width", "500"}, {"image_height", "65535"}, {"patch_height", "1"},
    {"patch_width", "3"}, {"position_height", "1"}, {"position_width", "65536"}, {"vocabulary", "1"}, {"context", "1"},
    {"context", "65536"}, {"end_token", "2147483647"}, {"norm_eps", "0"}, {"norm_eps", "-1"}, {"channels", "1"},
    {"stages.n", "1"}, {"stages.n", "3"}, {"stages.n", "8"}, {"stages.n", "9"}, {"stages.n", "2147483647"},
    {"stages.stage[0].depth", "0"}, {"stages.stage[0].depth", "1"}, {"stages.stage[1].depth", "2147483647"},
    {"stages.stage[0].width", "8"}, {"stages.stage[1].heads", "0"}, {"stages.stage[0].heads", "7"},
    {"stages.stage[0].head_dim", "5"}, {"stages.stage[0].mlp_width", "0"}, {"stages.stage[0].window_height", "0"},
    {"stages.stage[0].window_height", "3"}, {"stages.stage[0].window_width", "65536"},
    {"stages.stage[1].pretrained_width", "65537"}, {"stages.stage[1].pretrained_height", "1"},
    {"stages.fit", "\\\"each_side\\\""}, {"stages.fit", "\\\"always\\\""}, {"stages.fit", "\\\"height\\\""},
    {"stages.own_windows", "true"}, {"stages.turns_first", "true"}, {"stages.pads_picture", "true"},
    {"stages.merging_ends", "false"}, {"stages.norm_after_merge", "true"}, {"stages.norm_eps", "2"},
    {"stages.strangers", "1e308"}, {"attention", "\\\"cosine\\\""}, {"relative_bias", "\\\"window\\\""},
    {"relative_bias", "\\\"continuous\\\""},
};
/* clang-format on */
#define N_CHANGES (sizeof changes / sizeof *changes)

/* The header with a key of a tower's config set to a value; of the
 * other tower's where the model has no such one. The caller frees. */
static char *change(const char *header, bool text, const char *key, const char *value)
{
    char wanted[80];
    char *changed = malloc(strlen(header) + 200);
    assert_non_null(changed);
    snprintf(wanted, sizeof wanted, "\\\"%s\\\": ", key);
    const char *towers[] = {strstr(header, "\\\"image\\\": {"), strstr(header, "\\\"text\\\": {")};
    const char *tower = towers[text] ? towers[text] : towers[!text];
    assert_non_null(tower);
    tower = strchr(tower, '{') + 1;
    const char *end = strchr(tower, '}'), *at = strstr(tower, wanted);
    if (!at || at > end) {
        sprintf(changed, "%.*s%s%s,%s", (int)(tower - header), header, wanted, value, tower);
        return changed;
    }
    at += strlen(wanted);
    sprintf(changed, "%.*s%s%s", (int)(at - header), header, value, at + strcspn(at, ",}"));
    return changed;
}

static char *folder;
static size_t refused, opened;

static void check_tower(vit_tower tower)
{
    vit_error err = {0};
    vit_model *model;
    vit_model_options options = {.precision = VIT_PRECISION_AUTO, .tower = tower};
    vit_status status = vit_model_open(in_folder(folder, "packed.safetensors"), &options, &model, &err);
    if (status != VIT_OK) {
        assert_null(model);
        assert_int_equal(err.status, status);
        if (!*err.message || status == VIT_ERR_INTERNAL)
            fail_msg("%s: %s", vit_status_name(status), err.message);
        refused++;
        return;
    }
    size_t n;
    if (vit_model_pixels_size(model) <= PIXELS_MOST)
        free(all_outputs(model, &n));
    vit_model_free(model);
    opened++;
}

static void check_file(const contents *packed)
{
    write_bytes(folder, "packed.safetensors", packed->bytes, packed->size);
    check_tower(VIT_TOWER_IMAGE);
    check_tower(VIT_TOWER_TEXT);
}

static void check_header(const contents *packed, const char *header)
{
    contents changed = packed_with_header(packed, header);
    check_file(&changed);
    contents_free(&changed);
}

/* One to three changes at once. */
static void change_config(const contents *packed, uint64_t *state)
{
    char *header = packed_header(packed);
    for (size_t n = 1 + random_next(state) % 3; n > 0; n--) {
        const char *const *pair = changes[random_next(state) % N_CHANGES];
        char *next = change(header, random_next(state) % 2, pair[0], pair[1]);
        free(header);
        header = next;
    }
    check_header(packed, header);
    free(header);
}

static void change_bytes(const contents *packed, uint64_t *state)
{
    contents changed = {malloc(packed->size + 1), packed->size};
    assert_non_null(changed.bytes);
    memcpy(changed.bytes, packed->bytes, packed->size + 1);
    for (size_t n = 1 + random_next(state) % 9; n > 0; n--)
        changed.bytes[random_next(state) % packed->size] = (char)random_next(state);
    if (random_next(state) % 4 == 0)
        changed.size = random_next(state) % packed->size;
    check_file(&changed);
    contents_free(&changed);
}

static void check_case(const char *case_path)
{
    contents packed = packed_make(data_path("%s", case_path), VIT_PRECISION_INT8);
    uint64_t state = 88172645463325252u + packed.size;
    for (int i = 0; i < CHANGES; i++)
        (i % 4 ? change_config : change_bytes)(&packed, &state);
    contents_free(&packed);
}

static void files_may_hold_anything(void **state)
{
    (void)state;
    folder = folder_make();
    golden_each(check_case);
    folder_remove(folder);
    print_message("%zu refused, %zu opened\n", refused, opened);
    assert_true((refused > golden_share(200) && opened > golden_share(200)) || getenv("VIT_TEST_CASE"));
}

/* Each change alone, of a few cases that have most parts between them. */
static void every_change_alone(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "golden/hf_vit_classifier", "golden/timm_vit_siglip", "golden/hf_dinov2_classifier",
        "golden/own_variational",   "golden/timm_branches",   "golden/hf_clip",
        "golden/hf_swin",           "golden/hf_swinv2"};
    folder = folder_make();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        contents packed = packed_make(data_path("%s", cases[i]), VIT_PRECISION_BF16);
        char *header = packed_header(&packed);
        for (size_t k = 0; k < N_CHANGES; k++) {
            for (int text = 0; text < 2; text++) {
                char *changed = change(header, text, changes[k][0], changes[k][1]);
                check_header(&packed, changed);
                free(changed);
            }
        }
        free(header);
        contents_free(&packed);
    }
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_may_hold_anything), cmocka_unit_test(every_change_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
