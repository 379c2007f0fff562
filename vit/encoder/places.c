/* SPDX-License-Identifier: BSD-2-Clause */
#include "places.h"

#include <string.h>

#include "encoder.h"

size_t vit__places_find(const vit_config *c, const int32_t *ids, size_t length, uint32_t *places)
{
    size_t first = 0, end = length, n = 0;
    bool padded = c->padding != VIT__PADDING_NONE;
    while (padded && first < end && (size_t)ids[first] == c->pad_token)
        first++;
    while (padded && end > first && (size_t)ids[end - 1] == c->pad_token)
        end--;
    for (size_t i = first; i < end; i++) {
        if (c->padding == VIT__PADDING_ANYWHERE && (size_t)ids[i] == c->pad_token)
            continue;
        if (places)
            places[n] = (uint32_t)i;
        n++;
    }
    if (c->class_behind && places)
        places[n] = (uint32_t)length;
    return n + c->class_behind;
}

void vit__places_hide(const vit_config *c, const vit__encoder_input *input, uint8_t *hidden)
{
    hidden[0] = hidden[input->length] = 0;
    for (size_t i = 0; i < input->length; i++)
        hidden[i + c->shifted_mask] = input->ids[i] == 0;
    hidden[0] = 0; /* so that every query sees a key */
}

void vit__places_spread(const vit__lane *lane, const float *rows, size_t width, float *out)
{
    size_t end = lane->first + lane->own, next = 0;
    bool padded = lane->places && lane->tokens != lane->length;
    if (!padded) {
        memcpy(out + lane->first * width, rows, lane->own * width * sizeof *out);
        next = end;
    } else if (lane->first > 0) {
        next = lane->places[lane->first - 1] + (size_t)1;
    }
    for (size_t i = lane->first; padded && i < end; i++, rows += width) {
        size_t place = lane->places[i];
        memset(out + next * width, 0, (place - next) * width * sizeof *out);
        memcpy(out + place * width, rows, width * sizeof *out);
        next = place + 1;
    }
    if (end == lane->tokens && lane->own > 0)
        memset(out + next * width, 0, (lane->length - next) * width * sizeof *out);
}

void vit__places_spread_row(const uint32_t *places, size_t tokens, size_t length, float *row)
{
    if (!places || tokens == length)
        return;
    size_t end = length;
    for (size_t i = tokens; i-- > 0;) { /* from the back: a value never moves to where one still stands */
        size_t place = places[i];
        memset(row + place + 1, 0, (end - place - 1) * sizeof *row);
        row[place] = row[i];
        end = place;
    }
    memset(row, 0, end * sizeof *row);
}
