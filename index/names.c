/* SPDX-License-Identifier: BSD-2-Clause */
#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "memory.h"

static char *taken(vit__buffer *text)
{
    if (vit__buffer_terminate(text))
        return text->data;
    vit__buffer_free(text);
    return NULL;
}

char *vit__plain_path(const char *path)
{
    vit__buffer text = {0};
    const char *at = path;
    if (*at == '/')
        vit__buffer_add_string(&text, "/");
    while (*(at += strspn(at, "/"))) {
        size_t length = strcspn(at, "/");
        if (length != 1 || *at != '.') {
            if (text.size > 0 && text.data[text.size - 1] != '/')
                vit__buffer_add_string(&text, "/");
            vit__buffer_add(&text, at, length);
        }
        at += length;
    }
    if (!text.size)
        vit__buffer_add_string(&text, ".");
    return taken(&text);
}

/* The parts of a path behind those that are there already. */
static void append(vit__buffer *text, const char *path)
{
    while (*(path += strspn(path, "/"))) {
        size_t length = strcspn(path, "/");
        bool up = length == 2 && memcmp(path, "..", 2) == 0, stay = length == 1 && *path == '.';
        if (up)
            while (text->size > 0 && text->data[--text->size] != '/')
                ;
        if (!up && !stay) {
            vit__buffer_add_string(text, "/");
            vit__buffer_add(text, path, length);
        }
        path += length;
    }
}

static char *absolute(const char *folder, const char *path)
{
    vit__buffer text = {0};
    if (*path != '/' && folder)
        append(&text, folder);
    append(&text, path);
    if (text.size == 0)
        vit__buffer_add_string(&text, "/");
    return taken(&text);
}

bool vit__is_at_home(const vit_index *index)
{
    const char *home = index->pin.folder;
    return !home || !index->here || strcmp(home, index->here) == 0;
}

static const char *home_of(const vit_index *index)
{
    return index->pin.folder ? index->pin.folder : index->here;
}

char *vit__absolute_name(const vit_index *index, const char *name)
{
    return absolute(home_of(index), name);
}

char *vit__absolute_path(const vit_index *index, const char *path)
{
    return absolute(index->here, path);
}

/* What stands behind the folder and a slash; NULL: it is not below the folder. */
static const char *below(const char *path, const char *folder)
{
    size_t length = folder ? strlen(folder) : 0;
    if (length == 1) /* the root */
        return path[0] == '/' && path[1] ? path + 1 : NULL;
    return length > 0 && strncmp(path, folder, length) == 0 && path[length] == '/' ? path + length + 1 : NULL;
}

char *vit__name_of(const vit_index *index, const char *plain)
{
    if (*plain == '/' || vit__is_at_home(index))
        return vit__strdup(plain);
    char *whole = vit__absolute_path(index, plain);
    const char *rest = whole ? below(whole, index->pin.folder) : NULL;
    if (!rest)
        return whole;
    char *name = vit__strdup(rest);
    free(whole);
    return name;
}

char *vit__other_name(const vit_index *index, const char *name)
{
    const char *rest = *name == '/' ? below(name, home_of(index)) : NULL;
    if (*name == '/')
        return vit__strdup(rest ? rest : name);
    return vit__absolute_name(index, name);
}

char *vit__file_of(const vit_index *index, const char *name)
{
    return *name == '/' || vit__is_at_home(index) ? vit__strdup(name) : vit__absolute_name(index, name);
}
