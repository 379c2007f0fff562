/* SPDX-License-Identifier: BSD-2-Clause */
#include "report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"

#define MATRIX_CLASSES 60  /* more are not drawn: cells would be smaller than what an eye tells apart */
#define COUNTED_CLASSES 20 /* whose cells have room for a number */
#define MATRIX_EDGE 560    /* pixels of the drawing without its labels */
#define LABEL_ROOM 150     /* pixels left of the rows and above the columns */
#define LABEL_BYTES 22     /* of a label beside the drawing; the whole label is in the tooltip */
#define MISTAKES 24
#define CURVE_WIDTH 560.0
#define CURVE_HEIGHT 220.0
#define CURVE_MARGIN 46.0

/* ------------------------------------------------------------------ figures ---- */

static void add_row(cli_text *text, const char *name, int decimals, double value)
{
    cli_text_format(text, "<tr><th scope=\"row\">%s</th><td>%.*f</td></tr>\n", name, decimals, value);
}

static void add_figures(const vit_fit_figures *f, cli_text *text)
{
    cli_text_string(text, "<table>\n<tbody>\n");
    add_row(text, "pictures", 0, (double)f->n);
    add_row(text, "accuracy", 4, f->accuracy);
    add_row(text, "balanced accuracy", 4, f->balanced_accuracy);
    if (f->n_classes >= CLI_REPORT_TOP5_FROM)
        add_row(text, "top-5 accuracy", 4, f->top5);
    add_row(text, "log loss", 4, f->loss);
    cli_text_string(text, "</tbody>\n</table>\n");
}

static void add_classes(const cli_report *r, const vit_fit_figures *f, cli_text *text)
{
    cli_text_string(text, "<table>\n<thead><tr><th scope=\"col\">class</th><th scope=\"col\">precision</th>"
                          "<th scope=\"col\">recall</th><th scope=\"col\">F1</th><th scope=\"col\">pictures</th></tr>"
                          "</thead>\n<tbody>\n");
    for (size_t k = 0; k < f->n_classes; k++) {
        const vit_fit_class_figures *c = &f->classes[k];
        cli_text_string(text, "<tr><th scope=\"row\">");
        cli_html_escape(text, cli_report_label(r, k));
        cli_text_format(text, "</th><td>%.4f</td><td>%.4f</td><td>%.4f</td><td>%zu</td></tr>\n", c->precision,
                        c->recall, c->f1, c->support);
    }
    cli_text_string(text, "</tbody>\n</table>\n");
}

/* ------------------------------------------------------------------ confusions ---- */

/* The label's first bytes, cut between characters. */
static void add_short(cli_text *text, const char *whole)
{
    char cut[LABEL_BYTES + 4];
    size_t length = strlen(whole);
    if (length > LABEL_BYTES) {
        length = LABEL_BYTES - 1;
        while (length > 0 && ((unsigned char)whole[length] & 0xC0) == 0x80)
            length--;
        memcpy(cut, whole, length);
        strcpy(cut + length, "\xE2\x80\xA6");
        whole = cut;
    }
    cli_html_escape(text, whole);
}

static void add_cell(const cli_report *r, const vit_fit_figures *f, const vit_fit_confusion *c, double edge,
                     cli_text *text)
{
    double share = (double)c->count / (double)f->classes[c->truth].support;
    double x = LABEL_ROOM + (double)c->predicted * edge, y = LABEL_ROOM + (double)c->truth * edge;
    cli_text_format(
        text, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\" fill-opacity=\"%.3f\"><title>", x,
        y, edge, edge, c->truth == c->predicted ? "#2a7de1" : "#d9480f", 0.12 + 0.88 * share);
    cli_html_escape(text, cli_report_label(r, c->truth));
    cli_text_string(text, c->truth == c->predicted ? ", right: " : " taken for ");
    if (c->truth != c->predicted) {
        cli_html_escape(text, cli_report_label(r, c->predicted));
        cli_text_string(text, ": ");
    }
    cli_text_format(text, "%zu of %zu</title></rect>\n", c->count, f->classes[c->truth].support);
    if (f->n_classes <= COUNTED_CLASSES)
        cli_text_format(text,
                        "<text x=\"%.2f\" y=\"%.2f\" text-anchor=\"middle\" dominant-baseline=\"central\" "
                        "pointer-events=\"none\">%zu</text>\n",
                        x + edge / 2, y + edge / 2, c->count);
}

