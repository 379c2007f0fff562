/* SPDX-License-Identifier: BSD-2-Clause */
#include "file_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "npy.h"

#define START 4096 /* bytes that are looked at */

/* Length, text, CRC-32. */
const unsigned char cli_png_mark[24] = "\0\0\0\x0CtEXtSoftware\0vit\xA6\xB7\x44\x6E";

/* The first bytes of a file. */
typedef struct start {
    unsigned char bytes[START];
    size_t size;
} start;

/* Bytes that a file may have at a place; size 0: none. */
typedef struct mark {
    size_t at, size;
    const char *bytes;
} mark;
/* A line for each row. */
/* clang-format off */
#define AT(place, string) {place, sizeof(string) - 1, string}
/* clang-format on */

static bool has(const start *s, mark m)
{
    return m.size > 0 && m.at + m.size <= s->size && memcmp(s->bytes + m.at, m.bytes, m.size) == 0;
}

static bool holds(const start *s, const char *string)
{
    return memmem(s->bytes, s->size, string, strlen(string)) != NULL;
}

/* ------------------------------------------------------------------ what others write ---- */

/* The first that fits is taken. Rows without ends are for contents alone, and rows without marks
 * for names alone. */
static const struct {
    const char *words, *ends;
    mark marks[2];
} others[] = {
    {"a JPEG picture", "jpg jpeg jpe jfif", {AT(0, "\xFF\xD8\xFF")}},
    {"a PNG picture", "png", {AT(0, "\x89PNG\r\n\x1A\n")}},
    {"a GIF picture", "gif", {AT(0, "GIF8")}},
    {"a WebP picture", "webp", {AT(8, "WEBPVP8")}},
    {"a BMP picture", "bmp", {AT(0, "BM")}},
    {"a TIFF picture", "tif tiff", {AT(0, "II*\0"), AT(0, "MM\0*")}},
    {"a HEIC or AVIF picture", "heic heif hif avif", {AT(4, "ftyphei"), AT(4, "ftypavi")}},
    {"a Photoshop picture", "psd", {AT(0, "8BPS")}},
    {"a JPEG XL picture", "jxl", {AT(0, "\0\0\0\x0CJXL "), AT(0, "\xFF\x0A")}},
    {"a PNM picture", "ppm pgm pbm pnm", {AT(0, "P6\n"), AT(0, "P5\n")}},
    {"a camera's raw picture", "cr2 cr3 nef arw dng raf orf rw2", {{0}}},
    {"a picture", "svg ico jp2 tga", {{0}}},
    {"a video", "mp4 mov m4v avi mkv webm", {AT(4, "ftyp"), AT(8, "AVI ")}},
    {"sound", "mp3 wav flac ogg", {AT(8, "WAVE"), AT(0, "ID3")}},
    {"a NumPy array", "npy", {{0}}},
    {"a NumPy array of a type that vit does not write", "", {AT(0, CLI_NPY_MAGIC)}},
    {"an archive of NumPy arrays", "npz", {{0}}},
    {"a model in safetensors", "safetensors", {AT(8, "{\"")}},
    {"a file of PyTorch", "pt pth ckpt", {{0}}},
    {"an ONNX model", "onnx", {{0}}},
    {"a GGUF model", "gguf ggml", {AT(0, "GGUF")}},
    {"a pickle of Python", "pkl pickle joblib", {AT(0, "\x80\x04"), AT(0, "\x80\x05")}},
    {"an HDF5 file", "h5 hdf5 hdf", {AT(0, "\x89HDF\r\n\x1A\n")}},
    {"a MATLAB file", "mat", {AT(0, "MATLAB ")}},
    {"a Parquet file", "parquet pq", {AT(0, "PAR1")}},
    {"an Arrow file", "arrow feather ipc", {AT(0, "ARROW1"), AT(0, "FEA1")}},
    {"an Avro file", "avro", {AT(0, "Obj\x01")}},
    {"an ORC file", "orc", {AT(0, "ORC")}},
    {"another program's vectors", "bvecs ivecs fbin u8bin ibin faiss ann hnsw lance zarr", {{0}}},
    {"a SQLite database", "db sqlite sqlite3 db3", {{0}}},
    {"a SQLite database of another program", "", {AT(0, "SQLite format 3\0")}},
    {"a DuckDB database", "duckdb", {AT(8, "DUCK")}},
    {"SQL", "sql", {{0}}},
    {"a tar file", "tar", {AT(257, "ustar")}},
    {"a gzip file", "gz tgz", {AT(0, "\x1F\x8B")}},
    {"a bzip2 file", "bz2 tbz2", {AT(0, "BZh")}},
    {"an xz file", "xz txz", {AT(0, "\3757zXZ\0")}},
    {"a zstd file", "zst tzst", {AT(0, "\x28\xB5\x2F\xFD")}},
    {"an lz4 file", "lz4", {AT(0, "\x04\x22\x4D\x18")}},
    {"a 7z archive", "7z", {AT(0, "7z\xBC\xAF\x27\x1C")}},
    {"a RAR archive", "rar", {AT(0, "Rar!")}},
    {"a zip archive", "zip", {{0}}},
    {"a zip archive, as .npz, .pt and .docx are too", "", {AT(0, "PK\3\4"), AT(0, "PK\5\6")}},
    {"a spreadsheet", "xlsx xls ods", {{0}}},
    {"a document", "docx doc odt pptx ppt odp rtf epub tex", {AT(0, "{\\rtf")}},
    {"a PDF", "pdf", {AT(0, "%PDF-")}},
    {"a program", "exe so dll jar wasm", {AT(0, "\177ELF")}},
    {"a script", "py ipynb cpp hpp rs go java js ts sh pl rb css", {AT(0, "#!")}},
    {"HTML", "html htm xhtml", {AT(0, "<!DOCTYPE html"), AT(0, "<html")}},
    {"XML", "xml rss", {AT(0, "<?xml")}},
    {"YAML", "yaml yml", {{0}}},
    {"TOML", "toml ini cfg conf", {{0}}},
    {"a table with tabs", "tsv tab", {{0}}},
    {"CSV", "csv", {AT(0, "path,")}},
    {"JSON", "json jsonl ndjson geojson", {AT(0, "{"), AT(0, "[")}},
    {"text", "txt text log md rst", {{0}}},
};
#define N_OTHERS (sizeof others / sizeof *others)
/* clang-format on */

