/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timm's architectures: every row of the table stands for a model that makes sense, overrides go before the table
 * and that before pretrained_cfg, and what this build cannot run is refused by the name of what is missing.
 */
#include <string.h>

#include "binding.h"
#include "support.h"
#include "timm.h"

/* A checkpoint to ask for tensors; any will do. */
static vit__checkpoint *checkpoint;

static int open_checkpoint(void **state)
{
    vit_error err = {0};
    (void)state;
    return vit__checkpoint_open(data_path("golden/timm_vit"), &checkpoint, &err) != VIT_OK;
}

static int close_checkpoint(void **state)
{
    (void)state;
    vit__checkpoint_free(checkpoint);
    return 0;
}

static vit__json *parsed(const char *text)
{
    vit_error err = {0};
    vit__json *json = NULL;
    if (text)
        assert_ok(vit__json_parse(text, strlen(text), "test", &json, &err), err);
    return json;
}

static vit_status plan_of(const char *architecture, const char *model_args, const char *pretrained_cfg, vit__plan *plan,
                          vit_error *err)
{
    vit__json *args = parsed(model_args), *cfg = parsed(pretrained_cfg);
    vit__timm_model model = {.architecture = architecture, .model_args = args, .pretrained_cfg = cfg, .prefix = ""};
    *plan = (vit__plan){0};
    vit_status status = vit__timm_plan(&model, checkpoint, plan, err);
    if (status == VIT_OK)
        status = vit__config_finish(&plan->config, "test", err);
    vit__json_free(args);
    vit__json_free(cfg);
    return status;
}

/* The table is searched by halves, so it has to be in order. */
static void every_row_makes_sense(void **state)
{
    (void)state;
    assert_true(vit__timm_architecture_count > 250);
    for (size_t i = 0; i < vit__timm_architecture_count; i++) {
        const vit__timm_architecture *row = &vit__timm_architectures[i];
        vit_error err = {0};
        vit__plan plan;
        assert_ok(plan_of(row->name, NULL, NULL, &plan, &err), err);
        assert_true(plan.present && plan.names);
        assert_true(i == 0 || strcmp(vit__timm_architectures[i - 1].name, row->name) < 0);
    }
}

static void rows_are_read(void **state)
{
    vit_error err = {0};
    vit__plan plan;
    (void)state;
    assert_ok(plan_of("vit_so400m_patch16_siglip_256", NULL, NULL, &plan, &err), err);
    assert_int_equal(plan.config.width, 1152);
    assert_int_equal(plan.config.depth, 27);
    assert_int_equal(plan.config.heads, 16);
    assert_int_equal(plan.config.mlp_width, 4304);
    assert_int_equal(plan.config.pooling, VIT__POOL_ATTENTION);
    assert_int_equal(plan.config.activation, VIT__ACTIVATION_GELU_TANH);
    assert_ok(plan_of("vit_base_patch16_clip_224", NULL, NULL, &plan, &err), err);
    assert_true(plan.config.norm_eps == 1e-5 && plan.config.pre_norm && !plan.config.patch_bias);
    assert_ok(plan_of("eva02_large_patch14_448", NULL, NULL, &plan, &err), err);
    assert_true(plan.config.rotary.reference_height == 16 && plan.config.rotary.theta == 10000);
    assert_int_equal(plan.config.image_height, 448);
}

static void who_goes_first(void **state)
{
    vit_error err = {0};
    vit__plan plan;
    const char *cfg = "{\"input_size\": [3, 96, 80], \"fixed_input_size\": true, \"num_classes\": 11}";
    (void)state;
    assert_ok(plan_of("vit_tiny_patch16_224", NULL, cfg, &plan, &err), err);
    assert_true(plan.config.image_height == 96 && plan.config.image_width == 80 && plan.config.classes == 11);
    assert_ok(plan_of("vit_tiny_patch16_224", "{\"img_size\": 64, \"num_classes\": 0, \"depth\": 3}", cfg, &plan, &err),
              err);
    assert_true(plan.config.image_width == 64 && plan.config.classes == 0 && plan.config.depth == 3);
    /* one that takes any size keeps its own: the preprocessing says what it is shown */
    assert_ok(plan_of("vit_tiny_patch16_224", "{\"dynamic_img_size\": true}", cfg, &plan, &err), err);
    assert_true(plan.config.any_size && plan.config.image_height == 224 && plan.config.position_height == 14);
    /* null is not given; training's own changes nothing */
    assert_ok(plan_of("vit_tiny_patch16_224", "{\"depth\": null, \"drop_path_rate\": 0.3}", NULL, &plan, &err), err);
    assert_int_equal(plan.config.depth, 12);
}

typedef struct refusal {
    const char *architecture, *model_args;
    vit_status status;
    const char *said; /* in the message */
} refusal;

