/* SPDX-License-Identifier: BSD-2-Clause */
/* What a pipeline is made of. */
#ifndef VIT_PIPELINE_INTERNAL_H
#define VIT_PIPELINE_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "vit/pipeline.h"

struct vit_pipeline {
    char *name;         /* of the model, as it was opened */
    char *preprocessor; /* a copy of the option; NULL: none */
    vit_pipeline_options settings;
    vit_model *own; /* the model, if the pipeline opened it; else NULL */
    const vit_model *model;
    size_t size; /* floats of a result */
    size_t rows; /* of a result that is a matrix, else 1 */

    pthread_mutex_t turn;     /* one run at a time */
    vit_session *session;     /* NULL: not started */
    pid_t process;            /* that has the session's threads */
    vit_tokenizer *tokenizer; /* NULL: not started */
    size_t text_length;

    pthread_mutex_t running;    /* guards feeder */
    struct vit__feeder *feeder; /* of the run that is going on; NULL: none is */
};

static inline bool vit__pipeline_takes_text(const vit_pipeline *pipeline)
{
    return pipeline->settings.model.tower == VIT_TOWER_TEXT;
}

#endif
