/* SPDX-License-Identifier: BSD-2-Clause */
#include "html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "limit.h"
#include "output_file.h"
#include "cpu.h"
#include "pool.h"
#include "size.h"
#include "text.h"
#include "thumbnail.h"
#include "utf8.h"

#define EDGE 240       /* pixels of a thumbnail */
#define THREADS_MAX 8u /* each holds a decoded picture */

struct cli_html {
    cli_file file;
    cli_text text;
    size_t pictures;
};

void cli_html_escape(cli_text *text, const char *string)
{
    static const struct {
        unsigned char byte;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (const unsigned char *at = (const unsigned char *)string; *at;) {
        size_t length = vit__utf8_valid_length(at);
        const char *entity = length == 0 || *at < 0x20 || *at == 0x7F ? "\xEF\xBF\xBD" : NULL;
        for (size_t i = 0; i < sizeof entities / sizeof *entities && !entity; i++)
            entity = entities[i].byte == *at ? entities[i].entity : NULL;
        if (entity)
            cli_text_string(text, entity);
        else
            cli_text_add(text, at, length);
        at += length ? length : 1;
    }
}

/* Nothing is loaded from anywhere, and no script runs, whatever the names of files try. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>";

static const char style[] =
    "</title>\n<style>\n"
    ":root{color-scheme:light dark}\n"
    "body{font:14px/1.4 system-ui,sans-serif;margin:1.5rem}\n"
    "h1{font-size:1.3rem}\n"
    "h2{font-size:1rem;margin:1.5rem 0 .5rem;overflow-wrap:anywhere}\n"
    ".row{display:flex;flex-wrap:wrap;gap:1rem}\n"
    "figure{margin:0;width:240px}\n"
    "figure.query img:not(.patches){outline:3px solid #38f}\n"
    "img{display:block;max-width:240px;height:auto}\n"
    "img.patches{image-rendering:pixelated;margin-top:.3rem}\n"
    ".none{width:240px;height:160px;display:flex;align-items:center;justify-content:center;background:#8882}\n"
    "figcaption{overflow-wrap:anywhere;margin-top:.3rem}\n"
    ".note{font-variant-numeric:tabular-nums;font-weight:600}\n"
    ".caption{opacity:.75}\n"
    "table{border-collapse:collapse}\n"
    "th,td{text-align:right;padding:.15rem .6rem;font-variant-numeric:tabular-nums}\n"
    "th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}\n"
    "tbody tr:nth-child(odd){background:#8881}\n"
    "svg{max-width:100%;height:auto;font:11px system-ui,sans-serif}\n"
    "svg text{fill:currentColor}\n"
    ".scroll{overflow-x:auto}\n"
    "</style>\n</head>\n<body>\n<h1>";

static bool put(cli_html *html)
{
    bool done = cli_file_write(&html->file, html->text.data, html->text.size);
    cli_text_clear(&html->text);
    return done;
}

cli_exit cli_html_claim(const cli_command *command, const char *path)
{
    const cli_claim claim = {.option = "--html", .path = path, .kind = CLI_KIND_PAGE};
    return cli_claim_file(command, &claim);
}

cli_html *cli_html_open(const char *path, const char *title)
{
    cli_html *html = cli_allocate(1, sizeof *html);
    if (!cli_file_open(&html->file, path)) {
        free(html);
        return NULL;
    }
    cli_text_string(&html->text, head);
    cli_html_escape(&html->text, title);
    cli_text_string(&html->text, style);
    cli_html_escape(&html->text, title);
    cli_text_string(&html->text, "</h1>\n");
    return html;
}

typedef struct thumbnails {
    const cli_card *cards;
    cli_text *texts;
    cli_thumbnail_size *sizes;
} thumbnails;

static void make_thumbnail(void *context, size_t index, unsigned thread)
{
    thumbnails *made = context;
    const cli_card *card = &made->cards[index];
    (void)thread;
    made->sizes[index] = cli_thumbnail(card->file ? card->file : card->path, EDGE, &made->texts[index]);
}

static void make_thumbnails(thumbnails *made, size_t n)
{
    vit__pool *pool;
    size_t threads = vit__smaller(vit__smaller(vit__cpu_count(), THREADS_MAX), n);
    if (vit__pool_create_if_possible(threads ? (unsigned)threads : 1, &pool, NULL) != VIT_OK)
        cli_out_of_memory();
    vit__pool_run(pool, n, make_thumbnail, made);
    vit__pool_free(pool);
}

/* As a PNG, which keeps the edges between its pixels. Where it cannot be made there is none. */
static void add_figure(cli_text *text, const cli_card *card)
{
    const cli_figure *figure = card->figure;
    const double scale = (double)EDGE / (figure->width > figure->height ? figure->width : figure->height);
    cli_text picture = {0};
    if (!cli_png_uri(figure->image, &picture))
        return;
    cli_text_format(text, "<img class=\"patches\" width=\"%.0f\" height=\"%.0f\" alt=\"patches of ",
                    fmax(1, figure->width * scale), fmax(1, figure->height * scale));
    cli_html_escape(text, card->path);
    cli_text_string(text, "\" src=\"");
    cli_text_add(text, picture.data, picture.size);
    cli_text_string(text, "\">\n");
    cli_text_free(&picture);
}

static void add_card(cli_text *text, const cli_card *card, const cli_text *picture, const cli_thumbnail_size *size)
{
    cli_text_string(text, card->is_query ? "<figure class=\"query\">\n" : "<figure>\n");
    if (size->width) {
        cli_text_format(text, "<img width=\"%u\" height=\"%u\" alt=\"", size->width, size->height);
        cli_html_escape(text, card->path);
        cli_text_string(text, "\" src=\"");
        cli_text_add(text, picture->data, picture->size);
        cli_text_string(text, "\">\n");
    } else {
        cli_text_string(text, "<div class=\"none\">no picture</div>\n");
    }
    if (card->figure)
        add_figure(text, card);
    cli_text_string(text, "<figcaption><div class=\"note\">");
    cli_html_escape(text, card->note);
    cli_text_string(text, "</div><div class=\"path\">");
    cli_html_escape(text, card->path);
    cli_text_string(text, "</div>");
    if (card->caption) {
        cli_text_string(text, "<div class=\"caption\">");
        cli_html_escape(text, card->caption);
        cli_text_string(text, "</div>");
    }
    cli_text_string(text, "</figcaption>\n</figure>\n");
}

void cli_html_note(cli_html *html, const char *sentence)
{
    cli_text_string(&html->text, "<p>");
    cli_html_escape(&html->text, sentence);
    cli_text_string(&html->text, "</p>\n");
}

bool cli_html_section(cli_html *html, const char *heading, const cli_card *cards, size_t n)
{
    thumbnails made = {
        .cards = cards,
        .texts = cli_allocate(n, sizeof *made.texts),
        .sizes = cli_allocate(n, sizeof *made.sizes),
    };
    size_t room = VIT__LIMIT_HTML_PICTURES - html->pictures, shown = n < room ? n : room;
    make_thumbnails(&made, shown);
    html->pictures += shown;
    cli_text_string(&html->text, "<section>\n<h2>");
    cli_html_escape(&html->text, heading);
    cli_text_string(&html->text, "</h2>\n<div class=\"row\">\n");
    for (size_t i = 0; i < n; i++) {
        add_card(&html->text, &cards[i], &made.texts[i], &made.sizes[i]);
        cli_text_free(&made.texts[i]);
    }
    cli_text_string(&html->text, "</div>\n</section>\n");
    free(made.texts);
    free(made.sizes);
    return put(html);
}

bool cli_html_block(cli_html *html, const char *heading, cli_text *markup)
{
    cli_text_string(&html->text, "<section>\n<h2>");
    cli_html_escape(&html->text, heading);
    cli_text_string(&html->text, "</h2>\n<div class=\"scroll\">\n");
    cli_text_add(&html->text, markup->data, markup->size);
    cli_text_string(&html->text, "</div>\n</section>\n");
    cli_text_clear(markup);
    return put(html);
}

bool cli_html_commit(cli_html *html)
{
    cli_text_string(&html->text, "</body>\n</html>\n");
    bool done = put(html);
    done = done && cli_file_commit(&html->file);
    cli_html_discard(html);
    return done;
}

bool cli_html_commit_empty(cli_html *html)
{
    if (!cli_file_keep_older(&html->file))
        return cli_html_commit(html);
    cli_html_discard(html);
    return true;
}

void cli_html_discard(cli_html *html)
{
    if (!html)
        return;
    cli_file_discard(&html->file);
    cli_text_free(&html->text);
    free(html);
}
