/* SPDX-License-Identifier: BSD-2-Clause */
#include "tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "libarchive.h"
#include "limit.h"
#include "member_text.h"
#include "talk.h"
#include "text.h"

#define BLOCK ((size_t)64 * 1024)
#define SAMPLE_FILES 64
#define SAMPLE_BYTES ((size_t)64 << 20) /* past this a sample is cut, whatever follows */
#define FIRST_ROOM ((size_t)1 << 20)    /* a size in a header is a claim: memory grows with what really comes */

typedef enum file_kind { FILE_OTHER, FILE_IMAGE, FILE_JSON, FILE_TEXT } file_kind;

/* A member that is an image, or text about images. */
typedef struct tar_file {
    file_kind kind;
    char *name;
    void *bytes;
    size_t size;
    bool left_out; /* of the results, and said so */
    vit_error error;
} tar_file;

struct cli_tar {
    struct archive *archive;
    char *name;
    bool ended;
    vit_error failure;            /* of the tar file itself, to be given out last */
    tar_file files[SAMPLE_FILES]; /* the sample that is being given out */
    size_t n, next;
    tar_file ahead; /* the first file of the next sample; kind FILE_OTHER: none */
};

static void free_file(tar_file *file)
{
    free(file->name);
    free(file->bytes);
    *file = (tar_file){0};
}

/* ------------------------------------------------------------------ names ---- */

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* Bytes of the name up to the first dot of its last part. */
static size_t key_length(const char *name)
{
    const char *last = last_part(name);
    return (size_t)(last - name) + strcspn(last, ".");
}

static bool same_sample(const char *a, const char *b)
{
    size_t length = key_length(a);
    return length == key_length(b) && strncmp(a, b, length) == 0;
}

/* "dir/a.txt" is about "dir/a.jpg", and about "dir/a.left.jpg", not about "dir/ab.jpg". */
static bool is_about(const char *text_name, const char *image_name)
{
    size_t length = (size_t)(strrchr(text_name, '.') - text_name);
    return strncmp(text_name, image_name, length) == 0 && image_name[length] == '.';
}

/* Hidden files are left out as webdataset does: most are what macOS writes beside real ones. */
static file_kind kind_of(const char *name)
{
    const char *last = last_part(name), *dot = strrchr(last, '.');
    if (!dot || *last == '.')
        return FILE_OTHER;
    if (strcasecmp(dot, ".json") == 0)
        return FILE_JSON;
    if (strcasecmp(dot, ".txt") == 0)
        return FILE_TEXT;
    return cli_is_image_name(last) ? FILE_IMAGE : FILE_OTHER;
}

/* ------------------------------------------------------------------ reading ---- */

/* libarchive numbers what went wrong by the system's errors, which do not tell these two apart; its messages do. */
static vit_status fail(struct archive *archive, const char *where, vit_error *err)
{
    const char *message = cli_libarchive.archive_error_string(archive);
    message = message ? message : "cannot be read";
    int number = cli_libarchive.archive_errno(archive);
    vit_status status = VIT_ERR_CORRUPT;
    if (strcasestr(message, "truncated"))
        status = VIT_ERR_TRUNCATED;
    else if (strstr(message, "Unrecognized archive format"))
        return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, where,
                             "this is no tar file, nor one in gzip, bzip2 or zstd");
    else if (number == ENOENT || number == ENOTDIR)
        status = VIT_ERR_NOT_FOUND;
    else if (number == EACCES || number == EISDIR || number == EIO)
        status = VIT_ERR_UNREADABLE;
    else if (number == ENOMEM)
        status = VIT_ERR_OUT_OF_MEMORY;
    return vit_error_set(err, status, where, "%s", message);
}

static vit_status too_large(const char *where, size_t limit, vit_error *err)
{
    return vit_error_set(err, VIT_ERR_TOO_LARGE, where, "more than the limit of %zu bytes", limit);
}

static vit_status grow(tar_file *file, size_t *room, vit_error *err)
{
    size_t more = *room ? *room * 2 : FIRST_ROOM;
    void *bytes = realloc(file->bytes, more);
    if (!bytes)
        return vit_error_set(err, VIT_ERR_OUT_OF_MEMORY, file->name, "out of memory");
    file->bytes = bytes;
    *room = more;
    return VIT_OK;
}