/* Rows are true classes, columns predicted ones; a cell is as strong as its share of the row. */
static void add_matrix(const cli_report *r, const vit_fit_figures *f, cli_text *text)
{
    double edge = MATRIX_EDGE / (double)f->n_classes;
    unsigned side = LABEL_ROOM + MATRIX_EDGE + 2;
    cli_text_format(text,
                    "<svg role=\"img\" aria-label=\"Confusions: a row for each true class, a column for each predicted "
                    "one\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\">\n",
                    side, side, side, side);
    for (size_t k = 0; k < f->n_classes; k++) {
        double middle = LABEL_ROOM + ((double)k + 0.5) * edge;
        cli_text_format(text, "<text x=\"%d\" y=\"%.2f\" text-anchor=\"end\" dominant-baseline=\"central\">",
                        LABEL_ROOM - 6, middle);
        add_short(text, cli_report_label(r, k));
        cli_text_format(text,
                        "</text>\n<text transform=\"translate(%.2f %d) rotate(-60)\" dominant-baseline=\"central\">",
                        middle, LABEL_ROOM - 8);
        add_short(text, cli_report_label(r, k));
        cli_text_string(text, "</text>\n");
    }
    for (size_t i = 0; i < f->n_confusions; i++)
        add_cell(r, f, &f->confusions[i], edge, text);
    cli_text_format(text,
                    "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"currentColor\" "
                    "stroke-opacity=\".3\"/>\n</svg>\n",
                    LABEL_ROOM, LABEL_ROOM, MATRIX_EDGE, MATRIX_EDGE);
}

static void add_frequent(const cli_report *r, const vit_fit_figures *f, cli_text *text)
{
    size_t n;
    vit_fit_confusion *list = cli_report_confusions(f, &n);
    cli_text_string(text, "<table>\n<thead><tr><th scope=\"col\">class</th><th scope=\"col\">taken for</th>"
                          "<th scope=\"col\">times</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < n; i++) {
        cli_text_string(text, "<tr><td>");
        cli_html_escape(text, cli_report_label(r, list[i].truth));
        cli_text_string(text, "</td><td>");
        cli_html_escape(text, cli_report_label(r, list[i].predicted));
        cli_text_format(text, "</td><td>%zu</td></tr>\n", list[i].count);
    }
    cli_text_string(text, "</tbody>\n</table>\n");
    free(list);
}

/* ------------------------------------------------------------------ the curve ---- */

typedef struct axes {
    double left, right, low, high; /* logarithms of C; accuracies */
} axes;

static axes axes_of(const vit_fit_choice *choice)
{
    axes a = {log10(choice->points[0].c), log10(choice->points[choice->n - 1].c), 1, 0};
    for (size_t i = 0; i < choice->n; i++) {
        a.low = fmin(a.low, choice->points[i].accuracy);
        a.high = fmax(a.high, choice->points[i].accuracy);
    }
    if (a.left == a.right)
        a.right++;
    if (a.high - a.low < 0.01) { /* a line that is flat looks flat */
        a.low = fmax(0, a.low - 0.01);
        a.high = fmin(1, a.high + 0.01);
    }
    return a;
}

static double across(const axes *a, double c)
{
    return CURVE_MARGIN + (log10(c) - a->left) / (a->right - a->left) * (CURVE_WIDTH - 2 * CURVE_MARGIN);
}

static double down(const axes *a, double accuracy)
{
    return 16 + (a->high - accuracy) / (a->high - a->low) * (CURVE_HEIGHT - 60);
}

