/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokenizer folders for the tests, made of the files in tests/data/text. */
#ifndef VIT_TEST_FIXTURES_H
#define VIT_TEST_FIXTURES_H

#include "folder.h"
#include "vit/text.h"

/* Puts files of tests/data/text/FIXTURE into the folder, as links: "tokenizer.json spiece.model". CLIP's vocab.json and
 * tokenizer.json are not among the fixtures, for they follow from merges.txt: asked for, they are written. */
void take_files(const char *folder, const char *fixture, const char *names);

/* Contents of a file; the caller frees. */
char *read_whole(const char *path, size_t *size);

/* Opens the tokenizer of a folder, or of files that take_files knows; context 0 is the tokenizer's own. */
vit_tokenizer *open_tokenizer(const char *folder, vit_tokenizer_kind kind, size_t context);
vit_tokenizer *open_fixture(const char *fixture, const char *files, vit_tokenizer_kind kind, size_t context);

/* Encodes a terminated text, and compares with ids that end at -1. */
void assert_ids(const vit_tokenizer *tokenizer, const char *text, const int *ids);

#endif