/* NULL: none of these. */
static const char *words_of_mark(const start *s)
{
    for (size_t i = 0; i < N_OTHERS; i++)
        if (has(s, others[i].marks[0]) || has(s, others[i].marks[1]))
            return others[i].words;
    return NULL;
}

/* ------------------------------------------------------------------ what vit writes ---- */

/* vit writes numbers of these three types. An array of others, such as labels or token ids, is
 * somebody's work. */
static bool is_npy(const start *s)
{
    return has(s, (mark)AT(0, CLI_NPY_MAGIC)) &&
           (holds(s, "'descr': '<f4'") || holds(s, "'descr': '<f2'") || holds(s, "'descr': '|u1'"));
}

/* "  0.9731  ", as it stands before a label or a path. */
static bool is_score(const unsigned char *line, const unsigned char *end)
{
    enum { INDENT = 2, DECIMALS = 4 };
    const unsigned char *at = line;
    while (at < end && *at == ' ')
        at++;
    if (at - line != INDENT)
        return false;
    at += at < end && *at == '-';
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return end - at > DECIMALS + INDENT && *at == '.' && at[DECIMALS + 1] == ' ' && at[DECIMALS + 2] == ' ';
}

static bool is_text(const start *s)
{
    for (size_t i = 0; i < s->size; i++)
        if (s->bytes[i] < ' ' && !memchr("\t\n\f\r\x1B", s->bytes[i], 5))
            return false;
    return true;
}

/* A path or a query, and scores below it. */
static bool is_labels_text(const start *s)
{
    const unsigned char *end = s->bytes + s->size;
    for (const unsigned char *at = s->bytes; (at = memchr(at, '\n', (size_t)(end - at))) != NULL;)
        if (is_score(++at, end))
            return true;
    return false;
}

/* The same; or nothing was found, and the query stands alone: one line. */
static bool is_hits_text(const start *s)
{
    const unsigned char *feed = memchr(s->bytes, '\n', s->size);
    return is_labels_text(s) || (feed && feed + 1 == s->bytes + s->size && is_text(s) && !words_of_mark(s));
}

/* "3 images, 0.9876\n" */
static bool is_groups_text(const start *s)
{
    size_t digits = 0;
    while (digits < s->size && s->bytes[digits] >= '0' && s->bytes[digits] <= '9')
        digits++;
    return digits > 0 && has(s, (mark)AT(digits, " images, "));
}

static bool is_page(const start *s)
{
    return has(s, (mark)AT(0, "<!DOCTYPE html>")) && holds(s, "<title>vit ");
}

