/* SPDX-License-Identifier: BSD-2-Clause */
#include "unicode.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <unigbrk.h>
#include <uninorm.h>
#include <unistr.h>

#include "utf8.h"

static const uint8_t *bytes(const char *text)
{
    return (const uint8_t *)text;
}

bool vit__unicode_check(const char *text, size_t size, size_t *offset)
{
    const uint8_t *bad = size > 0 ? u8_check(bytes(text), size) : NULL;
    *offset = bad ? (size_t)(bad - bytes(text)) : 0;
    return !bad;
}

bool vit__unicode_is_space(uint32_t c)
{
    return uc_is_property_white_space(c);
}

vit__char_class vit__unicode_class(uint32_t c)
{
    if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L))
        return VIT__LETTER;
    if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_N))
        return VIT__NUMBER;
    return vit__unicode_is_space(c) ? VIT__SPACE : VIT__OTHER;
}

bool vit__unicode_is_cased(uint32_t c)
{
    return uc_is_property_cased(c);
}

bool vit__unicode_is_case_ignorable(uint32_t c)
{
    return uc_is_property_case_ignorable(c);
}

bool vit__unicode_is_digit(uint32_t c)
{
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Nd);
}

void vit__unicode_add_lower(vit__buffer *buffer, uint32_t c)
{
    if (c == 0x130)
        vit__buffer_add_string(buffer, "i\xCC\x87"); /* the dot above stays: i U+0307 */
    else
        vit__buffer_add_char(buffer, uc_tolower(c));
}

/* Adds what a function of libunistring returned, and frees it. */
static void take(vit__buffer *buffer, uint8_t *result, size_t size)
{
    if (result)
        vit__buffer_add(buffer, result, size);
    else
        buffer->failed = true;
    free(result);
}

void vit__unicode_add_upper(vit__buffer *buffer, const char *text, size_t size)
{
    size_t length = 0;
    if (size == 0)
        return;
    uint8_t *upper = u8_toupper(bytes(text), size, NULL, NULL, NULL, &length);
    take(buffer, upper, length);
}

void vit__unicode_add_folded(vit__buffer *buffer, const char *text, size_t size)
{
    size_t length = 0;
    if (size == 0)
        return;
    uint8_t *folded = u8_casefold(bytes(text), size, NULL, UNINORM_NFC, NULL, &length);
    take(buffer, folded, length);
}

void vit__unicode_add_normal(vit__buffer *buffer, vit__normal_form form, const char *text, size_t size)
{
    const uninorm_t forms[] = {
        [VIT__NFC] = UNINORM_NFC, [VIT__NFD] = UNINORM_NFD, [VIT__NFKC] = UNINORM_NFKC, [VIT__NFKD] = UNINORM_NFKD};
    size_t length = 0;
    if (size == 0)
        return;
    uint8_t *normal = u8_normalize(forms[form], bytes(text), size, NULL, &length);
    take(buffer, normal, length);
}

size_t vit__unicode_cluster(const char *text, size_t size)
{
    const uint8_t *next = u8_grapheme_next(bytes(text), bytes(text) + size);
    return next ? (size_t)(next - bytes(text)) : size;
}
