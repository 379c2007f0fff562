/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of a protobuf message, one after the other: all that a sentencepiece model needs. */
#ifndef VIT_PROTOBUF_H
#define VIT_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct vit__field {
    uint64_t number;
    uint64_t value;    /* of a number, fixed-size ones as their bits */
    const char *bytes; /* of a string or a message, inside the message read; NULL: it is a number */
    size_t size;
} vit__field;

typedef struct vit__message {
    const char *at, *end;
    bool broken;
} vit__message;

vit__message vit__message_start(const char *bytes, size_t size);
/* false: the message has ended, or is broken. */
bool vit__message_next(vit__message *message, vit__field *field);

bool vit__field_boolean(const vit__field *field);
float vit__field_float(const vit__field *field);

#endif
