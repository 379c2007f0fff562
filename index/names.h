/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What files are called in an index. A relative path begins in the folder in which the
 * index was made, whatever folder the process of today is in. Of an index made in /photos:
 *
 *     in the folder   a path        is in the index as    and is opened as
 *     /photos         a.jpg         a.jpg                 a.jpg
 *     /photos/sub     b.jpg         sub/b.jpg             /photos/sub/b.jpg
 *     /other          a.jpg         /other/a.jpg          /other/a.jpg
 */
#ifndef VIT_NAMES_H
#define VIT_NAMES_H

#include "store.h"

/* Without "./" and doubled slashes, so that a file has one name however its folder was
 * written. All of these are freed with free(), and are NULL when out of memory. */
char *vit__plain_path(const char *path);

/* The name of a plain path in the index. */
char *vit__name_of(const vit_index *index, const char *plain);
/* The other name that the same file may have: the absolute one of a relative one, or
 * the relative one of an absolute one; a copy of the name where there is no other. */
char *vit__other_name(const vit_index *index, const char *name);
/* The path under which the file of a name can be opened now. */
char *vit__file_of(const vit_index *index, const char *name);
/* An absolute path without "." and "..", as they are written: of a name, or of a path of today. */
char *vit__absolute_name(const vit_index *index, const char *name);
char *vit__absolute_path(const vit_index *index, const char *path);

/* Are relative names those of the process's own folder? */
bool vit__is_at_home(const vit_index *index);

#endif