static vit_status read_bytes(struct archive *archive, tar_file *file, size_t limit, size_t claimed, vit_error *err)
{
    size_t room = claimed < FIRST_ROOM ? claimed + 1 : 0; /* the one byte more shows the end */
    file->bytes = room ? malloc(room) : NULL;
    if (room && !file->bytes)
        return vit_error_set(err, VIT_ERR_OUT_OF_MEMORY, file->name, "out of memory");
    for (;;) {
        if (file->size == room && grow(file, &room, err) != VIT_OK)
            return err->status;
        ssize_t got = cli_libarchive.archive_read_data(archive, (char *)file->bytes + file->size, room - file->size);
        if (got == ARCHIVE_RETRY)
            continue;
        if (got < 0)
            return fail(archive, file->name, err);
        if (got == 0)
            return VIT_OK;
        file->size += (size_t)got;
        if (file->size > limit)
            return too_large(file->name, limit, err);
    }
}

/* A file's bytes and, where they cannot be had, why. */
static void read_file(struct archive *archive, struct archive_entry *entry, tar_file *file)
{
    size_t limit = file->kind == FILE_IMAGE ? VIT__LIMIT_PICTURE_BYTES : VIT__LIMIT_MEMBER_TEXT_BYTES;
    int64_t claimed = cli_libarchive.archive_entry_size_is_set(entry) ? cli_libarchive.archive_entry_size(entry) : 0;
    vit_error *err = &file->error;
    if (cli_libarchive.archive_entry_hardlink(entry) || cli_libarchive.archive_entry_filetype(entry) != AE_IFREG)
        vit_error_set(err, VIT_ERR_UNREADABLE, file->name, "this is a link or a device in the tar file, not a file");
    else if (claimed < 0 || (uint64_t)claimed > limit)
        too_large(file->name, limit, err);
    else
        read_bytes(archive, file, limit, (size_t)claimed, err);
    if (err->status != VIT_OK) {
        free(file->bytes);
        file->bytes = NULL;
        file->size = 0;
    }
}

/* A tar file ends with blocks of zeros; without them it was probably cut between two members. */
static void check_end(cli_tar *tar)
{
    if (cli_libarchive.archive_filter_bytes(tar->archive, 0) <=
        cli_libarchive.archive_read_header_position(tar->archive))
        vit_error_set(&tar->failure, VIT_ERR_TRUNCATED, tar->name, "the tar file stops without its end mark");
}

/* The next member that matters; false: the tar file is at its end, or broken (tar->failure). */
static bool read_member(cli_tar *tar, tar_file *file)
{
    struct archive_entry *entry;
    *file = (tar_file){0};
    while (!tar->ended) {
        int result = cli_libarchive.archive_read_next_header(tar->archive, &entry);
        if (result == ARCHIVE_RETRY)
            continue;
        if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
            tar->ended = true;
            if (result == ARCHIVE_EOF)
                check_end(tar);
            else
                fail(tar->archive, tar->name, &tar->failure);
            break;
        }
        const char *name = cli_libarchive.archive_entry_pathname(entry);
        file->kind = name ? kind_of(name) : FILE_OTHER;
        if (file->kind == FILE_OTHER || cli_libarchive.archive_entry_filetype(entry) == AE_IFDIR)
            continue;
        file->name = cli_duplicate(name);
        read_file(tar->archive, entry, file);
        return true;
    }
    *file = (tar_file){0};
    return false;
}

/* ------------------------------------------------------------------ samples ---- */

static void clear_sample(cli_tar *tar)
{
    while (tar->n > 0)
        free_file(&tar->files[--tar->n]);
    tar->next = 0;
}

/* Files up to the first of the next sample, which is kept in tar->ahead. */
static void read_sample(cli_tar *tar)
{
    size_t bytes = 0;
    clear_sample(tar);
    for (;;) {
        if (tar->ahead.kind == FILE_OTHER && !read_member(tar, &tar->ahead))
            return;
        bool full = tar->n == SAMPLE_FILES || bytes > SAMPLE_BYTES;
        if (tar->n > 0 && (full || !same_sample(tar->files[0].name, tar->ahead.name)))
            return;
        bytes += tar->ahead.size;
        tar->files[tar->n++] = tar->ahead;
        tar->ahead = (tar_file){0};
    }
}

