/* SPDX-License-Identifier: BSD-2-Clause */
#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "claims.h"
#include "interrupt.h"
#include "talk.h"
#include "visible.h"

#define STREAM_BUFFER (256u * 1024u)

static bool write_error(const cli_file *file)
{
    int error = errno;
    if (error == EPIPE && file->is_stdout)
        return false; /* the reader had enough, as `head` does; nobody is there to be told */
    cli_error("%s: cannot write: %s", file->path, strerror(error));
    return false;
}

static bool open_failed(cli_file *file)
{
    cli_error("%s: cannot be written: %s", file->path, strerror(errno));
    free(file->path);
    free(file->temporary);
    *file = (cli_file){0};
    return false;
}

static bool open_stdout(cli_file *file)
{
    *file = (cli_file){.stream = stdout,
                       .path = cli_duplicate("standard output"),
                       .is_stdout = true,
                       .is_terminal = isatty(STDOUT_FILENO) == 1};
    return true;
}

/* "DIRECTORY/.NAME.XXXXXX", for mkstemp: on the same file system, so that rename works. */
static char *temporary_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash - path) + 1 : 0;
    cli_text name = {0};
    /* A long name must leave room for the suffix: 255 bytes is what file systems take. */
    cli_text_format(&name, "%.*s.%.200s.XXXXXX", directory, path, path + directory);
    return name.data;
}

/* Opens the temporary file with the permissions that a file made in the usual way would have. */
static int open_temporary(cli_file *file)
{
    mode_t mask = umask(0);
    umask(mask);
    cli_interrupt_hold();
    int descriptor = mkstemp(file->temporary);
    if (descriptor >= 0) {
        fchmod(descriptor, 0666 & ~mask);
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        cli_temporary_remember(file->temporary);
    }
    cli_interrupt_release();
    return descriptor;
}

bool cli_file_open(cli_file *file, const char *path)
{
    *file = (cli_file){0};
    if (!path || strcmp(path, "-") == 0)
        return open_stdout(file);
    struct stat status;
    bool exists = stat(path, &status) == 0;
    /* The target of a link is replaced, not the link. */
    char *resolved = exists ? cli_real_path(path) : NULL;
    file->path = resolved ? resolved : cli_duplicate(path);
    if (exists && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return open_failed(file);
    }
    int descriptor;
    if (exists && !S_ISREG(status.st_mode)) {
        descriptor = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        file->temporary = temporary_name(file->path);
        descriptor = open_temporary(file);
    }
    if (descriptor < 0)
        return open_failed(file);
    file->stream = fdopen(descriptor, "w");
    if (!file->stream) {
        close(descriptor);
        cli_remove_temporaries();
        return open_failed(file);
    }
    setvbuf(file->stream, NULL, _IOFBF, STREAM_BUFFER);
    return true;
}

bool cli_file_try(const char *path)
{
    cli_file file;
    if (cli_path_is_special(path)) /* who reads a pipe would see it closed */
        return true;
    if (!cli_file_open(&file, path))
        return false;
    cli_file_discard(&file);
    return true;
}

bool cli_file_write(cli_file *file, const void *bytes, size_t size)
{
    return fwrite(bytes, 1, size, file->stream) == size || write_error(file);
}

bool cli_file_rewrite_start(cli_file *file, const void *bytes, size_t size)
{
    if (fseek(file->stream, 0, SEEK_SET) != 0 || fwrite(bytes, 1, size, file->stream) != size ||
        fseek(file->stream, 0, SEEK_END) != 0)
        return write_error(file);
    return true;
}

bool cli_file_flush(cli_file *file)
{
    return fflush(file->stream) == 0 || write_error(file);
}

static void release(cli_file *file)
{
    free(file->path);
    free(file->temporary);
    *file = (cli_file){0};
}

/* A new name is lost in a crash until the folder that holds it is on the disk too.
 * Not every file system can do that for a folder: then there is nothing better. */
static void sync_folder_of(const char *path)
{
    char *folder = cli_folder_of(path);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        fsync(descriptor);
        close(descriptor);
    }
    free(folder);
}

bool cli_file_settle(cli_file *file)
{
    if (!cli_file_flush(file))
        return false;
    if (file->is_stdout)
        return true;
    if (file->temporary && fsync(fileno(file->stream)) != 0)
        return write_error(file);
    FILE *stream = file->stream;
    file->stream = NULL;
    return fclose(stream) == 0 || write_error(file);
}

bool cli_file_commit(cli_file *file)
{
    bool done = !file->stream || cli_file_settle(file);
    cli_interrupt_hold();
    if (done && file->temporary && rename(file->temporary, file->path) != 0)
        done = write_error(file);
    if (done && file->temporary) {
        cli_temporary_forget(file->temporary);
        sync_folder_of(file->path);
    }
    if (done)
        release(file);
    else
        cli_file_discard(file);
    cli_interrupt_release();
    return done;
}

bool cli_file_keep_older(cli_file *file)
{
    struct stat status;
    if (!file->temporary || stat(file->path, &status) != 0)
        return false;
    cli_note("%s: this run has no result to write: the file of an earlier run stays as it is", file->path);
    cli_file_discard(file);
    return true;
}

void cli_file_discard(cli_file *file)
{
    if (file->stream && !file->is_stdout)
        fclose(file->stream);
    if (file->temporary) {
        unlink(file->temporary);
        cli_temporary_forget(file->temporary);
    }
    release(file);
}

bool cli_file_is_special(const cli_file *file)
{
    return !file->is_stdout && !file->temporary;
}

void cli_text_name(cli_text *text, const char *name, const cli_file *file)
{
    (file->is_terminal ? cli_text_visible : cli_text_string)(text, name);
}

void cli_text_csv_name(cli_text *text, const char *name, const cli_file *file)
{
    cli_text shown = {0};
    cli_text_name(&shown, name, file);
    cli_text_csv(text, shown.data ? shown.data : "");
    cli_text_free(&shown);
}

cli_exit cli_print(const cli_text *text)
{
    cli_file file;
    bool done = cli_file_open(&file, NULL) && cli_file_write(&file, text->data, text->size);
    if (!done) {
        cli_file_discard(&file);
        return CLI_OUTPUT;
    }
    return cli_file_commit(&file) ? CLI_DONE : CLI_OUTPUT;
}
