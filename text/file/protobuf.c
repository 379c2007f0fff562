/* SPDX-License-Identifier: BSD-2-Clause */
#include "protobuf.h"

#include <string.h>

#include "bytes.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

vit__message vit__message_start(const char *bytes, size_t size)
{
    return (vit__message){bytes, bytes ? bytes + size : NULL, false};
}

static uint64_t read_varint(vit__message *m)
{
    uint64_t value = 0;
    for (unsigned shift = 0; m->at < m->end && shift < 64; shift += 7) {
        unsigned char byte = (unsigned char)*m->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    m->broken = true;
    return 0;
}

static uint64_t read_fixed(vit__message *m, size_t size)
{
    if ((size_t)(m->end - m->at) < size) {
        m->broken = true;
        return 0;
    }
    uint64_t value = vit__le(m->at, size);
    m->at += size;
    return value;
}

static void read_bytes(vit__message *m, vit__field *field)
{
    uint64_t size = read_varint(m);
    if (m->broken || size > (uint64_t)(m->end - m->at)) {
        m->broken = true;
        return;
    }
    field->bytes = m->at;
    field->size = (size_t)size;
    m->at += size;
}

bool vit__message_next(vit__message *m, vit__field *field)
{
    *field = (vit__field){0};
    if (m->broken || m->at == m->end)
        return false;
    uint64_t key = read_varint(m);
    field->number = key >> 3;
    switch (key & 7) {
    case VARINT:
        field->value = read_varint(m);
        break;
    case FIXED64:
        field->value = read_fixed(m, 8);
        break;
    case BYTES:
        read_bytes(m, field);
        break;
    case FIXED32:
        field->value = read_fixed(m, 4);
        break;
    default:
        m->broken = true;
    }
    return !m->broken;
}

bool vit__field_boolean(const vit__field *field)
{
    return field->value != 0;
}

float vit__field_float(const vit__field *field)
{
    uint32_t bits = (uint32_t)field->value;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
