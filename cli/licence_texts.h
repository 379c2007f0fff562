/* SPDX-License-Identifier: BSD-2-Clause */
/* The files LICENSE and LICENSE.WordNet, made into C when vit is built (licence_texts.cmake). */
#ifndef CLI_LICENCE_TEXTS_H
#define CLI_LICENCE_TEXTS_H

extern const char cli_licence_text[], cli_licence_text_wordnet[];

#endif
