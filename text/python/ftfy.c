/* SPDX-License-Identifier: BSD-2-Clause */
#include "ftfy.h"

#include <string.h>

#include "html.h"
#include "unicode.h"
#include "utf8.h"

#define LONGEST_SEGMENT 1000000 /* characters that are fixed as one */
/* Bytes of text that all rounds together may look at, beyond 8 rounds for each byte. Text that
 * people write settles after two or three; "&amp;amp;amp;..." takes a round for each level. */
#define WORK (4u << 20)
#define ROUNDS 8u

typedef struct mapping {
    uint32_t from;
    const char *to;
} mapping;

static const mapping ligatures[] = {
    {0x132, "IJ"},        {0x133, "ij"},        {0x149, "\xCA\xBCn"},  {0x1F1, "DZ"},  {0x1F2, "Dz"},  {0x1F3, "dz"},
    {0x1C4, "D\xC5\xBD"}, {0x1C5, "D\xC5\xBE"}, {0x1C6, "d\xC5\xBE"},  {0x1C7, "LJ"},  {0x1C8, "Lj"},  {0x1C9, "lj"},
    {0x1CA, "NJ"},        {0x1CB, "Nj"},        {0x1CC, "nj"},         {0xFB00, "ff"}, {0xFB01, "fi"}, {0xFB02, "fl"},
    {0xFB03, "ffi"},      {0xFB04, "ffl"},      {0xFB05, "\xC5\xBFt"}, {0xFB06, "st"},
};

/* ------------------------------------------------------------------ one character ---- */

static void fix_c1_control(uint32_t c, vit__buffer *out)
{
    vit__buffer_add_char(out, c >= 0x80 && c < 0xA0 ? vit__windows_1252[c - 0x80] : c);
}

static void fix_ligature(uint32_t c, vit__buffer *out)
{
    for (size_t i = 0; i < sizeof ligatures / sizeof *ligatures; i++) {
        if (ligatures[i].from == c) {
            vit__buffer_add_string(out, ligatures[i].to);
            return;
        }
    }
    vit__buffer_add_char(out, c);
}

/* Half-width and full-width forms, and the ideographic space. */
static void fix_width(uint32_t c, vit__buffer *out)
{
    if (c >= 0xFF01 && c < 0xFFF0) {
        char bytes[4];
        vit__unicode_add_normal(out, VIT__NFKC, bytes, vit__utf8_encode(c, bytes));
    } else {
        vit__buffer_add_char(out, c == 0x3000 ? ' ' : c);
    }
}

static void uncurl_quote(uint32_t c, vit__buffer *out)
{
    bool single = c == 0x2BC || (c >= 0x2018 && c <= 0x201B), twofold = c >= 0x201C && c <= 0x201F;
    vit__buffer_add_char(out, single ? '\'' : twofold ? '"' : c);
}

static bool is_unwanted(uint32_t c)
{
    return c < 9 || c == 0x0B || (c >= 0x0E && c < 0x20) || c == 0x7F || (c >= 0x206A && c < 0x2070) || c == 0xFEFF ||
           (c >= 0xFFF9 && c < 0xFFFD);
}

static void drop_control(uint32_t c, vit__buffer *out)
{
    if (!is_unwanted(c))
        vit__buffer_add_char(out, c);
}

/* ------------------------------------------------------------------ a segment ---- */

static void fix_line_breaks(const char *text, size_t size, vit__buffer *out)
{
    for (size_t at = 0; at < size;) {
        uint32_t c = vit__utf8_next(text, size, &at);
        if (c == '\r' && at < size && text[at] == '\n')
            continue; /* the line feed stands for both */
        vit__buffer_add_char(out, c == '\r' || c == 0x2028 || c == 0x2029 || c == 0x85 ? '\n' : c);
    }
}

/* Bytes of a terminal's control sequence, ESC [ digits and semicolons, one letter; or 0. */
static size_t terminal_escape(const char *text, size_t size)
{
    if (size < 3 || text[0] != '\x1B' || text[1] != '[')
        return 0;
    size_t at = 2;
    while (at < size && (text[at] == ';' || vit__unicode_is_digit(vit__utf8_peek(text, size, at))))
        vit__utf8_next(text, size, &at);
    char letter = at < size ? (char)(text[at] | 32) : '\0';
    return letter >= 'a' && letter <= 'z' ? at + 1 : 0;
}

