/* SPDX-License-Identifier: BSD-2-Clause */
#include "around.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

/* What the folder has instead of weights, in the order of how much it helps. */
typedef enum finding {
    FOUND_DEAD_LINK,
    FOUND_FILE,       /* weights under another name */
    FOUND_CHECKPOINT, /* the last of a training run */
    FOUND_SNAPSHOT,
    FOUND_FOLDER, /* below this one, with weights */
    FOUND_ADAPTER,
    FOUND_OTHER, /* weights in a format that is not read */
    FINDINGS
} finding;

static const struct {
    const char *before, *after;
} sentences[FINDINGS] = {
    [FOUND_DEAD_LINK] = {"", " is a link to a file that is not there: fetch the checkpoint again"},
    [FOUND_FILE] = {"", " is there: name that file instead of the folder"},
    [FOUND_CHECKPOINT] = {"", " has weights: name that folder"},
    [FOUND_SNAPSHOT] = {"the folder is a repository of the hub's cache; its files are in ", ": name that folder"},
    [FOUND_FOLDER] = {"", " has weights: name that folder"},
    [FOUND_ADAPTER] = {"", " is an adapter (PEFT), which changes another model: merge it into that model "
                           "(merge_and_unload, save_pretrained) and name the result"},
    [FOUND_OTHER] = {"", " is in a format that is not read: save the model as safetensors (save_pretrained)"},
};

typedef struct search {
    const char *folder;
    char found[FINDINGS][PATH_SIZE]; /* a path each; "" : none */
    long step;                       /* of the checkpoint */
} search;

static bool ends(const char *name, const char *end)
{
    size_t size = strlen(name), length = strlen(end);
    return size > length && strcmp(name + size - length, end) == 0;
}

static void keep(search *s, finding what, const char *path)
{
    if (!*s->found[what] ||
        strcmp(path, s->found[what]) < 0) /* the first by name, whatever order the folder is read in */
        snprintf(s->found[what], PATH_SIZE, "%s", path);
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Does the folder itself have weights under any name that is read? */
static bool has_weights(const char *folder)
{
    DIR *directory = opendir(folder);
    bool found = false;
    for (const struct dirent *e; directory && !found && (e = readdir(directory)) != NULL;)
        found = (ends(e->d_name, ".safetensors") && strncmp(e->d_name, "adapter_", 8) != 0) ||
                strcmp(e->d_name, "pytorch_model.bin") == 0 || ends(e->d_name, ".safetensors.index.json");
    if (directory)
        closedir(directory);
    return found;
}

static void look_at_folder(search *s, const char *name, const char *path)
{
    char *end;
    long step = strncmp(name, "checkpoint-", 11) == 0 ? strtol(name + 11, &end, 10) : 0;
    if (!has_weights(path))
        return;
    if (step > 0 && *end == '\0') {
        if (step > s->step)
            snprintf(s->found[FOUND_CHECKPOINT], PATH_SIZE, "%s", path);
        s->step = step > s->step ? step : s->step;
    } else {
        keep(s, FOUND_FOLDER, path);
    }
}

static void look_at(search *s, const char *name)
{
    static const char *const others[] = {".h5", ".msgpack", ".onnx", ".gguf", ".ckpt", ".pth", ".pt", ".bin", ".npz"};
    char path[PATH_SIZE];
    if (name[0] == '.' || (size_t)snprintf(path, sizeof path, "%s/%s", s->folder, name) >= sizeof path)
        return;
    if (is_folder(path))
        look_at_folder(s, name, path);
    else if (strncmp(name, "adapter_model.", 14) == 0 || strcmp(name, "adapter_config.json") == 0)
        keep(s, FOUND_ADAPTER, path);
    else if (ends(name, ".safetensors"))
        keep(s, FOUND_FILE, path);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (ends(name, others[i]) && !is_folder(path) && strcmp(name, "training_args.bin") != 0 &&
            strncmp(name, "adapter_", 8) != 0)
            keep(s, FOUND_OTHER, path);
}

static void look_at_links(search *s, const char *const *names, size_t n)
{
    char path[PATH_SIZE];
    struct stat status;
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", s->folder, names[i]);
        if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode) && stat(path, &status) != 0)
            keep(s, FOUND_DEAD_LINK, path);
    }
}

/* models--ORG--NAME of the cache: the snapshot that refs/main names, or the only one. */
static void look_at_snapshots(search *s)
{
    char path[PATH_SIZE], revision[64] = "";
    snprintf(path, sizeof path, "%s/refs/main", s->folder);
    FILE *file = fopen(path, "re");
    if (file && !fgets(revision, sizeof revision, file))
        revision[0] = '\0';
    if (file)
        fclose(file);
    revision[strspn(revision, "0123456789abcdef")] = '\0';
    snprintf(path, sizeof path, "%s/snapshots", s->folder);
    DIR *directory = opendir(path);
    for (const struct dirent *e; directory && (e = readdir(directory)) != NULL;)
        if (e->d_name[0] != '.' && (!*revision || strcmp(e->d_name, revision) == 0) &&
            (size_t)snprintf(path, sizeof path, "%s/snapshots/%s", s->folder, e->d_name) < sizeof path)
            keep(s, FOUND_SNAPSHOT, path);
    if (directory)
        closedir(directory);
}

void vit__look_around(const char *folder, const char *const *names, size_t n, char *sentence, size_t size)
{
    search *s = calloc(1, sizeof *s);
    DIR *directory = s ? opendir(folder) : NULL;
    *sentence = '\0';
    if (!directory) {
        free(s);
        return;
    }
    s->folder = folder;
    for (const struct dirent *e; (e = readdir(directory)) != NULL;)
        look_at(s, e->d_name);
    closedir(directory);
    look_at_links(s, names, n);
    look_at_snapshots(s);
    for (int i = 0; i < FINDINGS && !*sentence; i++)
        if (*s->found[i])
            snprintf(sentence, size, "; %s%s%s", sentences[i].before, s->found[i], sentences[i].after);
    free(s);
}