static void add_curve(const cli_report *r, cli_text *text)
{
    const vit_fit_choice *choice = &r->choice;
    axes a = axes_of(choice);
    cli_text_format(
        text,
        "<svg role=\"img\" aria-label=\"Accuracy for each C\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f "
        "%.0f\">\n<polyline fill=\"none\" stroke=\"#2a7de1\" stroke-width=\"2\" points=\"",
        CURVE_WIDTH, CURVE_HEIGHT, CURVE_WIDTH, CURVE_HEIGHT);
    for (size_t i = 0; i < choice->n; i++)
        cli_text_format(text, "%.1f,%.1f ", across(&a, choice->points[i].c), down(&a, choice->points[i].accuracy));
    cli_text_string(text, "\"/>\n");
    for (size_t i = 0; i < choice->n; i++) {
        const vit_fit_point *p = &choice->points[i];
        bool chosen = p->c == r->c;
        cli_text_format(
            text,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\" fill=\"%s\"><title>C %.6g%s: %saccuracy %.4f, log loss "
            "%.4f</title></circle>\n",
            across(&a, p->c), down(&a, p->accuracy), chosen ? 6 : 3, chosen ? "#d9480f" : "#2a7de1", p->c,
            chosen ? ", chosen" : "", r->balanced ? "balanced " : "", p->accuracy, p->loss);
        if (i == 0 || i + 1 == choice->n || chosen)
            cli_text_format(text, "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%.4g</text>\n", across(&a, p->c),
                            CURVE_HEIGHT - 20, p->c);
    }
    cli_text_format(
        text,
        "<text x=\"4\" y=\"20\">%.3f</text>\n<text x=\"4\" y=\"%.0f\">%.3f</text>\n"
        "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">C (%saccuracy of what was held out)</text>\n</svg>\n",
        a.high, CURVE_HEIGHT - 40, a.low, CURVE_WIDTH / 2, CURVE_HEIGHT - 4, r->balanced ? "balanced " : "");
}

/* ------------------------------------------------------------------ mistakes ---- */

static bool add_mistakes(cli_html *html, const cli_report *r, const cli_report_side *side)
{
    const vit_fit_figures *f = &side->figures;
    size_t n = f->n_wrong < MISTAKES ? f->n_wrong : MISTAKES;
    cli_card *cards = cli_allocate(n ? n : 1, sizeof *cards);
    cli_text *notes = cli_allocate(n ? n : 1, sizeof *notes);
    for (size_t i = 0; i < n; i++) {
        size_t row = f->wrong[i];
        cli_text_format(&notes[i], "%.4f  %s taken for %s", (double)side->judgements[row].score,
                        cli_report_label(r, r->classes[row]), cli_report_label(r, side->judgements[row].predicted));
        cards[i] = (cli_card){.path = r->items->items[row].path, .note = notes[i].data};
    }
    bool written = n == 0 || cli_html_section(html, "Wrong with most confidence: look at these labels first", cards, n);
    for (size_t i = 0; i < n; i++)
        cli_text_free(&notes[i]);
    free(notes);
    free(cards);
    return written;
}

static bool add_side(cli_html *html, const cli_report *r, const cli_report_side *side)
{
    const vit_fit_figures *f = &side->figures;
    cli_text text = {0};
    add_figures(f, &text);
    bool written = cli_html_block(html, side->name, &text);
    if (written && f->n_classes <= MATRIX_CLASSES)
        add_matrix(r, f, &text);
    else if (written)
        add_frequent(r, f, &text);
    written = written && cli_html_block(html, "Confusions", &text);
    if (written)
        add_classes(r, f, &text);
    written = written && cli_html_block(html, "Classes", &text) && add_mistakes(html, r, side);
    cli_text_free(&text);
    return written;
}

bool cli_report_page(const cli_report *r, const char *path)
{
    cli_text text = {0};
    const cli_report_side *first = &r->sides[r->sides[0].figures.n == 0]; /* held out, else tested */
    cli_text_format(&text, "%zu classes", r->items->labels.n);
    if (first->figures.n)
        cli_text_format(&text, ": accuracy %.4f on %zu pictures that it was not fitted to", first->figures.accuracy,
                        first->figures.n);
    cli_text_format(&text, " (%zu fitted, C %.6g)", r->fitted, r->c);
    cli_html *html = cli_html_open(path, text.data);
    cli_text_clear(&text);
    bool written = html != NULL;
    for (size_t i = 0; written && i < CLI_REPORT_SIDES; i++)
        if (r->sides[i].figures.n)
            written = add_side(html, r, &r->sides[i]);
    if (written && r->choice.n > 1) {
        add_curve(r, &text);
        written = cli_html_block(html, "The choice of C", &text);
    }
    cli_text_free(&text);
    if (written)
        return cli_html_commit(html);
    cli_html_discard(html);
    return false;
}