static const refusal refusals[] = {
    {NULL, NULL, VIT_ERR_UNSUPPORTED_MODEL, "architecture \"\""},
    {"resnet50", NULL, VIT_ERR_UNSUPPORTED_MODEL, "\"resnet50\""},
    {"vit_tiny_patch16_224", "[]", VIT_ERR_CORRUPT, "model_args"},
    {"vit_tiny_patch16_224", "{\"new_thing\": 1}", VIT_ERR_UNSUPPORTED_MODEL, "\"new_thing\""},
    {"beit_base_patch16_224", "{\"reg_tokens\": 1}", VIT_ERR_UNSUPPORTED_MODEL, "\"reg_tokens\""},
    {"vit_tiny_patch16_224", "{\"depth\": \"12\"}", VIT_ERR_CORRUPT, "\"depth\""},
    {"vit_tiny_patch16_224", "{\"global_pool\": \"prr\"}", VIT_ERR_UNSUPPORTED_MODEL, "prr"},
    {"vit_tiny_patch16_224", "{\"global_pool\": \"\"}", VIT_ERR_UNSUPPORTED_MODEL, "every token"},
    {"vit_tiny_patch16_224", "{\"class_token\": false}", VIT_ERR_CORRUPT, "class token"},
    {"vit_tiny_patch16_224", "{\"norm_layer\": \"batchnorm\"}", VIT_ERR_UNSUPPORTED_MODEL, "batchnorm"},
    {"vit_tiny_patch16_224", "{\"norm_layer\": \"layernorm:x\"}", VIT_ERR_CORRUPT, "eps"},
    {"vit_tiny_patch16_224", "{\"act_layer\": \"mish\"}", VIT_ERR_UNSUPPORTED_MODEL, "mish"},
    {"vit_tiny_patch16_224", "{\"mlp_layer\": \"mixer\"}", VIT_ERR_UNSUPPORTED_MODEL, "mixer"},
    {"vit_tiny_patch16_224", "{\"block_fn\": \"mamba\"}", VIT_ERR_UNSUPPORTED_MODEL, "mamba"},
    {"vit_tiny_patch16_224", "{\"attn_layer\": \"linear\"}", VIT_ERR_UNSUPPORTED_MODEL, "linear"},
    {"vit_tiny_patch16_224", "{\"pos_embed\": \"rope\"}", VIT_ERR_UNSUPPORTED_MODEL, "rope"},
    {"vit_tiny_patch16_224", "{\"mlp_ratio\": -1}", VIT_ERR_CORRUPT, "mlp_ratio"},
    {"vit_tiny_patch16_224", "{\"mlp_ratio\": 1e30}", VIT_ERR_CORRUPT, "mlp_ratio"},
    {"vit_tiny_patch16_224", "{\"dynamic_img_pad\": true}", VIT_ERR_UNSUPPORTED_MODEL, "dynamic_img_pad"},
    {"vit_dwee_patch16_reg1_gap_256", "{\"qk_norm\": true}", VIT_ERR_UNSUPPORTED_MODEL, "differential"},
    {"vit_pwee_patch16_reg1_gap_256", "{\"scale_mlp_norm\": true}", VIT_ERR_UNSUPPORTED_MODEL, "parallel"},
    {"aimv2_large_patch14_224", "{\"embed_norm_layer\": \"layernorm\"}", VIT_ERR_UNSUPPORTED_MODEL, "embed_norm_layer"},
    {"deit_tiny_distilled_patch16_224", "{\"global_pool\": \"avg\"}", VIT_ERR_UNSUPPORTED_MODEL, "distilled"},
    {"eva02_tiny_patch14_224", "{\"rope_type\": \"mrope\"}", VIT_ERR_UNSUPPORTED_MODEL, "mrope"},
    {"eva02_tiny_patch14_224", "{\"attn_type\": \"flash\"}", VIT_ERR_UNSUPPORTED_MODEL, "flash"},
    {"beit_base_patch16_224", "{\"use_shared_rel_pos_bias\": true}", VIT_ERR_UNSUPPORTED_MODEL, "shared"},
    {"beit_base_patch16_224", "{\"global_pool\": \"map\"}", VIT_ERR_UNSUPPORTED_MODEL, "attention pooling"},
    {"vit_tiny_patch16_224", "{\"img_size\": 0}", VIT_ERR_CORRUPT, "height"},
    {"vit_tiny_patch16_224", "{\"patch_size\": 0}", VIT_ERR_CORRUPT, "patches"},
    {"vit_tiny_patch16_224", "{\"num_heads\": 7}", VIT_ERR_CORRUPT, "7 heads"},
};

static void what_is_missing_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *r = &refusals[i];
        vit_error err = {0};
        vit__plan plan;
        vit_status status = plan_of(r->architecture, r->model_args, NULL, &plan, &err);
        if (status != r->status || !strstr(err.message, r->said))
            fail_msg("%s: %s: %s: %s", r->architecture ? r->architecture : "none", r->model_args ? r->model_args : "",
                     vit_status_name(status), err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_makes_sense),
        cmocka_unit_test(rows_are_read),
        cmocka_unit_test(who_goes_first),
        cmocka_unit_test(what_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, open_checkpoint, close_checkpoint);
}
