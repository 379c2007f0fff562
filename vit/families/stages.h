/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What follows from vit_config's stages: the map of tokens of each stage, and how windows lie on it. A map of 14x14
 * tokens has four windows of 7x7. Every second block first turns the map up and left by half a window, so that tokens
 * of different windows come into one.
 */
#ifndef VIT_STAGES_H
#define VIT_STAGES_H

#include "config.h"

/* The map of a stage, in tokens. */
typedef struct vit__map {
    size_t height, width;
    size_t window_height, window_width;
    size_t shift_height, shift_width; /* how far every second block turns the map; both 0: no block turns it */
    size_t down, across;              /* rows and columns of windows; the last of each may hold padding */
} vit__map;

vit__map vit__stages_map(const vit_config *config, size_t stage);

/* The windows that a stage's table of positions is for (VIT__RELATIVE_WINDOW). */
typedef struct vit__window {
    size_t height, width;
} vit__window;

vit__window vit__stages_table(const vit_config *config, size_t stage);

static inline size_t vit__map_tokens(const vit__map *map)
{
    return map->height * map->width;
}

static inline size_t vit__map_window(const vit__map *map)
{
    return map->window_height * map->window_width;
}

/* Tokens and padding together, in whole windows. */
static inline size_t vit__map_padded(const vit__map *map)
{
    return map->down * map->across * vit__map_window(map);
}

/* (2h-1)(2w-1): how many distances two tokens of a window can have. */
static inline size_t vit__window_entries(vit__window window)
{
    return (2 * window.height - 1) * (2 * window.width - 1);
}

/* Gives each stage's head_dim its default, and refuses what makes no sense or what the encoder cannot run, as
 * vit__config_finish, which calls it. */
vit_status vit__stages_finish(vit_config *config, const char *where, vit_error *err);

double vit__stages_flops(const vit_config *config);

#endif
