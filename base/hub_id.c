/* SPDX-License-Identifier: BSD-2-Clause */
#include "hub_id.h"

#include <ctype.h>
#include <string.h>

#include "limit.h"
#include "path.h"

/* Length of the part of an id at the start of the text; 0: it is none. */
static size_t part_length(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || (text[length] && strchr("-_.", text[length]))) {
        if (length > 0 && strchr("-.", text[length]) && text[length] == text[length - 1])
            return 0;
        length++;
    }
    return *text == '.' || length > VIT__LIMIT_HUB_NAME ? 0 : length;
}

/* Length of the id at the start of the text; 0: it is none. */
static size_t id_length(const char *text)
{
    size_t organisation = part_length(text);
    if (organisation == 0 || text[organisation] != '/')
        return 0;
    size_t name = part_length(text + organisation + 1), length = organisation + 1 + name;
    bool git = name >= 4 && memcmp(text + length - 4, ".git", 4) == 0;
    return name == 0 || git ? 0 : length;
}

/* As git-check-ref-format(1) has it, and no longer than a file's name may be. */
static bool is_part_of_revision(const char *text, size_t length)
{
    char part[VIT__LIMIT_HUB_REVISION + 1];
    memcpy(part, text, length);
    part[length] = 0;
    return vit__path_is_plain_name(part) && *part != '.' && !strstr(part, "..") && !strpbrk(part, " ~^:?*[");
}

bool vit__hub_is_revision(const char *text)
{
    if (!*text || strlen(text) > VIT__LIMIT_HUB_REVISION)
        return false;
    for (;;) {
        size_t length = strcspn(text, "/");
        if (!is_part_of_revision(text, length))
            return false;
        if (!text[length])
            return true;
        text += length + 1;
    }
}

/* What timm and open_clip write before an id: skipped. */
static const char *after_prefix(const char *text)
{
    static const char *const prefixes[] = {"hf-hub:", "hf_hub:"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
            return text + strlen(prefixes[i]);
    return text;
}

bool vit__hub_name_read(const char *text, vit__hub_name *name)
{
    *name = (vit__hub_name){0};
    text = after_prefix(text);
    size_t length = id_length(text);
    if (length == 0 || (text[length] && text[length] != '@'))
        return false;
    memcpy(name->id, text, length);
    if (!text[length])
        return true;
    if (!vit__hub_is_revision(text + length + 1))
        return false;
    strcpy(name->revision, text + length + 1);
    return true;
}

bool vit__is_hex(const char *text, size_t digits)
{
    return strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}
