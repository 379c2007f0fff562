/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oneDNN, loaded when it first has to multiply: it brings OpenMP and a C++ run time with it. Its calls
 * run on the caller's thread alone, whatever OpenMP is set to, and leave that setting as it was.
 */
#ifndef VIT_ONEDNN_H
#define VIT_ONEDNN_H

#include <stdbool.h>
#include <stddef.h>

#define VIT__ONEDNN_COLUMNS 64 /* of the right-hand side */
#define VIT__ONEDNN_WORDS 16   /* inputs are whole numbers of so many words of 32 bits */
#define VIT__ONEDNN_ROWS 128   /* most rows of a call */
/* Rows are multiplied by so many: a call on others reads and writes up to the next multiple. */
#define VIT__ONEDNN_STEP 8

/* Loads it, once in the process. false: it is not there. */
bool vit__onednn_load(void);

/* Products of rows of unsigned bytes, compiled ahead for one number of inputs. */
typedef struct vit__onednn_product vit__onednn_product;

/* inputs: a multiple of four times VIT__ONEDNN_WORDS. Call vit__onednn_load first. NULL: this processor, or
 * oneDNN, has no fast product that reads the right-hand side as it is laid out (or there is no memory). */
vit__onednn_product *vit__onednn_create(size_t inputs);
void vit__onednn_free(vit__onednn_product *product);

/* Bytes of scratch that a call needs. */
size_t vit__onednn_scratch(const vit__onednn_product *product);

/* c[rows][COLUMNS] = a[rows][inputs] * b. a: unsigned bytes. b: signed bytes, [inputs / 4][COLUMNS] words of
 * four bytes that follow each other along the sum. c: int32_t, exact. a and c have room for rows rounded up to
 * a multiple of STEP: with 197 rows, 200 are read and written, and the contents of the last 3 do not matter. */
typedef struct vit__onednn_call {
    const vit__onednn_product *product;
    size_t rows; /* at most VIT__ONEDNN_ROWS */
    const void *a, *b;
    void *c, *scratch;
} vit__onednn_call;

/* false: it failed, and c may hold anything. */
bool vit__onednn_multiply(const vit__onednn_call *call);

#endif
