/* SPDX-License-Identifier: BSD-2-Clause */
#include "altered.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

contents contents_read(const char *case_path, const char *name)
{
    vit_error err = {0};
    void *bytes;
    contents c;
    assert_ok(vit_file_read(data_path("%s/%s", case_path, name), 0, &bytes, &c.size, &err), err);
    c.bytes = realloc(bytes, c.size + 1);
    assert_non_null(c.bytes);
    c.bytes[c.size] = '\0';
    return c;
}

void contents_free(contents *c)
{
    free(c->bytes);
}

char *altered_make(const char *case_path, const char *name)
{
    char *folder = folder_make();
    DIR *directory = opendir(data_path("%s", case_path));
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, name) != 0)
            assert_int_equal(symlink(data_path("%s/%s", case_path, entry->d_name), in_folder(folder, entry->d_name)),
                             0);
    closedir(directory);
    return folder;
}

static const char *first_there(const char *case_path, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (access(data_path("%s/%s", case_path, names[i]), R_OK) == 0)
            return names[i];
    return NULL;
}

const char *config_name(const char *case_path)
{
    static const char *const names[] = {"config.json", "open_clip_config.json"};
    return first_there(case_path, names, 2);
}

const char *weights_name(const char *case_path)
{
    static const char *const names[] = {"open_clip_model.safetensors", "model.safetensors"};
    return first_there(case_path, names, 2);
}
