/* SPDX-License-Identifier: BSD-2-Clause */
#include "shipped.h"

#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

/* The folder of the executable; NULL if the system does not say. Without /proc (a bare chroot) it is the
 * path that the program was started by, seen from the folder where it was. */
static char *executable_folder(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length > 0 && (size_t)length < sizeof path - 1) {
        path[length] = '\0';
        return cli_folder_of(path);
    }
    const char *started = (const char *)getauxval(AT_EXECFN);
    char *resolved = started ? cli_real_path(started) : NULL;
    char *folder = resolved ? cli_folder_of(resolved) : NULL;
    free(resolved);
    return folder;
}

char *cli_shipped(const char *path)
{
    char *folder = executable_folder();
    if (!folder)
        return NULL;
    char *joined = cli_join(folder, path);
    free(folder);
    char *resolved = cli_real_path(joined); /* NULL also where there is none */
    free(joined);
    return resolved;
}

void cli_shipped_documentation(cli_text *text)
{
    char *folder = cli_shipped(CLI_DOCUMENTATION_FROM_EXECUTABLE);
    cli_text_string(text, "\nDocumentation: man vit");
    if (folder)
        cli_text_format(text, "; README.md, docs/search.md, docs/models.md and others in %s", folder);
    cli_text_string(text, "\n");
    free(folder);
}