static void remove_terminal_escapes(const char *text, size_t size, vit__buffer *out)
{
    for (size_t at = 0; at < size;) {
        size_t length = terminal_escape(text + at, size - at);
        if (length == 0)
            vit__buffer_add(out, text + at, 1);
        at += length > 0 ? length : 1;
    }
}

static void compose(const char *text, size_t size, vit__buffer *out)
{
    vit__unicode_add_normal(out, VIT__NFC, text, size);
}

/* The steps, in ftfy's order; a row has a function for the text or one for a character. */
static const struct {
    void (*text)(const char *text, size_t size, vit__buffer *out);
    void (*character)(uint32_t c, vit__buffer *out);
    bool beyond_ascii; /* ASCII stays as it is */
} steps[] = {
    {NULL, fix_c1_control, true}, {NULL, fix_ligature, true},     {NULL, fix_width, true},
    {NULL, uncurl_quote, true},   {fix_line_breaks, NULL, false}, {remove_terminal_escapes, NULL, false},
    {NULL, drop_control, false},  {compose, NULL, true},
};

static bool is_ascii(const vit__buffer *text)
{
    unsigned char bits = 0;
    for (size_t i = 0; i < text->size; i++)
        bits |= (unsigned char)text->data[i];
    return bits < 0x80;
}

static void run_step(size_t step, vit__buffer *text, vit__buffer *other)
{
    if (steps[step].beyond_ascii && is_ascii(text))
        return;
    vit__buffer_clear(other);
    if (steps[step].text)
        steps[step].text(text->data, text->size, other);
    for (size_t at = 0; steps[step].character && at < text->size;)
        steps[step].character(vit__utf8_next(text->data, text->size, &at), other);
    vit__buffer_swap(text, other);
}

static void run_round(bool unescape, vit__buffer *text, vit__buffer *other)
{
    if (unescape) {
        vit__buffer_clear(other);
        vit__html_unescape_closed(text->data, text->size, other);
        vit__buffer_swap(text, other);
    }
    for (size_t step = 0; step < sizeof steps / sizeof *steps; step++)
        run_step(step, text, other);
}

typedef struct scratch {
    vit__buffer text, other, before;
    size_t work; /* bytes that may still be looked at */
} scratch;

static bool same(const vit__buffer *a, const vit__buffer *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Round after round, until nothing changes. */
static bool fix_segment(const char *segment, size_t size, bool unescape, scratch *s, vit__buffer *out)
{
    vit__buffer_clear(&s->text);
    vit__buffer_add(&s->text, segment, size);
    do {
        if (s->text.size >= s->work)
            return false;
        s->work -= s->text.size + 1;
        vit__buffer_clear(&s->before);
        vit__buffer_add(&s->before, s->text.data, s->text.size);
        run_round(unescape, &s->text, &s->other);
    } while (!same(&s->text, &s->before) && !s->text.failed && !s->other.failed && !s->before.failed);
    vit__buffer_add(out, s->text.data, s->text.size);
    return true;
}

/* Bytes up to and with the next line feed, at most LONGEST_SEGMENT characters. */
static size_t segment_size(const char *text, size_t size)
{
    size_t at = 0;
    for (size_t n = 0; at < size && n < LONGEST_SEGMENT; n++)
        if (vit__utf8_next(text, size, &at) == '\n')
            break;
    return at;
}

bool vit__ftfy_fix(const char *text, size_t size, vit__buffer *out)
{
    scratch s = {.work = WORK + (ROUNDS + 1) * size};
    bool unescape = true, settled = true;
    for (size_t at = 0; at < size && settled;) {
        size_t length = segment_size(text + at, size - at);
        /* From the first '<' on the text is taken for HTML. */
        unescape = unescape && !memchr(text + at, '<', length);
        settled = fix_segment(text + at, length, unescape, &s, out);
        at += length;
    }
    out->failed = out->failed || s.text.failed || s.other.failed || s.before.failed;
    vit__buffer_free(&s.text);
    vit__buffer_free(&s.other);
    vit__buffer_free(&s.before);
    return settled;
}