static bool is_map(const start *s)
{
    return has(s, (mark){CLI_PNG_HEADER, sizeof cli_png_mark, (const char *)cli_png_mark});
}

static bool is_zero(const start *s, size_t at, size_t size)
{
    static const char zeros[8];
    return has(s, (mark){at, size, zeros});
}

/* SQLite's header: the application's id is at 68, and page 1 is at 100, with its kind and, behind
 * it, its number of cells. An index that was just begun has neither id nor tables. */
static bool is_index(const start *s)
{
    bool ours = has(s, (mark)AT(68, "vit1"));
    bool fresh = is_zero(s, 68, 4) && has(s, (mark)AT(100, "\x0D")) && is_zero(s, 103, 2);
    return has(s, (mark)AT(0, "SQLite format 3\0")) && (ours || fresh);
}

static bool is_index_log(const start *s)
{
    return has(s, (mark)AT(0, "\x37\x7F\x06\x82")) || has(s, (mark)AT(0, "\x37\x7F\x06\x83"));
}

/* A number as this machine has it, or none yet. */
static bool is_number(const start *s, const void *number, size_t size)
{
    return has(s, (mark){0, size, number}) || is_zero(s, 0, size);
}

static bool is_index_memory(const start *s)
{
    static const uint32_t version = 3007000;
    return is_number(s, &version, sizeof version);
}

static bool is_index_journal(const start *s)
{
    return has(s, (mark)AT(0, "\xD9\xD5\x05\xF9\x20\xA1\x63\xD7")) || is_zero(s, 0, 8);
}

static bool is_index_vectors(const start *s)
{
    static const uint64_t magic = 0x3163657674697600u; /* vector_file.c's */
    return is_number(s, &magic, sizeof magic);
}

static bool is_packed(const start *s)
{
    return has(s, (mark)AT(8, "{\"__metadata__\"")) && holds(s, "\"vit-packed\"");
}

static bool is_head(const start *s)
{
    return has(s, (mark)AT(8, "{\"__metadata__\"")) && holds(s, "\"vit-head\"");
}

#define JSON "json ndjson jsonl"
/* A line for each row. */
/* clang-format off */
#define PATH_OR_TEXT {AT(0, "{\"path\":"), AT(0, "{\"text\":")}
/* clang-format on */

/* How a kind is told: by one of its marks, or by `is`. */
static const struct {
    const char *words, *ends;
    mark marks[2];
    bool (*is)(const start *start);
} kinds[CLI_KINDS] = {
    [CLI_KIND_NPY] = {"a NumPy array", "npy", .is = is_npy},
    [CLI_KIND_VECTORS_JSON] = {"JSON, a line for each input", "jsonl ndjson", PATH_OR_TEXT, NULL},
    [CLI_KIND_VECTORS_CSV] = {"vectors as CSV", "csv", {AT(0, "path,e0")}, NULL},
    [CLI_KIND_RAW] = {"numbers without a header", "raw", .is = NULL},
    [CLI_KIND_FVECS] = {"vectors as fvecs", "fvecs", .is = NULL},
    [CLI_KIND_PGCOPY] = {"PostgreSQL's COPY", "pgcopy", {AT(0, "PGCOPY\n\xFF\r\n\0")}, NULL},
    [CLI_KIND_ROWS] = {"the list of an array's rows", "", {AT(0, "{\"row\":")}, NULL},
    [CLI_KIND_FAILURES] = {"the list of inputs that failed", "", PATH_OR_TEXT, NULL},
    [CLI_KIND_METADATA] = {"metadata of vectors", "", {AT(0, "{\"model\":")}, NULL},
    [CLI_KIND_LABELS_TEXT] = {"results as text", "txt text log md", .is = is_labels_text},
    [CLI_KIND_LABELS_JSON] = {"JSON, a line for each input", JSON, PATH_OR_TEXT, NULL},
    [CLI_KIND_LABELS_CSV] = {"labels as CSV", "csv", {AT(0, "path,rank,")}, NULL},
    [CLI_KIND_HITS_TEXT] = {"results as text", "txt text log md", .is = is_hits_text},
    [CLI_KIND_HITS_JSON] = {"JSON, a line for each query", JSON, {AT(0, "{\"query\":")}, NULL},
    [CLI_KIND_GROUPS_TEXT] = {"groups of images as text", "txt text log md", .is = is_groups_text},
    [CLI_KIND_GROUPS_JSON] = {"JSON, a line for each group", JSON, {AT(0, "{\"paths\":")}, NULL},
    [CLI_KIND_PAGE] = {"a page of thumbnails", "html htm", .is = is_page},
    [CLI_KIND_MAP] = {"a map of attention", "png", .is = is_map},
    [CLI_KIND_PACKED] = {"a packed model", "safetensors", .is = is_packed},
    [CLI_KIND_HEAD] = {"a classifier of vit", "safetensors", .is = is_head},
    [CLI_KIND_REPORT] = {"a report of vit fit", "json", {AT(0, "{\"fit\":")}, NULL},
    [CLI_KIND_PREDICTIONS] = {"predictions as CSV", "csv", {AT(0, "path,label,predicted")}, NULL},
    [CLI_KIND_INDEX] = {"an index of vit", "db sqlite sqlite3 db3", .is = is_index},
    [CLI_KIND_INDEX_LOG] = {"the log of an index", "", .is = is_index_log},
    [CLI_KIND_INDEX_MEMORY] = {"the shared memory of an index", "", .is = is_index_memory},
    [CLI_KIND_INDEX_JOURNAL] = {"the journal of an index", "", .is = is_index_journal},
    [CLI_KIND_INDEX_VECTORS] = {"the vectors of an index", "", .is = is_index_vectors},
    [CLI_KIND_ANY] = {"any file", "", .is = NULL},
};
/* clang-format on */