/* What the sample's file of this kind says about the image, or NULL. */
static char *text_about(cli_tar *tar, const char *image, file_kind kind)
{
    for (size_t i = 0; i < tar->n; i++) {
        tar_file *file = &tar->files[i];
        if (file->kind != kind || !is_about(file->name, image))
            continue;
        const char *why = file->error.message;
        char *text = NULL;
        if (file->error.status == VIT_OK)
            text = kind == FILE_JSON ? cli_member_json(file->bytes, file->size, &why)
                                     : cli_member_text(file->bytes, file->size, &why);
        if (!text && !file->left_out)
            cli_note("%s: %s is left out of the results: %s", tar->name, file->name, why);
        file->left_out = !text;
        return text;
    }
    return NULL;
}

static void give(cli_tar *tar, tar_file *file, cli_input *input)
{
    cli_member *member = cli_allocate(1, sizeof *member);
    *member = (cli_member){
        .tar = cli_duplicate(tar->name),
        .bytes = file->bytes,
        .size = file->size,
        .json = text_about(tar, file->name, FILE_JSON),
        .text = text_about(tar, file->name, FILE_TEXT),
    };
    *input = (cli_input){.kind = CLI_SOURCE_MEMBER, .path = file->name, .member = member, .error = file->error};
    file->name = NULL;
    file->bytes = NULL;
}

static bool give_failure(cli_tar *tar, cli_input *input)
{
    if (tar->failure.status == VIT_OK)
        return false;
    *input = (cli_input){.kind = CLI_SOURCE_PATH, .path = cli_duplicate(tar->name), .error = tar->failure};
    tar->failure = (vit_error){0};
    return true;
}

/* ------------------------------------------------------------------ a tar file ---- */

/* The formats of archives that are read, and the compressions that are undone. */
static bool set_up(struct archive *archive)
{
    return archive && cli_libarchive.archive_read_support_format_tar(archive) == ARCHIVE_OK &&
           cli_libarchive.archive_read_support_filter_gzip(archive) == ARCHIVE_OK &&
           cli_libarchive.archive_read_support_filter_bzip2(archive) == ARCHIVE_OK &&
           cli_libarchive.archive_read_support_filter_zstd(archive) == ARCHIVE_OK;
}

static bool open_archive(cli_tar *tar)
{
    bool standard_input = strcmp(tar->name, "-") == 0;
    struct archive *archive = tar->archive = cli_libarchive.archive_read_new();
    return set_up(archive) &&
           (standard_input ? cli_libarchive.archive_read_open_fd(archive, STDIN_FILENO, BLOCK)
                           : cli_libarchive.archive_read_open_filename(archive, tar->name, BLOCK)) == ARCHIVE_OK;
}

cli_tar *cli_tar_open(const char *name)
{
    cli_tar *tar = cli_allocate(1, sizeof *tar);
    tar->name = cli_duplicate(name);
    const char *why = cli_libarchive_load();
    tar->ended = why || !open_archive(tar);
    if (why)
        vit_error_set(&tar->failure, VIT_ERR_UNSUPPORTED_FORMAT, name,
                      "tar files need libarchive: %s; install it (apt-get install libarchive13)", why);
    else if (tar->ended && tar->archive)
        fail(tar->archive, name, &tar->failure);
    else if (tar->ended)
        vit_error_set(&tar->failure, VIT_ERR_OUT_OF_MEMORY, name, "out of memory");
    return tar;
}

bool cli_tar_next(cli_tar *tar, cli_input *input)
{
    for (;;) {
        while (tar->next < tar->n) {
            tar_file *file = &tar->files[tar->next++];
            if (file->kind == FILE_IMAGE) {
                give(tar, file, input);
                return true;
            }
        }
        read_sample(tar);
        if (tar->n == 0)
            return give_failure(tar, input);
    }
}

void cli_tar_close(cli_tar *tar)
{
    if (!tar)
        return;
    clear_sample(tar);
    free_file(&tar->ahead);
    if (tar->archive)
        cli_libarchive.archive_read_free(tar->archive);
    free(tar->name);
    free(tar);
}

bool cli_tar_is(const void *bytes, size_t size)
{
    struct archive_entry *entry;
    struct archive *archive = cli_libarchive_load() ? NULL : cli_libarchive.archive_read_new();
    bool is = set_up(archive) && cli_libarchive.archive_read_open_memory(archive, bytes, size) == ARCHIVE_OK;
    int result = is ? cli_libarchive.archive_read_next_header(archive, &entry) : ARCHIVE_FATAL;
    if (archive)
        cli_libarchive.archive_read_free(archive);
    return result == ARCHIVE_OK || result == ARCHIVE_WARN;
}
