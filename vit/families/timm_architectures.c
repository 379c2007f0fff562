/* SPDX-License-Identifier: BSD-2-Clause */
/* Made by make_timm_architectures.py from timm 1.0.31: change that, not this. */
#include "timm_architectures.h"

const vit__timm_architecture vit__timm_architectures[] = {
    {"aimv2_1b_patch14_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=2048 depth=24 num_heads=16 class_token=false fc_norm=false mlp_ratio=2.75 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"aimv2_1b_patch14_336", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=2048 depth=24 num_heads=16 class_token=false fc_norm=false mlp_ratio=2.75 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"aimv2_1b_patch14_448", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=2048 depth=24 num_heads=16 class_token=false fc_norm=false mlp_ratio=2.75 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"aimv2_3b_patch14_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=3072 depth=24 num_heads=24 class_token=false fc_norm=false mlp_ratio=2.6667 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"aimv2_3b_patch14_336", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=3072 depth=24 num_heads=24 class_token=false fc_norm=false mlp_ratio=2.6667 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"aimv2_3b_patch14_448", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=3072 depth=24 num_heads=24 class_token=false fc_norm=false mlp_ratio=2.6667 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"aimv2_huge_patch14_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1536 depth=24 num_heads=12 class_token=false fc_norm=false mlp_ratio=2.6667 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"aimv2_huge_patch14_336", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1536 depth=24 num_heads=12 class_token=false fc_norm=false mlp_ratio=2.6667 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"aimv2_huge_patch14_448", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1536 depth=24 num_heads=12 class_token=false fc_norm=false mlp_ratio=2.6667 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"aimv2_large_patch14_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=8 class_token=false fc_norm=false mlp_ratio=2.75 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"aimv2_large_patch14_336", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=8 class_token=false fc_norm=false mlp_ratio=2.75 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"aimv2_large_patch14_448", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=8 class_token=false fc_norm=false mlp_ratio=2.75 "
     "global_pool=avg qkv_bias=false proj_bias=false act_layer=silu norm_layer=rmsnorm:1e-05 "
     "embed_norm_layer=rmsnorm:1e-05 mlp_layer=swiglu"},
    {"beit3_base_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 mlp_ratio=4 scale_attn_norm=true scale_mlp_norm=true "
     "class_token=true global_pool=avg norm_layer=layernorm:1e-05"},
    {"beit3_giant_patch14_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1408 depth=40 num_heads=16 mlp_ratio=4.3637 scale_attn_norm=true scale_mlp_norm=true "
     "class_token=true global_pool=avg norm_layer=layernorm:1e-05"},
    {"beit3_giant_patch14_336", VIT__TIMM_VIT,
     "img_size=336 patch_size=14 embed_dim=1408 depth=40 num_heads=16 mlp_ratio=4.3637 scale_attn_norm=true "
     "scale_mlp_norm=true class_token=true global_pool=avg norm_layer=layernorm:1e-05"},
    {"beit3_large_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 mlp_ratio=4 scale_attn_norm=true scale_mlp_norm=true "
     "class_token=true global_pool=avg norm_layer=layernorm:1e-05"},
    {"beit_base_patch16_224", VIT__TIMM_BEIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 mlp_ratio=4 use_abs_pos_emb=false use_rel_pos_bias=true "
     "init_values=0.1"},
    {"beit_base_patch16_384", VIT__TIMM_BEIT,
     "img_size=384 patch_size=16 embed_dim=768 depth=12 num_heads=12 use_abs_pos_emb=false use_rel_pos_bias=true "
     "init_values=0.1"},
    {"beit_large_patch16_224", VIT__TIMM_BEIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 use_abs_pos_emb=false use_rel_pos_bias=true "
     "init_values=1e-05"},
    {"beit_large_patch16_384", VIT__TIMM_BEIT,
     "img_size=384 patch_size=16 embed_dim=1024 depth=24 num_heads=16 use_abs_pos_emb=false use_rel_pos_bias=true "
     "init_values=1e-05"},
    {"beit_large_patch16_512", VIT__TIMM_BEIT,
     "img_size=512 patch_size=16 embed_dim=1024 depth=24 num_heads=16 use_abs_pos_emb=false use_rel_pos_bias=true "
     "init_values=1e-05"},
    {"beitv2_base_patch16_224", VIT__TIMM_BEIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 mlp_ratio=4 use_abs_pos_emb=false use_rel_pos_bias=true "
     "init_values=1e-05"},
    {"beitv2_large_patch16_224", VIT__TIMM_BEIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 use_abs_pos_emb=false use_rel_pos_bias=true "
     "init_values=1e-05"},
    {"deit3_base_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 no_embed_class=true init_values=1e-06"},
    {"deit3_base_patch16_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 no_embed_class=true init_values=1e-06"},
    {"deit3_huge_patch14_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1280 depth=32 num_heads=16 no_embed_class=true init_values=1e-06"},
    {"deit3_large_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 no_embed_class=true init_values=1e-06"},
    {"deit3_large_patch16_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 no_embed_class=true init_values=1e-06"},
    {"deit3_medium_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=512 depth=12 num_heads=8 no_embed_class=true init_values=1e-06"},
    {"deit3_small_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6 no_embed_class=true init_values=1e-06"},
    {"deit3_small_patch16_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6 no_embed_class=true init_values=1e-06"},
    {"deit_base_distilled_patch16_224", VIT__TIMM_DISTILLED,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12"},
    {"deit_base_distilled_patch16_384", VIT__TIMM_DISTILLED,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12"},
    {"deit_base_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12"},
    {"deit_base_patch16_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12"},
    {"deit_small_distilled_patch16_224", VIT__TIMM_DISTILLED,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6"},
    {"deit_small_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6"},
    {"deit_tiny_distilled_patch16_224", VIT__TIMM_DISTILLED,
     "patch_size=16 embed_dim=192 depth=12 num_heads=3"},
    {"deit_tiny_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=192 depth=12 num_heads=3"},
    {"eva02_base_patch14_224", VIT__TIMM_EVA,
     "img_size=224 patch_size=14 embed_dim=768 depth=12 num_heads=12 qkv_fused=false mlp_ratio=2.6666666666666665 "
     "swiglu_mlp=true scale_mlp=true use_rot_pos_emb=true ref_feat_shape=16,16"},
    {"eva02_base_patch14_448", VIT__TIMM_EVA,
     "img_size=448 patch_size=14 embed_dim=768 depth=12 num_heads=12 qkv_fused=false mlp_ratio=2.6666666666666665 "
     "swiglu_mlp=true scale_mlp=true use_rot_pos_emb=true ref_feat_shape=16,16"},
    {"eva02_base_patch16_clip_224", VIT__TIMM_EVA,
     "img_size=224 patch_size=16 embed_dim=768 depth=12 num_heads=12 qkv_fused=false mlp_ratio=2.6666666666666665 "
     "swiglu_mlp=true scale_mlp=true scale_attn_inner=true use_rot_pos_emb=true ref_feat_shape=16,16 "
     "global_pool=token"},
    {"eva02_enormous_patch14_clip_224", VIT__TIMM_EVA,
     "img_size=224 patch_size=14 embed_dim=1792 depth=64 num_heads=16 mlp_ratio=8.571428571428571 "
     "use_post_norm=true global_pool=token"},
    {"eva02_large_patch14_224", VIT__TIMM_EVA,
     "img_size=224 patch_size=14 embed_dim=1024 depth=24 num_heads=16 mlp_ratio=2.6666666666666665 qkv_fused=false "
     "swiglu_mlp=true scale_mlp=true use_rot_pos_emb=true ref_feat_shape=16,16"},
    {"eva02_large_patch14_448", VIT__TIMM_EVA,
     "img_size=448 patch_size=14 embed_dim=1024 depth=24 num_heads=16 mlp_ratio=2.6666666666666665 qkv_fused=false "
     "swiglu_mlp=true scale_mlp=true use_rot_pos_emb=true ref_feat_shape=16,16"},
    {"eva02_large_patch14_clip_224", VIT__TIMM_EVA,
     "img_size=224 patch_size=14 embed_dim=1024 depth=24 num_heads=16 mlp_ratio=2.6666666666666665 qkv_fused=false "
     "swiglu_mlp=true scale_mlp=true scale_attn_inner=true use_rot_pos_emb=true ref_feat_shape=16,16 "
     "global_pool=token"},
    {"eva02_large_patch14_clip_336", VIT__TIMM_EVA,
     "img_size=336 patch_size=14 embed_dim=1024 depth=24 num_heads=16 mlp_ratio=2.6666666666666665 qkv_fused=false "
     "swiglu_mlp=true scale_mlp=true scale_attn_inner=true use_rot_pos_emb=true ref_feat_shape=16,16 "
     "global_pool=token"},
    {"eva02_small_patch14_224", VIT__TIMM_EVA,
     "img_size=224 patch_size=14 embed_dim=384 depth=12 num_heads=6 mlp_ratio=2.6666666666666665 swiglu_mlp=true "
     "use_rot_pos_emb=true ref_feat_shape=16,16"},
    {"eva02_small_patch14_336", VIT__TIMM_EVA,
     "img_size=336 patch_size=14 embed_dim=384 depth=12 num_heads=6 mlp_ratio=2.6666666666666665 swiglu_mlp=true "
     "use_rot_pos_emb=true ref_feat_shape=16,16"},
    {"eva02_tiny_patch14_224", VIT__TIMM_EVA,
     "img_size=224 patch_size=14 embed_dim=192 depth=12 num_heads=3 mlp_ratio=2.6666666666666665 swiglu_mlp=true "
     "use_rot_pos_emb=true ref_feat_shape=16,16"},
    {"eva02_tiny_patch14_336", VIT__TIMM_EVA,
     "img_size=336 patch_size=14 embed_dim=192 depth=12 num_heads=3 mlp_ratio=2.6666666666666665 swiglu_mlp=true "
     "use_rot_pos_emb=true ref_feat_shape=16,16"},
    {"eva_giant_patch14_224", VIT__TIMM_EVA,
     "patch_size=14 embed_dim=1408 depth=40 num_heads=16 mlp_ratio=4.363636363636363"},
    {"eva_giant_patch14_336", VIT__TIMM_EVA,
     "patch_size=14 embed_dim=1408 depth=40 num_heads=16 mlp_ratio=4.363636363636363"},
    {"eva_giant_patch14_560", VIT__TIMM_EVA,
     "patch_size=14 embed_dim=1408 depth=40 num_heads=16 mlp_ratio=4.363636363636363"},
    {"eva_giant_patch14_clip_224", VIT__TIMM_EVA,
     "patch_size=14 embed_dim=1408 depth=40 num_heads=16 mlp_ratio=4.363636363636363 global_pool=token"},
    {"eva_large_patch14_196", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 global_pool=avg"},
    {"eva_large_patch14_336", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 global_pool=avg"},
    {"flexivit_base", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 no_embed_class=true"},
    {"flexivit_large", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 no_embed_class=true"},
    {"flexivit_small", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6 no_embed_class=true"},
    {"swin_base_patch4_window12_384", VIT__TIMM_SWIN,
     "patch_size=4 window_size=12 embed_dim=128 depths=2,2,18,2 num_heads=4,8,16,32"},
    {"swin_base_patch4_window7_224", VIT__TIMM_SWIN,
     "patch_size=4 window_size=7 embed_dim=128 depths=2,2,18,2 num_heads=4,8,16,32"},
    {"swin_large_patch4_window12_384", VIT__TIMM_SWIN,
     "patch_size=4 window_size=12 embed_dim=192 depths=2,2,18,2 num_heads=6,12,24,48"},
    {"swin_large_patch4_window7_224", VIT__TIMM_SWIN,
     "patch_size=4 window_size=7 embed_dim=192 depths=2,2,18,2 num_heads=6,12,24,48"},
    {"swin_s3_base_224", VIT__TIMM_SWIN,
     "patch_size=4 window_size=7,7,14,7 embed_dim=96 depths=2,2,30,2 num_heads=3,6,12,24"},
    {"swin_s3_small_224", VIT__TIMM_SWIN,
     "patch_size=4 window_size=14,14,14,7 embed_dim=96 depths=2,2,18,2 num_heads=3,6,12,24"},
    {"swin_s3_tiny_224", VIT__TIMM_SWIN,
     "patch_size=4 window_size=7,7,14,7 embed_dim=96 depths=2,2,6,2 num_heads=3,6,12,24"},
    {"swin_small_patch4_window7_224", VIT__TIMM_SWIN,
     "patch_size=4 window_size=7 embed_dim=96 depths=2,2,18,2 num_heads=3,6,12,24"},
    {"swin_tiny_patch4_window7_224", VIT__TIMM_SWIN,
     "patch_size=4 window_size=7 embed_dim=96 depths=2,2,6,2 num_heads=3,6,12,24"},
    {"swinv2_base_window12_192", VIT__TIMM_SWIN2,
     "window_size=12 embed_dim=128 depths=2,2,18,2 num_heads=4,8,16,32"},
    {"swinv2_base_window12to16_192to256", VIT__TIMM_SWIN2,
     "window_size=16 embed_dim=128 depths=2,2,18,2 num_heads=4,8,16,32 pretrained_window_sizes=12,12,12,6"},
    {"swinv2_base_window12to24_192to384", VIT__TIMM_SWIN2,
     "window_size=24 embed_dim=128 depths=2,2,18,2 num_heads=4,8,16,32 pretrained_window_sizes=12,12,12,6"},
    {"swinv2_base_window16_256", VIT__TIMM_SWIN2,
     "window_size=16 embed_dim=128 depths=2,2,18,2 num_heads=4,8,16,32"},
    {"swinv2_base_window8_256", VIT__TIMM_SWIN2,
     "window_size=8 embed_dim=128 depths=2,2,18,2 num_heads=4,8,16,32"},
    {"swinv2_large_window12_192", VIT__TIMM_SWIN2,
     "window_size=12 embed_dim=192 depths=2,2,18,2 num_heads=6,12,24,48"},
    {"swinv2_large_window12to16_192to256", VIT__TIMM_SWIN2,
     "window_size=16 embed_dim=192 depths=2,2,18,2 num_heads=6,12,24,48 pretrained_window_sizes=12,12,12,6"},
    {"swinv2_large_window12to24_192to384", VIT__TIMM_SWIN2,
     "window_size=24 embed_dim=192 depths=2,2,18,2 num_heads=6,12,24,48 pretrained_window_sizes=12,12,12,6"},
    {"swinv2_small_window16_256", VIT__TIMM_SWIN2,
     "window_size=16 embed_dim=96 depths=2,2,18,2 num_heads=3,6,12,24"},
    {"swinv2_small_window8_256", VIT__TIMM_SWIN2,
     "window_size=8 embed_dim=96 depths=2,2,18,2 num_heads=3,6,12,24"},
    {"swinv2_tiny_window16_256", VIT__TIMM_SWIN2,
     "window_size=16 embed_dim=96 depths=2,2,6,2 num_heads=3,6,12,24"},
    {"swinv2_tiny_window8_256", VIT__TIMM_SWIN2,
     "window_size=8 embed_dim=96 depths=2,2,6,2 num_heads=3,6,12,24"},
    {"test_vit", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=64 depth=6 num_heads=2 mlp_ratio=3 dynamic_img_size=true"},
    {"test_vit2", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=64 depth=8 num_heads=2 mlp_ratio=3 class_token=false reg_tokens=1 global_pool=avg "
     "init_values=1e-05 dynamic_img_size=true"},
    {"test_vit3", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=96 depth=9 num_heads=3 mlp_ratio=2 class_token=false reg_tokens=1 global_pool=map "
     "pool_include_prefix=true init_values=1e-05"},
    {"test_vit4", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=96 depth=9 num_heads=3 mlp_ratio=3 class_token=false reg_tokens=1 global_pool=avg "
     "init_values=1e-05 dynamic_img_size=true norm_layer=rmsnorm"},
    {"vit_5b_patch16_sapiens2", VIT__TIMM_EVA,
     "img_size=1024,768 patch_size=16 dynamic_img_size=true embed_dim=2432 depth=56 num_heads=32 num_kv_heads=16 "
     "attn_type=rope qkv_fused=false qkv_bias=true qk_norm=true global_pool=token swiglu_mlp=true mlp_ratio=4.0 "
     "init_values=1.0 attn_only_layer_scale=true rope_type=dinov3 rope_temperature=100 rope_rotate_half=true "
     "use_rot_pos_emb=true use_abs_pos_emb=false class_token=true num_reg_tokens=8 use_fc_norm=false "
     "norm_layer=rmsnorm:1e-06"},
    {"vit_7b_patch16_dinov3", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=4096 depth=40 num_heads=32 qkv_bias=false mlp_ratio=2 "
     "init_values=1e-05 rope_type=dinov3 rope_temperature=100 use_rot_pos_emb=true use_abs_pos_emb=false "
     "rope_rotate_half=true swiglu_mlp=true swiglu_align_to=64 num_reg_tokens=4 use_fc_norm=false "
     "norm_layer=layernorm:1e-05"},
    {"vit_base_patch14_dinov2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=768 depth=12 num_heads=12 init_values=1e-05"},
    {"vit_base_patch14_reg1_tipsv2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=768 depth=12 num_heads=12 init_values=1.0 reg_tokens=1 no_embed_class=true"},
    {"vit_base_patch14_reg4_dinov2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=768 depth=12 num_heads=12 init_values=1e-05 reg_tokens=4 no_embed_class=true"},
    {"vit_base_patch16_18x2_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=18 num_heads=12 init_values=1e-05 block_fn=parallel_things"},
    {"vit_base_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12"},
    {"vit_base_patch16_224_miil", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 qkv_bias=false"},
    {"vit_base_patch16_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12"},
    {"vit_base_patch16_clip_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_base_patch16_clip_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_base_patch16_clip_quickgelu_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 pre_norm=true norm_layer=layernorm:1e-05 "
     "act_layer=quick_gelu"},
    {"vit_base_patch16_dinov3", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=768 depth=12 num_heads=12 qkv_bias=false init_values=1e-05 "
     "rope_type=dinov3 rope_temperature=100 rope_rotate_half=true use_rot_pos_emb=true use_abs_pos_emb=false "
     "num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_base_patch16_dinov3_qkvb", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=768 depth=12 num_heads=12 qkv_bias=true init_values=1e-05 "
     "rope_type=dinov3 rope_temperature=100 rope_rotate_half=true use_rot_pos_emb=true use_abs_pos_emb=false "
     "num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_base_patch16_gap_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=16 class_token=false global_pool=avg fc_norm=false"},
    {"vit_base_patch16_lingbot", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=768 depth=12 num_heads=12 qkv_bias=true global_pool=token "
     "init_values=1e-05 rope_type=dinov3 rope_temperature=100 rope_rotate_half=true use_rot_pos_emb=true "
     "use_abs_pos_emb=false num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_base_patch16_plus_240", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=896 depth=12 num_heads=14 init_values=1e-05"},
    {"vit_base_patch16_plus_clip_240", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=896 depth=12 num_heads=14 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_base_patch16_radio_v3", VIT__TIMM_VIT,
     "img_size=512 patch_size=16 embed_dim=768 depth=12 num_heads=12 init_values=1e-05 reg_tokens=7 "
     "no_embed_class=true final_norm=false"},
    {"vit_base_patch16_reg4_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 class_token=false no_embed_class=true global_pool=avg "
     "reg_tokens=4"},
    {"vit_base_patch16_rope_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 mlp_ratio=4 attn_type=rope use_fc_norm=false qkv_bias=true "
     "init_values=1e-05 class_token=true global_pool=token use_abs_pos_emb=false use_rot_pos_emb=true "
     "rope_grid_indexing=xy rope_temperature=100.0"},
    {"vit_base_patch16_rope_ape_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 mlp_ratio=4 attn_type=rope qkv_bias=true init_values=1e-05 "
     "class_token=true global_pool=token no_embed_class=true use_abs_pos_emb=true use_rot_pos_emb=true "
     "rope_grid_indexing=xy rope_temperature=100.0"},
    {"vit_base_patch16_rope_mixed_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 mlp_ratio=4 qkv_bias=true attn_type=rope init_values=1e-05 "
     "class_token=true global_pool=token use_abs_pos_emb=false use_rot_pos_emb=true rope_grid_indexing=xy "
     "rope_temperature=10.0 rope_type=mixed"},
    {"vit_base_patch16_rope_mixed_ape_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 mlp_ratio=4 attn_type=rope qkv_bias=true init_values=1e-05 "
     "class_token=true global_pool=token no_embed_class=true use_abs_pos_emb=true use_rot_pos_emb=true "
     "rope_grid_indexing=xy rope_temperature=10.0 rope_type=mixed"},
    {"vit_base_patch16_rope_reg1_gap_256", VIT__TIMM_EVA,
     "img_size=256 patch_size=16 embed_dim=768 depth=12 num_heads=12 qkv_fused=true qkv_bias=true "
     "init_values=1e-05 class_token=false num_reg_tokens=1 use_rot_pos_emb=true use_abs_pos_emb=false "
     "ref_feat_shape=16,16"},
    {"vit_base_patch16_rpn_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 qkv_bias=false init_values=1e-05 class_token=false "
     "block_fn=res_post global_pool=avg"},
    {"vit_base_patch16_sapiens2", VIT__TIMM_EVA,
     "img_size=1024,768 patch_size=16 dynamic_img_size=true embed_dim=768 depth=12 num_heads=12 num_kv_heads=12 "
     "attn_type=rope qkv_fused=false qkv_bias=true qk_norm=true global_pool=token swiglu_mlp=true mlp_ratio=4.0 "
     "init_values=1.0 attn_only_layer_scale=true rope_type=dinov3 rope_temperature=100 rope_rotate_half=true "
     "use_rot_pos_emb=true use_abs_pos_emb=false class_token=true num_reg_tokens=8 use_fc_norm=false "
     "norm_layer=rmsnorm:1e-06"},
    {"vit_base_patch16_siglip_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 class_token=false global_pool=map"},
    {"vit_base_patch16_siglip_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 class_token=false global_pool=map"},
    {"vit_base_patch16_siglip_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 class_token=false global_pool=map"},
    {"vit_base_patch16_siglip_512", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 class_token=false global_pool=map"},
    {"vit_base_patch16_siglip_gap_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 class_token=false global_pool=avg fc_norm=false"},
    {"vit_base_patch16_siglip_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 class_token=false global_pool=avg fc_norm=false"},
    {"vit_base_patch16_siglip_gap_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 class_token=false global_pool=avg fc_norm=false"},
    {"vit_base_patch16_siglip_gap_512", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 class_token=false global_pool=avg fc_norm=false"},
    {"vit_base_patch16_xp_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 pre_norm=true no_embed_class=true norm_layer=rmsnorm "
     "block_fn=parallel_scaling qkv_bias=false qk_norm=true"},
    {"vit_base_patch32_224", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=768 depth=12 num_heads=12"},
    {"vit_base_patch32_384", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=768 depth=12 num_heads=12"},
    {"vit_base_patch32_clip_224", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=768 depth=12 num_heads=12 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_base_patch32_clip_256", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=768 depth=12 num_heads=12 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_base_patch32_clip_384", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=768 depth=12 num_heads=12 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_base_patch32_clip_448", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=768 depth=12 num_heads=12 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_base_patch32_clip_quickgelu_224", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=768 depth=12 num_heads=12 pre_norm=true norm_layer=layernorm:1e-05 "
     "act_layer=quick_gelu"},
    {"vit_base_patch32_plus_256", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=896 depth=12 num_heads=14 init_values=1e-05"},
    {"vit_base_patch32_siglip_256", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=768 depth=12 num_heads=12 class_token=false global_pool=map act_layer=gelu_tanh"},
    {"vit_base_patch32_siglip_gap_256", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=768 depth=12 num_heads=12 class_token=false global_pool=avg fc_norm=false "
     "act_layer=gelu_tanh"},
    {"vit_base_patch8_224", VIT__TIMM_VIT,
     "patch_size=8 embed_dim=768 depth=12 num_heads=12"},
    {"vit_betwixt_patch16_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=640 depth=12 num_heads=10 class_token=false global_pool=avg qkv_bias=false "
     "init_values=1e-06 fc_norm=false"},
    {"vit_betwixt_patch16_reg1_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=640 depth=12 num_heads=10 init_values=1e-05 class_token=false no_embed_class=true "
     "reg_tokens=1 global_pool=avg"},
    {"vit_betwixt_patch16_reg4_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=640 depth=12 num_heads=10 init_values=1e-05 class_token=false no_embed_class=true "
     "reg_tokens=4 global_pool=avg"},
    {"vit_betwixt_patch16_reg4_gap_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=640 depth=12 num_heads=10 init_values=1e-05 class_token=false no_embed_class=true "
     "reg_tokens=4 global_pool=avg"},
    {"vit_betwixt_patch16_rope_reg4_gap_256", VIT__TIMM_EVA,
     "img_size=256 patch_size=16 embed_dim=640 depth=12 num_heads=10 qkv_fused=true qkv_bias=true "
     "init_values=1e-05 class_token=false num_reg_tokens=4 use_rot_pos_emb=true use_abs_pos_emb=false "
     "ref_feat_shape=16,16"},
    {"vit_betwixt_patch32_clip_224", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=640 depth=12 num_heads=10 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_dlittle_patch16_reg1_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=320 depth=14 num_heads=5 init_values=1e-05 mlp_ratio=5.6 class_token=false "
     "no_embed_class=true reg_tokens=1 global_pool=avg attn_layer=diff"},
    {"vit_dpwee_patch16_reg1_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=256 depth=16 num_heads=4 init_values=1e-05 mlp_ratio=5 class_token=false "
     "no_embed_class=true reg_tokens=1 global_pool=avg block_fn=diff_parallel_scaling"},
    {"vit_dwee_patch16_reg1_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=256 depth=14 num_heads=4 init_values=1e-05 mlp_ratio=5 class_token=false "
     "no_embed_class=true reg_tokens=1 global_pool=avg attn_layer=diff"},
    {"vit_giant_patch14_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1408 mlp_ratio=4.363636363636363 depth=40 num_heads=16"},
    {"vit_giant_patch14_clip_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1408 mlp_ratio=4.363636363636363 depth=40 num_heads=16 pre_norm=true "
     "norm_layer=layernorm:1e-05"},
    {"vit_giant_patch14_dinov2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1536 depth=40 num_heads=24 init_values=1e-05 mlp_ratio=5.33334 "
     "mlp_layer=swiglu_packed act_layer=silu"},
    {"vit_giant_patch14_reg1_tipsv2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1536 depth=40 num_heads=24 init_values=1.0 mlp_ratio=5.33334 mlp_layer=swiglu_packed "
     "act_layer=silu reg_tokens=1 no_embed_class=true"},
    {"vit_giant_patch14_reg4_dinov2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1536 depth=40 num_heads=24 init_values=1e-05 mlp_ratio=5.33334 "
     "mlp_layer=swiglu_packed act_layer=silu reg_tokens=4 no_embed_class=true"},
    {"vit_giant_patch16_gap_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1408 depth=40 num_heads=16 mlp_ratio=4.363636363636363 class_token=false "
     "global_pool=avg fc_norm=false"},
    {"vit_giant_patch16_lingbot", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=1536 depth=40 num_heads=24 qkv_bias=false global_pool=token "
     "mlp_ratio=2.6666666666666665 init_values=1e-05 rope_type=dinov3 rope_temperature=100 use_rot_pos_emb=true "
     "use_abs_pos_emb=false rope_rotate_half=true swiglu_mlp=true swiglu_align_to=8 num_reg_tokens=4 "
     "use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_giant_patch16_radio_v3", VIT__TIMM_VIT,
     "img_size=512 patch_size=16 embed_dim=1536 depth=40 num_heads=24 reg_tokens=7 no_embed_class=true "
     "final_norm=false"},
    {"vit_giant_patch16_sapiens2", VIT__TIMM_EVA,
     "img_size=1024,768 patch_size=16 dynamic_img_size=true embed_dim=1536 depth=40 num_heads=24 num_kv_heads=12 "
     "attn_type=rope qkv_fused=false qkv_bias=true qk_norm=true global_pool=token swiglu_mlp=true mlp_ratio=4.0 "
     "init_values=1.0 attn_only_layer_scale=true rope_type=dinov3 rope_temperature=100 rope_rotate_half=true "
     "use_rot_pos_emb=true use_abs_pos_emb=false class_token=true num_reg_tokens=8 use_fc_norm=false "
     "norm_layer=rmsnorm:1e-06"},
    {"vit_giantopt_patch16_siglip_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1536 depth=40 num_heads=16 class_token=false global_pool=map act_layer=gelu_tanh"},
    {"vit_giantopt_patch16_siglip_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1536 depth=40 num_heads=16 class_token=false global_pool=map act_layer=gelu_tanh"},
    {"vit_giantopt_patch16_siglip_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1536 depth=40 num_heads=16 class_token=false global_pool=avg fc_norm=false "
     "act_layer=gelu_tanh"},
    {"vit_giantopt_patch16_siglip_gap_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1536 depth=40 num_heads=16 class_token=false global_pool=avg fc_norm=false "
     "act_layer=gelu_tanh"},
    {"vit_gigantic_patch14_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1664 mlp_ratio=4.923076923076923 depth=48 num_heads=16"},
    {"vit_gigantic_patch14_clip_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1664 mlp_ratio=4.923076923076923 depth=48 num_heads=16 pre_norm=true "
     "norm_layer=layernorm:1e-05"},
    {"vit_gigantic_patch14_clip_378", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1664 mlp_ratio=4.923076923076923 depth=48 num_heads=16 pre_norm=true "
     "norm_layer=layernorm:1e-05"},
    {"vit_gigantic_patch14_clip_quickgelu_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1664 mlp_ratio=4.923076923076923 depth=48 num_heads=16 pre_norm=true "
     "norm_layer=layernorm:1e-05 act_layer=quick_gelu"},
    {"vit_huge_patch14_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1280 depth=32 num_heads=16"},
    {"vit_huge_patch14_clip_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1280 depth=32 num_heads=16 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_huge_patch14_clip_336", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1280 depth=32 num_heads=16 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_huge_patch14_clip_378", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1280 depth=32 num_heads=16 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_huge_patch14_clip_quickgelu_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1280 depth=32 num_heads=16 pre_norm=true norm_layer=layernorm:1e-05 "
     "act_layer=quick_gelu"},
    {"vit_huge_patch14_clip_quickgelu_378", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1280 depth=32 num_heads=16 pre_norm=true norm_layer=layernorm:1e-05 "
     "act_layer=quick_gelu"},
    {"vit_huge_patch14_gap_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1280 depth=32 num_heads=16 class_token=false global_pool=avg fc_norm=false"},
    {"vit_huge_patch14_xp_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1280 depth=32 num_heads=16 pre_norm=true no_embed_class=true norm_layer=rmsnorm "
     "block_fn=parallel_scaling qkv_bias=false qk_norm=true"},
    {"vit_huge_patch16_gap_448", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1280 depth=32 num_heads=16 class_token=false global_pool=avg fc_norm=false"},
    {"vit_huge_patch16_radio_v3", VIT__TIMM_VIT,
     "img_size=512 patch_size=16 embed_dim=1280 depth=32 num_heads=16 reg_tokens=7 no_embed_class=true "
     "final_norm=false"},
    {"vit_huge_patch16_radio_v4", VIT__TIMM_VIT,
     "img_size=512 patch_size=16 embed_dim=1280 depth=32 num_heads=16 reg_tokens=9 no_embed_class=true "
     "final_norm=false"},
    {"vit_huge_patch16_sapiens2", VIT__TIMM_EVA,
     "img_size=1024,768 patch_size=16 dynamic_img_size=true embed_dim=1280 depth=32 num_heads=16 num_kv_heads=8 "
     "attn_type=rope qkv_fused=false qkv_bias=true qk_norm=true global_pool=token swiglu_mlp=true mlp_ratio=4.0 "
     "init_values=1.0 attn_only_layer_scale=true rope_type=dinov3 rope_temperature=100 rope_rotate_half=true "
     "use_rot_pos_emb=true use_abs_pos_emb=false class_token=true num_reg_tokens=8 use_fc_norm=false "
     "norm_layer=rmsnorm:1e-06"},
    {"vit_huge_plus_patch16_dinov3", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=1280 depth=32 num_heads=20 qkv_bias=false init_values=1e-05 "
     "rope_type=dinov3 rope_temperature=100 use_rot_pos_emb=true use_abs_pos_emb=false rope_rotate_half=true "
     "swiglu_mlp=true swiglu_align_to=8 num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_huge_plus_patch16_dinov3_qkvb", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=1280 depth=32 num_heads=20 qkv_bias=true init_values=1e-05 "
     "rope_type=dinov3 rope_temperature=100 use_rot_pos_emb=true use_abs_pos_emb=false rope_rotate_half=true "
     "swiglu_mlp=true swiglu_align_to=8 num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_intern300m_patch14_448", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 init_values=0.1 final_norm=false dynamic_img_size=true"},
    {"vit_large_patch14_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16"},
    {"vit_large_patch14_clip_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_large_patch14_clip_336", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_large_patch14_clip_quickgelu_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 pre_norm=true norm_layer=layernorm:1e-05 "
     "act_layer=quick_gelu"},
    {"vit_large_patch14_clip_quickgelu_336", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 pre_norm=true norm_layer=layernorm:1e-05 "
     "act_layer=quick_gelu"},
    {"vit_large_patch14_dinov2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 init_values=1e-05"},
    {"vit_large_patch14_reg1_tipsv2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 init_values=1.0 reg_tokens=1 no_embed_class=true"},
    {"vit_large_patch14_reg4_dinov2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 init_values=1e-05 reg_tokens=4 no_embed_class=true"},
    {"vit_large_patch14_xp_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 pre_norm=true no_embed_class=true norm_layer=rmsnorm "
     "block_fn=parallel_scaling qkv_bias=false qk_norm=true"},
    {"vit_large_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16"},
    {"vit_large_patch16_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16"},
    {"vit_large_patch16_dinov3", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=1024 depth=24 num_heads=16 qkv_bias=false init_values=1e-05 "
     "rope_type=dinov3 rope_temperature=100 use_rot_pos_emb=true use_abs_pos_emb=false rope_rotate_half=true "
     "num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_large_patch16_dinov3_qkvb", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=1024 depth=24 num_heads=16 qkv_bias=true init_values=1e-05 "
     "rope_type=dinov3 rope_temperature=100 use_rot_pos_emb=true use_abs_pos_emb=false rope_rotate_half=true "
     "num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_large_patch16_lingbot", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=1024 depth=24 num_heads=16 qkv_bias=true global_pool=token "
     "init_values=1e-05 rope_type=dinov3 rope_temperature=100 rope_rotate_half=true use_rot_pos_emb=true "
     "use_abs_pos_emb=false num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_large_patch16_radio_v3", VIT__TIMM_VIT,
     "img_size=512 patch_size=16 embed_dim=1024 depth=24 num_heads=16 init_values=1e-05 reg_tokens=7 "
     "no_embed_class=true final_norm=false"},
    {"vit_large_patch16_rope_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 mlp_ratio=4 attn_type=rope qkv_bias=true "
     "init_values=1e-05 class_token=true global_pool=token use_abs_pos_emb=false use_rot_pos_emb=true "
     "rope_grid_indexing=xy rope_temperature=100.0"},
    {"vit_large_patch16_rope_ape_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 mlp_ratio=4 attn_type=rope qkv_bias=true "
     "init_values=1e-05 class_token=true global_pool=token no_embed_class=true use_abs_pos_emb=true "
     "use_rot_pos_emb=true rope_grid_indexing=xy rope_temperature=100.0"},
    {"vit_large_patch16_rope_mixed_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 mlp_ratio=4 attn_type=rope qkv_bias=true "
     "init_values=1e-05 class_token=true global_pool=token use_abs_pos_emb=false use_rot_pos_emb=true "
     "rope_grid_indexing=xy rope_temperature=10.0 rope_type=mixed"},
    {"vit_large_patch16_rope_mixed_ape_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 mlp_ratio=4 attn_type=rope qkv_bias=true "
     "init_values=1e-05 class_token=true global_pool=token no_embed_class=true use_abs_pos_emb=true "
     "use_rot_pos_emb=true rope_grid_indexing=xy rope_temperature=10.0 rope_type=mixed"},
    {"vit_large_patch16_sapiens2", VIT__TIMM_EVA,
     "img_size=1024,768 patch_size=16 dynamic_img_size=true embed_dim=1024 depth=24 num_heads=16 num_kv_heads=8 "
     "attn_type=rope qkv_fused=false qkv_bias=true qk_norm=true global_pool=token swiglu_mlp=true mlp_ratio=4.0 "
     "init_values=1.0 attn_only_layer_scale=true rope_type=dinov3 rope_temperature=100 rope_rotate_half=true "
     "use_rot_pos_emb=true use_abs_pos_emb=false class_token=true num_reg_tokens=8 use_fc_norm=false "
     "norm_layer=rmsnorm:1e-06"},
    {"vit_large_patch16_siglip_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 class_token=false global_pool=map"},
    {"vit_large_patch16_siglip_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 class_token=false global_pool=map"},
    {"vit_large_patch16_siglip_512", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 class_token=false global_pool=map act_layer=gelu_tanh"},
    {"vit_large_patch16_siglip_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 class_token=false global_pool=avg fc_norm=false"},
    {"vit_large_patch16_siglip_gap_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 class_token=false global_pool=avg fc_norm=false"},
    {"vit_large_patch16_siglip_gap_512", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1024 depth=24 num_heads=16 class_token=false global_pool=avg fc_norm=false "
     "act_layer=gelu_tanh"},
    {"vit_large_patch32_224", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=1024 depth=24 num_heads=16"},
    {"vit_large_patch32_384", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=1024 depth=24 num_heads=16"},
    {"vit_little_patch16_reg1_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=320 depth=14 num_heads=5 init_values=1e-05 mlp_ratio=5.6 class_token=false "
     "no_embed_class=true reg_tokens=1 global_pool=avg"},
    {"vit_little_patch16_reg4_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=320 depth=14 num_heads=5 init_values=1e-05 mlp_ratio=5.6 class_token=false "
     "no_embed_class=true reg_tokens=4 global_pool=avg"},
    {"vit_medium_patch16_clip_224", VIT__TIMM_VIT,
     "embed_dim=512 depth=12 num_heads=8 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_medium_patch16_gap_240", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=512 depth=12 num_heads=8 class_token=false global_pool=avg qkv_bias=false "
     "init_values=1e-06 fc_norm=false"},
    {"vit_medium_patch16_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=512 depth=12 num_heads=8 class_token=false global_pool=avg qkv_bias=false "
     "init_values=1e-06 fc_norm=false"},
    {"vit_medium_patch16_gap_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=512 depth=12 num_heads=8 class_token=false global_pool=avg qkv_bias=false "
     "init_values=1e-06 fc_norm=false"},
    {"vit_medium_patch16_reg1_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=512 depth=12 num_heads=8 init_values=1e-05 class_token=false no_embed_class=true "
     "reg_tokens=1 global_pool=avg"},
    {"vit_medium_patch16_reg4_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=512 depth=12 num_heads=8 init_values=1e-05 class_token=false no_embed_class=true "
     "reg_tokens=4 global_pool=avg"},
    {"vit_medium_patch16_rope_reg1_gap_256", VIT__TIMM_EVA,
     "img_size=256 patch_size=16 embed_dim=512 depth=12 num_heads=8 qkv_fused=true qkv_bias=true init_values=1e-05 "
     "class_token=false num_reg_tokens=1 use_rot_pos_emb=true use_abs_pos_emb=false ref_feat_shape=16,16"},
    {"vit_medium_patch32_clip_224", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=512 depth=12 num_heads=8 pre_norm=true norm_layer=layernorm:1e-05"},
    {"vit_mediumd_patch16_reg4_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=512 depth=20 num_heads=8 init_values=1e-05 class_token=false no_embed_class=true "
     "reg_tokens=4 global_pool=avg"},
    {"vit_mediumd_patch16_reg4_gap_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=512 depth=20 num_heads=8 init_values=1e-05 class_token=false no_embed_class=true "
     "reg_tokens=4 global_pool=avg"},
    {"vit_mediumd_patch16_rope_reg1_gap_256", VIT__TIMM_EVA,
     "img_size=256 patch_size=16 embed_dim=512 depth=20 num_heads=8 qkv_fused=true qkv_bias=false "
     "init_values=1e-05 class_token=false num_reg_tokens=1 use_rot_pos_emb=true use_abs_pos_emb=false "
     "ref_feat_shape=16,16"},
    {"vit_pe_core_base_patch16_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 mlp_ratio=4.0 global_pool=map attn_type=rope "
     "use_pre_transformer_norm=true use_rot_pos_emb=true ref_feat_shape=14,14 rope_grid_offset=1.0 "
     "rope_grid_indexing=xy attn_pool_num_heads=8 attn_pool_mlp_ratio=4.0 norm_layer=layernorm:1e-05"},
    {"vit_pe_core_gigantic_patch14_448", VIT__TIMM_EVA,
     "patch_size=14 embed_dim=1536 depth=50 num_heads=16 mlp_ratio=5.833333333333333 global_pool=map "
     "attn_type=rope class_token=false use_pre_transformer_norm=true use_rot_pos_emb=true ref_feat_shape=32,32 "
     "rope_grid_indexing=xy attn_pool_num_heads=8 attn_pool_mlp_ratio=4.0 norm_layer=layernorm:1e-05"},
    {"vit_pe_core_large_patch14_336", VIT__TIMM_EVA,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 mlp_ratio=4.0 global_pool=map attn_type=rope "
     "use_pre_transformer_norm=true use_rot_pos_emb=true ref_feat_shape=24,24 rope_grid_offset=1.0 "
     "rope_grid_indexing=xy attn_pool_num_heads=8 attn_pool_mlp_ratio=4.0 norm_layer=layernorm:1e-05"},
    {"vit_pe_core_small_patch16_384", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6 mlp_ratio=4.0 global_pool=map attn_type=rope "
     "use_pre_transformer_norm=true use_rot_pos_emb=true ref_feat_shape=24,24 rope_grid_offset=1.0 "
     "rope_grid_indexing=xy attn_pool_num_heads=8 attn_pool_mlp_ratio=4.0 norm_layer=layernorm:1e-05"},
    {"vit_pe_core_tiny_patch16_384", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=192 depth=12 num_heads=3 mlp_ratio=4.0 global_pool=map attn_type=rope "
     "use_pre_transformer_norm=true use_rot_pos_emb=true ref_feat_shape=24,24 rope_grid_offset=1.0 "
     "rope_grid_indexing=xy attn_pool_num_heads=8 attn_pool_mlp_ratio=4.0 norm_layer=layernorm:1e-05"},
    {"vit_pe_lang_gigantic_patch14_448", VIT__TIMM_EVA,
     "patch_size=14 embed_dim=1536 depth=47 num_heads=16 mlp_ratio=5.833333333333333 attn_type=rope "
     "class_token=false use_rot_pos_emb=true ref_feat_shape=32,32 rope_grid_indexing=xy "
     "use_pre_transformer_norm=true use_post_transformer_norm=false use_fc_norm=false init_values=0.1 "
     "norm_layer=layernorm:1e-05"},
    {"vit_pe_lang_large_patch14_448", VIT__TIMM_EVA,
     "patch_size=14 embed_dim=1024 depth=23 num_heads=16 mlp_ratio=4.0 attn_type=rope class_token=true "
     "use_rot_pos_emb=true ref_feat_shape=32,32 rope_grid_offset=1.0 rope_grid_indexing=xy "
     "use_pre_transformer_norm=true use_post_transformer_norm=false use_fc_norm=false init_values=0.1 "
     "norm_layer=layernorm:1e-05"},
    {"vit_pe_spatial_base_patch16_512", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=768 depth=12 num_heads=12 mlp_ratio=4.0 attn_type=rope use_pre_transformer_norm=true "
     "use_post_transformer_norm=false use_fc_norm=false use_rot_pos_emb=true ref_feat_shape=32,32 "
     "rope_grid_offset=1.0 rope_grid_indexing=xy norm_layer=layernorm:1e-05"},
    {"vit_pe_spatial_gigantic_patch14_448", VIT__TIMM_EVA,
     "patch_size=14 embed_dim=1536 depth=50 num_heads=16 mlp_ratio=5.833333333333333 attn_type=rope "
     "class_token=false use_rot_pos_emb=true ref_feat_shape=32,32 rope_grid_indexing=xy "
     "use_pre_transformer_norm=true use_post_transformer_norm=false use_fc_norm=false init_values=0.1 "
     "norm_layer=layernorm:1e-05"},
    {"vit_pe_spatial_large_patch14_448", VIT__TIMM_EVA,
     "patch_size=14 embed_dim=1024 depth=24 num_heads=16 mlp_ratio=4.0 attn_type=rope "
     "use_pre_transformer_norm=true use_post_transformer_norm=false use_fc_norm=false use_rot_pos_emb=true "
     "ref_feat_shape=32,32 rope_grid_offset=1.0 rope_grid_indexing=xy norm_layer=layernorm:1e-05"},
    {"vit_pe_spatial_small_patch16_512", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6 mlp_ratio=4.0 attn_type=rope use_pre_transformer_norm=true "
     "use_post_transformer_norm=false use_fc_norm=false use_rot_pos_emb=true ref_feat_shape=32,32 "
     "rope_grid_offset=1.0 rope_grid_indexing=xy norm_layer=layernorm:1e-05"},
    {"vit_pe_spatial_tiny_patch16_512", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=192 depth=12 num_heads=3 mlp_ratio=4.0 attn_type=rope use_pre_transformer_norm=true "
     "use_post_transformer_norm=false use_fc_norm=false use_rot_pos_emb=true ref_feat_shape=32,32 "
     "rope_grid_offset=1.0 rope_grid_indexing=xy norm_layer=layernorm:1e-05"},
    {"vit_pwee_patch16_reg1_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=256 depth=16 num_heads=4 init_values=1e-05 mlp_ratio=5 class_token=false "
     "no_embed_class=true reg_tokens=1 global_pool=avg block_fn=parallel_scaling"},
    {"vit_small_patch14_dinov2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=384 depth=12 num_heads=6 init_values=1e-05"},
    {"vit_small_patch14_reg4_dinov2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=384 depth=12 num_heads=6 init_values=1e-05 reg_tokens=4 no_embed_class=true"},
    {"vit_small_patch16_18x2_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=384 depth=18 num_heads=6 init_values=1e-05 block_fn=parallel_things"},
    {"vit_small_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6"},
    {"vit_small_patch16_36x1_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=384 depth=36 num_heads=6 init_values=1e-05"},
    {"vit_small_patch16_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6"},
    {"vit_small_patch16_dinov3", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=384 depth=12 num_heads=6 qkv_bias=false init_values=1e-05 "
     "rope_type=dinov3 rope_temperature=100 rope_rotate_half=true use_rot_pos_emb=true use_abs_pos_emb=false "
     "num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_small_patch16_dinov3_qkvb", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=384 depth=12 num_heads=6 qkv_bias=true init_values=1e-05 "
     "rope_type=dinov3 rope_temperature=100 rope_rotate_half=true use_rot_pos_emb=true use_abs_pos_emb=false "
     "num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_small_patch16_lingbot", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=384 depth=12 num_heads=6 qkv_bias=true global_pool=token "
     "init_values=1e-05 rope_type=dinov3 rope_temperature=100 rope_rotate_half=true use_rot_pos_emb=true "
     "use_abs_pos_emb=false num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_small_patch16_rope_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6 mlp_ratio=4 attn_type=rope qkv_bias=true init_values=1e-05 "
     "class_token=true global_pool=token use_abs_pos_emb=false use_rot_pos_emb=true rope_grid_indexing=xy "
     "rope_temperature=100.0"},
    {"vit_small_patch16_rope_ape_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6 mlp_ratio=4 attn_type=rope qkv_bias=true init_values=1e-05 "
     "class_token=true global_pool=token no_embed_class=true use_abs_pos_emb=true use_rot_pos_emb=true "
     "rope_grid_indexing=xy rope_temperature=100.0"},
    {"vit_small_patch16_rope_mixed_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6 mlp_ratio=4 attn_type=rope qkv_bias=true init_values=1e-05 "
     "class_token=true global_pool=token use_abs_pos_emb=false use_rot_pos_emb=true rope_grid_indexing=xy "
     "rope_temperature=10.0 rope_type=mixed"},
    {"vit_small_patch16_rope_mixed_ape_224", VIT__TIMM_EVA,
     "patch_size=16 embed_dim=384 depth=12 num_heads=6 mlp_ratio=4 attn_type=rope qkv_bias=true init_values=1e-05 "
     "class_token=true global_pool=token no_embed_class=true use_abs_pos_emb=true use_rot_pos_emb=true "
     "rope_grid_indexing=xy rope_temperature=10.0 rope_type=mixed"},
    {"vit_small_patch32_224", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=384 depth=12 num_heads=6"},
    {"vit_small_patch32_384", VIT__TIMM_VIT,
     "patch_size=32 embed_dim=384 depth=12 num_heads=6"},
    {"vit_small_patch8_224", VIT__TIMM_VIT,
     "patch_size=8 embed_dim=384 depth=12 num_heads=6"},
    {"vit_small_plus_patch16_dinov3", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=384 depth=12 num_heads=6 qkv_bias=false init_values=1e-05 "
     "rope_type=dinov3 rope_temperature=100 rope_rotate_half=true use_rot_pos_emb=true use_abs_pos_emb=false "
     "swiglu_mlp=true swiglu_align_to=8 num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_small_plus_patch16_dinov3_qkvb", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=384 depth=12 num_heads=6 qkv_bias=true init_values=1e-05 "
     "rope_type=dinov3 rope_temperature=100 rope_rotate_half=true use_rot_pos_emb=true use_abs_pos_emb=false "
     "swiglu_mlp=true swiglu_align_to=8 num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_so150m2_patch16_reg1_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=832 depth=21 num_heads=13 mlp_ratio=2.6153846153846154 init_values=1e-05 "
     "qkv_bias=false class_token=false reg_tokens=1 global_pool=avg"},
    {"vit_so150m2_patch16_reg1_gap_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=832 depth=21 num_heads=13 mlp_ratio=2.6153846153846154 init_values=1e-05 "
     "qkv_bias=false class_token=false reg_tokens=1 global_pool=avg"},
    {"vit_so150m2_patch16_reg1_gap_448", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=832 depth=21 num_heads=13 mlp_ratio=2.6153846153846154 init_values=1e-05 "
     "qkv_bias=false class_token=false reg_tokens=1 global_pool=avg"},
    {"vit_so150m_patch16_reg4_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=896 depth=18 num_heads=14 mlp_ratio=2.572 class_token=false reg_tokens=4 "
     "global_pool=avg fc_norm=false"},
    {"vit_so150m_patch16_reg4_gap_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=896 depth=18 num_heads=14 mlp_ratio=2.572 class_token=false reg_tokens=4 "
     "global_pool=avg fc_norm=false"},
    {"vit_so150m_patch16_reg4_map_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=896 depth=18 num_heads=14 mlp_ratio=2.572 class_token=false reg_tokens=4 "
     "global_pool=map"},
    {"vit_so400m_patch14_reg1_tipsv2", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1152 depth=27 num_heads=16 init_values=1.0 mlp_ratio=3.736111111111111 reg_tokens=1 "
     "no_embed_class=true"},
    {"vit_so400m_patch14_siglip_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=map"},
    {"vit_so400m_patch14_siglip_378", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=map"},
    {"vit_so400m_patch14_siglip_384", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=map"},
    {"vit_so400m_patch14_siglip_gap_224", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=avg "
     "fc_norm=false"},
    {"vit_so400m_patch14_siglip_gap_378", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=avg "
     "fc_norm=false"},
    {"vit_so400m_patch14_siglip_gap_384", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=avg "
     "fc_norm=false"},
    {"vit_so400m_patch14_siglip_gap_448", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=avg "
     "fc_norm=false"},
    {"vit_so400m_patch14_siglip_gap_896", VIT__TIMM_VIT,
     "patch_size=14 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=avg "
     "fc_norm=false"},
    {"vit_so400m_patch16_radio_v4", VIT__TIMM_VIT,
     "img_size=512 patch_size=16 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.736111111111111 reg_tokens=9 "
     "no_embed_class=true final_norm=false"},
    {"vit_so400m_patch16_siglip_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=map "
     "act_layer=gelu_tanh"},
    {"vit_so400m_patch16_siglip_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=map "
     "act_layer=gelu_tanh"},
    {"vit_so400m_patch16_siglip_512", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=map "
     "act_layer=gelu_tanh"},
    {"vit_so400m_patch16_siglip_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=avg "
     "fc_norm=false act_layer=gelu_tanh"},
    {"vit_so400m_patch16_siglip_gap_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=avg "
     "fc_norm=false act_layer=gelu_tanh"},
    {"vit_so400m_patch16_siglip_gap_512", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=1152 depth=27 num_heads=16 mlp_ratio=3.7362 class_token=false global_pool=avg "
     "fc_norm=false act_layer=gelu_tanh"},
    {"vit_tiny_patch16_224", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=192 depth=12 num_heads=3"},
    {"vit_tiny_patch16_384", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=192 depth=12 num_heads=3"},
    {"vit_tiny_patch16_dinov3_qkvb", VIT__TIMM_EVA,
     "patch_size=16 dynamic_img_size=true embed_dim=192 depth=12 num_heads=3 qkv_bias=true init_values=1e-05 "
     "rope_type=dinov3 rope_temperature=100 rope_rotate_half=true use_rot_pos_emb=true use_abs_pos_emb=false "
     "num_reg_tokens=4 use_fc_norm=false norm_layer=layernorm:1e-05"},
    {"vit_wee_patch16_reg1_gap_256", VIT__TIMM_VIT,
     "patch_size=16 embed_dim=256 depth=14 num_heads=4 init_values=1e-05 mlp_ratio=5 class_token=false "
     "no_embed_class=true reg_tokens=1 global_pool=avg"},
    {"vit_xsmall_patch16_clip_224", VIT__TIMM_VIT,
     "embed_dim=256 depth=10 num_heads=4 pre_norm=true norm_layer=layernorm:1e-05"},
};

const size_t vit__timm_architecture_count = sizeof vit__timm_architectures / sizeof *vit__timm_architectures;
