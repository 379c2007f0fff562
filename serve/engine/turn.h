/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is at the encoder. A line waits for its turn from the moment when it has an input ready and no input in
 * a batch; the line that has waited longest is next. Request A has a thousand inputs, B has one; a batch takes one:
 *
 *     batch of a1 runs      B comes, b1 is ready       a2, a3 have been ready for long
 *     batch of a1 ends      A waits since this moment, B since before it
 *     next                  b1, and then a2
 *
 * So a request waits for the batch that runs, and then once for each other request, however many inputs that has
 * ready.
 *
 * A batch that begins with the last input of a request takes no others but last ones, where a batch of one is shorter
 * than one of several. Two pictures take 87 ms, one takes 46, since all threads work on it: the request of one is
 * answered after 46, and that of a hundred loses next to nothing by it. (A short text is no quicker alone: its few
 * tokens are not shared out among threads.) With batches of two:
 *
 *     A has 998 more, B and C have one each, and B has waited longest      b1 c1     a3 a4     a5 a6
 *     the same without C                                                   b1        a3 a4     a5 a6
 *     A has waited longest                                                 a3 b1     c1        a4 a5
 */
#ifndef SERVE_TURN_H
#define SERVE_TURN_H

#include "line.h"

/* What the inputs of a batch have in common; other inputs may also be last ones where the first is none. */
typedef struct serve_group {
    serve_model *model;
    vit_tower tower;
    vit_output output;
    size_t layer;
    size_t length; /* token ids of a text; 0 for pictures, which differ in size within a batch */
    bool last;     /* the first input is the last for which its request waits, and is quicker without others */
} serve_group;

/* The group of the input that the line has ready first. The line has an input ready. */
serve_group serve_turn_group(const serve_line *line);

/* The line whose turn is next, of those whose first ready input may join the group; NULL: of all lines.
 * With the lock. NULL: no such line has an input ready. */
serve_line *serve_turn_next(const serve_engine *engine, const serve_group *group);

/* The line has had a turn: it waits for the next one from now on. With the lock. */
void serve_turn_had(serve_line *line);

#endif
