/* SPDX-License-Identifier: BSD-2-Clause */
#include "expand.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "memory.h"

#define ENTRY_BYTES 16384 /* of an entry of the system's list of users */

/* *folder = the home of the user of this name (NULL: of the user who runs the process), or NULL. false: no memory. */
static bool folder_of_user(const char *name, char **folder)
{
    struct passwd entry, *found = NULL;
    char *bytes = vit__alloc(ENTRY_BYTES, 1);
    *folder = NULL;
    if (!bytes)
        return false;
    int failed = name ? getpwnam_r(name, &entry, bytes, ENTRY_BYTES, &found)
                      : getpwuid_r(getuid(), &entry, bytes, ENTRY_BYTES, &found);
    bool known = !failed && found && found->pw_dir && *found->pw_dir;
    if (known)
        *folder = vit__strdup(found->pw_dir);
    free(bytes);
    return known ? *folder != NULL : failed != ENOMEM;
}

bool vit__home_folder(char **folder)
{
    const char *home = getenv("HOME");
    if (!home || !*home)
        return folder_of_user(NULL, folder);
    *folder = vit__strdup(home);
    return *folder != NULL;
}

/* folder = what "~" or "~user" at the start of the path stands for; NULL: it stays as it is. *rest = what stands
 * behind it. false: out of memory. */
static bool folder_of_tilde(const char *path, const char **rest, char **folder)
{
    size_t length = strcspn(path, "/");
    *rest = path + length;
    *folder = NULL;
    if (length == 1)
        return vit__home_folder(folder);
    char *name = vit__strdup(path + 1);
    if (!name)
        return false;
    name[length - 1] = 0;
    bool done = folder_of_user(name, folder);
    free(name);
    return done;
}

static void add_user(vit__buffer *out, const char **path)
{
    const char *rest;
    char *folder;
    if (**path != '~')
        return;
    out->failed = !folder_of_tilde(*path, &rest, &folder);
    if (!folder)
        return;
    size_t length = strlen(folder);
    while (length > 0 && folder[length - 1] == '/')
        length--;
    vit__buffer_add(out, folder, length);
    if (length == 0 && !*rest)
        vit__buffer_add_string(out, "/");
    *path = rest;
    free(folder);
}

static bool is_of_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The text behind a '$' names a variable, as "NAME" or "{NAME}". Answers how long that is; 0: it names none. */
static size_t name_of_variable(const char *text, const char **name, size_t *length)
{
    const bool braces = *text == '{';
    *name = text + braces;
    *length = 0;
    while (braces ? (*name)[*length] && (*name)[*length] != '}' : is_of_name((*name)[*length]))
        (*length)++;
    if (braces && !(*name)[*length])
        return 0;
    return *length + (braces ? 2 : 0);
}

/* Adds the value of the variable that `text`, behind a '$', names; answers how much of the text that took. */
static size_t add_variable(vit__buffer *out, const char *text)
{
    const char *name;
    size_t length, size = name_of_variable(text, &name, &length);
    char *copy = vit__strdup(name);
    if (!copy) {
        out->failed = true;
        return 0;
    }
    copy[length] = 0;
    const char *value = size > 0 && length > 0 ? getenv(copy) : NULL;
    free(copy);
    vit__buffer_add_string(out, value ? value : "$");
    return value ? size : 0;
}

/* '$' in the text is looked at once: the value of a variable may hold a '$', which stays. */
static void add_variables(vit__buffer *out, const char *text)
{
    while (*text) {
        size_t plain = strcspn(text, "$");
        vit__buffer_add(out, text, plain);
        text += plain;
        if (*text == '$')
            text += 1 + add_variable(out, text + 1);
    }
}

char *vit__path_expand(const char *path)
{
    vit__buffer user = {0}, out = {0};
    add_user(&user, &path);
    vit__buffer_add_string(&user, path);
    if (vit__buffer_terminate(&user))
        add_variables(&out, user.data);
    const bool done = !user.failed && vit__buffer_terminate(&out);
    vit__buffer_free(&user);
    if (done)
        return out.data;
    vit__buffer_free(&out);
    return NULL;
}
