/* SPDX-License-Identifier: BSD-2-Clause */
#include "shards.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input_list.h"
#include "interrupt.h"
#include "talk.h"

#define ERRORS_NAME "errors.jsonl"
#define PART_PREFIX "part-"

struct cli_shards {
    cli_format format;
    cli_vectors vectors;
    cli_manifest manifest; /* its mark: what is finished */
    int lock;              /* the folder, open and locked */
    bool new_folder;
    char *errors_path;
    FILE *errors;
    cli_writer *writer;       /* of the part that is being written; NULL: none yet */
    size_t rows, failed;      /* since the mark */
    vit__sha256_state digest; /* of all inputs so far */
};

static bool output_error(const char *path)
{
    cli_error("%s: cannot be written: %s", path, strerror(errno));
    return false;
}

/* ------------------------------------------------------------------ the folder ---- */

cli_exit cli_shards_make_folder(const char *folder, bool *made)
{
    struct stat status;
    *made = mkdir(folder, 0777) == 0;
    if (*made || (errno == EEXIST && stat(folder, &status) == 0 && S_ISDIR(status.st_mode)))
        return CLI_DONE;
    if (errno == EEXIST)
        errno = ENOTDIR;
    output_error(folder);
    return CLI_OUTPUT;
}

/* Two jobs in one folder would spoil each other's parts. The lock goes when the process does, however that ends. */
static cli_exit lock_folder(const cli_command *command, cli_shards *shards)
{
    const char *folder = shards->manifest.folder;
    shards->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (shards->lock < 0) {
        output_error(folder);
        return CLI_OUTPUT;
    }
    if (flock(shards->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return cli_usage_error(command, "%s: another vit is at work in this folder: give each job its own", folder);
    return CLI_DONE; /* a file system without locks has to do without */
}

static bool begins_with(const char *string, const char *start)
{
    return strncmp(string, start, strlen(start)) == 0;
}

/* Is this what a run that was killed left unfinished? */
static bool is_temporary(const char *name)
{
    return begins_with(name, "." PART_PREFIX) || begins_with(name, "." CLI_MANIFEST_NAME ".") ||
           begins_with(name, CLI_LIST_PREFIX);
}

/* "part-00012.npy" or "part-00012.jsonl", and 12 is not finished. */
static bool is_unfinished_part(const cli_shards *shards, const char *name)
{
    if (!begins_with(name, PART_PREFIX))
        return false;
    const char *digits = name + strlen(PART_PREFIX);
    char *end;
    unsigned long long part = strtoull(digits, &end, 10);
    bool ours = strcmp(end, shards->manifest.extension) == 0 || strcmp(end, ".jsonl") == 0;
    return ours && end - digits >= 5 && part >= cli_part_count(&shards->manifest);
}

/* Any file of a job: going on, it may be removed or written anew. */
static bool is_of_job(const char *name)
{
    return begins_with(name, PART_PREFIX) || strcmp(name, ERRORS_NAME) == 0 || strcmp(name, CLI_MANIFEST_NAME) == 0 ||
           is_temporary(name);
}

cli_exit cli_shards_claim(const cli_command *command, const char *folder)
{
    cli_claim claim = {.option = "-o", .path = folder, .kind = CLI_KIND_ANY, .any_name = true};
    cli_exit status = cli_claim_file(command, &claim);
    DIR *directory = status == CLI_DONE ? opendir(folder) : NULL;
    const struct dirent *entry;
    if (status == CLI_DONE && !directory && errno != ENOENT && errno != ENOTDIR) {
        output_error(folder); /* what stands there is not known, and might be lost */
        return CLI_OUTPUT;
    }
    while (directory && status == CLI_DONE && (entry = readdir(directory)) != NULL) {
        if (!is_of_job(entry->d_name))
            continue;
        char *path = cli_join(folder, entry->d_name);
        claim.path = path;
        status = cli_claim_file(command, &claim);
        free(path);
    }
    if (directory)
        closedir(directory);
    return status;
}

typedef struct folder_visit {
    const cli_shards *shards;
    bool clean;    /* remove what is unfinished */
    size_t others; /* files that are neither */
} folder_visit;

static bool visit_entry(folder_visit *visit, const char *name)
{
    bool unfinished = is_temporary(name) || (visit->clean && is_unfinished_part(visit->shards, name));
    if (!unfinished) {
        visit->others++;
        return true;
    }
    return unlinkat(visit->shards->lock, name, 0) == 0 || errno == ENOENT;
}

static bool visit_folder(folder_visit *visit)
{
    const char *folder = visit->shards->manifest.folder;
    DIR *directory = opendir(folder);
    bool done = directory != NULL;
    const struct dirent *entry;
    while (done && (errno = 0, (entry = readdir(directory)) != NULL))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            done = visit_entry(visit, entry->d_name);
    done = done && errno == 0;
    if (!done)
        output_error(folder);
    if (directory)
        closedir(directory);
    return done;
}

/* ------------------------------------------------------------------ opening ---- */

/* What a run that was cut off wrote past the mark goes. */
static cli_exit open_errors(cli_shards *shards)
{
    size_t size = shards->manifest.mark.errors_size;
    struct stat status;
    int descriptor = open(shards->errors_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor >= 0 && fstat(descriptor, &status) == 0 && (size_t)status.st_size < size) {
        cli_error("%s: a part of this file is gone: remove the folder and begin again", shards->errors_path);
        close(descriptor);
        return CLI_OUTPUT;
    }
    if (descriptor >= 0 && ftruncate(descriptor, (off_t)size) == 0)
        shards->errors = fdopen(descriptor, "a");
    if (shards->errors)
        return CLI_DONE;
    output_error(shards->errors_path);
    if (descriptor >= 0)
        close(descriptor);
    return CLI_OUTPUT;
}

static cli_exit write_first_manifest(cli_shards *shards)
{
    vit__sha256_so_far(&shards->digest, shards->manifest.mark.digest);
    return cli_manifest_write(&shards->manifest) ? CLI_DONE : CLI_OUTPUT;
}

static cli_exit begin(const cli_command *command, cli_shards *shards)
{
    folder_visit visit = {.shards = shards};
    if (shards->manifest.shard_size == 0)
        return cli_usage_error(command, "%s: there is no job to go on with: begin one with --shard-size",
                               shards->manifest.folder);
    if (!visit_folder(&visit))
        return CLI_OUTPUT;
    if (visit.others > 0)
        return cli_usage_error(command, "%s: this folder is not empty and holds no job: name a new one with %s",
                               shards->manifest.folder, shards->manifest.option);
    return write_first_manifest(shards);
}

/* What stands in the manifest counts, once something is finished. */
static cli_exit resume(const cli_command *command, cli_shards *shards)
{
    cli_exit status = cli_manifest_read(command, &shards->manifest);
    const cli_progress_mark *mark = &shards->manifest.mark;
    folder_visit visit = {.shards = shards, .clean = true};
    if (status == CLI_DONE && !visit_folder(&visit))
        status = CLI_OUTPUT;
    if (status == CLI_DONE && mark->inputs == 0 && !mark->complete)
        status = write_first_manifest(shards);
    return status;
}

static cli_exit open_job(const cli_command *command, const cli_shards_plan *plan, cli_shards *shards)
{
    cli_exit status = lock_folder(command, shards);
    if (status != CLI_DONE)
        return status;
    bool begun = cli_manifest_exists(plan->manifest.folder);
    if (begun && !plan->resume)
        return cli_usage_error(command,
                               "%s: a job was begun in this folder: go on with --resume, or name another with %s",
                               plan->manifest.folder, plan->manifest.option);
    status = begun ? resume(command, shards) : begin(command, shards);
    return status == CLI_DONE ? open_errors(shards) : status;
}

cli_exit cli_shards_open(const cli_command *command, const cli_shards_plan *plan, cli_shards **opened)
{
    cli_shards *shards = cli_allocate(1, sizeof *shards);
    *shards = (cli_shards){.format = plan->format,
                           .vectors = plan->vectors,
                           .manifest = plan->manifest,
                           .lock = -1,
                           .new_folder = plan->new_folder};
    shards->manifest.extension = cli_format_extension(plan->format);
    shards->manifest.shape[0] = plan->vectors.matrix ? plan->vectors.rows : 0;
    shards->manifest.shape[1] = plan->vectors.columns;
    shards->errors_path = cli_join(plan->manifest.folder, ERRORS_NAME);
    vit__sha256_start(&shards->digest);
    cli_exit status = open_job(command, plan, shards);
    if (status != CLI_DONE) {
        cli_shards_close(shards);
        shards = NULL;
    }
    *opened = shards;
    return status;
}

const cli_progress_mark *cli_shards_mark(const cli_shards *shards)
{
    return &shards->manifest.mark;
}

bool cli_shards_skip(cli_shards *shards, cli_walk *walk)
{
    const cli_progress_mark *mark = &shards->manifest.mark;
    char digest[VIT__SHA256_HEX];
    bool same = cli_walk_skip(walk, mark->inputs, &shards->digest);
    vit__sha256_so_far(&shards->digest, digest);
    if (same && strcmp(digest, mark->digest) == 0)
        return true;
    cli_error(
        "%s: cannot go on with this job: the inputs that were done are not the first of those given now; name another "
        "folder with %s",
        shards->manifest.folder, shards->manifest.option);
    return false;
}

/* ------------------------------------------------------------------ writing ---- */

static bool open_part(cli_shards *shards)
{
    char *name = cli_part_name(&shards->manifest, cli_part_count(&shards->manifest));
    cli_text path = {0};
    cli_text_format(&path, "%s%s", name, shards->manifest.extension);
    shards->writer = cli_writer_open_part(shards->format, &shards->vectors, path.data);
    cli_text_free(&path);
    free(name);
    return shards->writer != NULL;
}

static bool sync_errors(cli_shards *shards)
{
    struct stat status;
    int descriptor = fileno(shards->errors);
    if (fflush(shards->errors) != 0 || fsync(descriptor) != 0 || fstat(descriptor, &status) != 0)
        return output_error(shards->errors_path);
    shards->manifest.mark.errors_size = (size_t)status.st_size;
    return true;
}

/* Finishes all inputs since the mark: first their files, and then the mark. */
static bool commit(cli_shards *shards)
{
    cli_progress_mark *mark = &shards->manifest.mark;
    cli_writer *writer = shards->writer;
    shards->writer = NULL;
    if ((writer && !cli_writer_commit(writer, NULL)) || !sync_errors(shards))
        return false;
    mark->rows += shards->rows;
    mark->failed += shards->failed;
    mark->inputs = mark->rows + mark->failed;
    shards->rows = shards->failed = 0;
    vit__sha256_so_far(&shards->digest, mark->digest);
    return cli_manifest_write(&shards->manifest);
}

bool cli_shards_row(cli_shards *shards, const cli_input *input, const float *values)
{
    if (!shards->writer && !open_part(shards))
        return false;
    if (!cli_writer_row(shards->writer, input, values))
        return false;
    cli_digest_input(&shards->digest, input);
    shards->rows++;
    return shards->rows < shards->manifest.shard_size || commit(shards);
}

bool cli_shards_failure(cli_shards *shards, const cli_input *input)
{
    cli_text line = {0};
    cli_json_failure(&line, input);
    bool written = fwrite(line.data, 1, line.size, shards->errors) == line.size || output_error(shards->errors_path);
    cli_text_free(&line);
    cli_digest_input(&shards->digest, input);
    shards->failed++;
    return written;
}

bool cli_shards_flush(cli_shards *shards)
{
    return fflush(shards->errors) == 0 || output_error(shards->errors_path);
}

bool cli_shards_complete(cli_shards *shards)
{
    shards->manifest.mark.complete = true;
    return commit(shards);
}

/* The manifest last: without it the folder would hold files of no job. */
bool cli_shards_withdraw(cli_shards *shards)
{
    static const char *const names[] = {ERRORS_NAME, CLI_MANIFEST_NAME};
    bool done = true;
    cli_interrupt_hold();
    for (size_t i = 0; i < sizeof names / sizeof *names && done; i++)
        done = unlinkat(shards->lock, names[i], 0) == 0 || output_error(shards->manifest.folder);
    if (done && shards->new_folder)
        rmdir(shards->manifest.folder); /* which another program may have put something into */
    cli_interrupt_release();
    return done;
}

void cli_shards_close(cli_shards *shards)
{
    if (!shards)
        return;
    cli_writer_discard(shards->writer);
    if (shards->errors)
        fclose(shards->errors);
    if (shards->lock >= 0)
        close(shards->lock);
    free(shards->errors_path);
    free(shards);
}
