/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the items of a stream, several at a time beside the encoder, and hands them out in order. */
#ifndef VIT_FEEDER_H
#define VIT_FEEDER_H

#include "load.h"

typedef struct vit__feeder vit__feeder;

/* An item that was read, or that could not be (error says why). */
typedef struct vit__fed {
    vit_item item;
    vit_loaded loaded;
    vit_error error;
} vit__fed;

/* How many may be read ahead is the pipeline's batch. Pipeline and stream outlive the feeder. */
vit_status vit__feeder_start(const vit_pipeline *pipeline, const vit_stream *stream, vit__feeder **feeder,
                             vit_error *err);

/* The next item; row: vit_pipeline_row_size bytes, filled unless fed->error
 * says why not. false: there are no more, or it was cancelled. */
bool vit__feeder_next(vit__feeder *feeder, vit__fed *fed, void *row);

/* From any thread: vit__feeder_next answers false from now on. */
void vit__feeder_cancel(vit__feeder *feeder);
bool vit__feeder_cancelled(vit__feeder *feeder);

/* Waits for its threads, and drops what nobody took. */
void vit__feeder_free(vit__feeder *feeder);

#endif