/* ------------------------------------------------------------------ names ---- */

const char *cli_kind_words(cli_kind kind)
{
    return kinds[kind].words;
}

const char *cli_kind_ends(cli_kind kind)
{
    return kinds[kind].ends;
}

bool cli_ends_with(const char *string, const char *end)
{
    size_t length = strlen(string), end_length = strlen(end);
    return length > end_length && strcasecmp(string + length - end_length, end) == 0;
}

/* What stands behind the last dot of the last part of a path; NULL: nothing. ".npy" is a name
 * without an end. */
static const char *end_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot && dot > name && dot[1] ? dot + 1 : NULL;
}

static bool is_among(const char *end, const char *ends)
{
    size_t length = strlen(end);
    for (const char *at = ends; *at; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == length && strncasecmp(at, end, length) == 0)
            return true;
    return false;
}

/* What a name is one for, if it is one for anything. */
static const char *words_of_end(const char *end)
{
    for (size_t i = 0; i < N_OTHERS; i++)
        if (is_among(end, others[i].ends))
            return others[i].words;
    for (size_t i = 0; i < CLI_KINDS; i++)
        if (is_among(end, kinds[i].ends))
            return kinds[i].words;
    return NULL;
}

bool cli_kind_of_name(const char *path, const cli_kind *among, size_t n, size_t *which, const char **words)
{
    const char *end = end_of(path);
    *which = 0;
    if (!end)
        return true;
    for (size_t i = 0; i < n; i++)
        if (is_among(end, kinds[among[i]].ends)) {
            *which = i;
            return true;
        }
    *words = words_of_end(end);
    return !*words;
}

/* ------------------------------------------------------------------ contents ---- */

/* false, with errno: it cannot be read. */
static bool read_start(const char *path, start *s)
{
    s->size = 0;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return false;
    ssize_t count;
    do {
        count = read(descriptor, s->bytes + s->size, START - s->size);
        s->size += count > 0 ? (size_t)count : 0;
    } while (s->size < START && (count > 0 || (count < 0 && errno == EINTR)));
    close(descriptor);
    return count >= 0;
}

static bool is_kind(const start *s, cli_kind kind)
{
    return has(s, kinds[kind].marks[0]) || has(s, kinds[kind].marks[1]) || (kinds[kind].is && kinds[kind].is(s));
}

static const char *words_of_start(const start *s)
{
    for (size_t i = 0; i < CLI_KINDS; i++)
        if (i != CLI_KIND_HITS_TEXT && is_kind(s, (cli_kind)i)) /* any single line could be one */
            return kinds[i].words;
    const char *words = words_of_mark(s);
    return words ? words : is_text(s) ? "text" : "data that vit does not know";
}

bool cli_kind_of_file(const char *path, cli_kind kind, const char **words)
{
    start s;
    *words = "a file that cannot be read";
    if (kind == CLI_KIND_ANY)
        return true;
    if (!read_start(path, &s))
        return false;
    if (s.size == 0 || is_kind(&s, kind))
        return true;
    *words = words_of_start(&s);
    return false;
}
