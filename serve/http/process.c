/* SPDX-License-Identifier: BSD-2-Clause */
#include "process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

double serve_process_seconds(void)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

double serve_process_memory(void)
{
    unsigned long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%lu %lu", &size, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

size_t serve_process_files(void)
{
    size_t entries = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        entries++;
    if (folder)
        closedir(folder);
    return entries > 3 ? entries - 3 : 0; /* ".", "..", the folder itself */
}

size_t serve_process_most_files(void)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    return (size_t)limit.rlim_cur;
}

size_t serve_process_reserve_files(size_t wanted)
{
    struct rlimit limit = {0};
    size_t open = serve_process_files();
    rlim_t needed = (rlim_t)(open + wanted);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    size_t most = serve_process_most_files(), left = most > open ? most - open : 0;
    return left < wanted ? left : wanted;
}
