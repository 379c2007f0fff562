/* SPDX-License-Identifier: BSD-2-Clause */
/* libarchive, loaded when a tar file is opened: it and the libraries behind it
 * (XML, Unicode, five compressions) would take half of what vit needs to start. */
#ifndef CLI_LIBARCHIVE_H
#define CLI_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

/* The functions of libarchive that are called. */
/* clang-format off */
#define CLI_LIBARCHIVE_FUNCTIONS(F) \
    F(archive_entry_filetype) F(archive_entry_hardlink) F(archive_entry_pathname) F(archive_entry_size) \
    F(archive_entry_size_is_set) F(archive_errno) F(archive_error_string) F(archive_filter_bytes) F(archive_read_data) \
    F(archive_read_free) F(archive_read_header_position) F(archive_read_new) F(archive_read_next_header) \
    F(archive_read_open_fd) F(archive_read_open_filename) F(archive_read_open_memory) \
    F(archive_read_support_filter_bzip2) F(archive_read_support_filter_gzip) \
    F(archive_read_support_filter_zstd) F(archive_read_support_format_tar)
/* clang-format on */

typedef struct cli_libarchive_table {
#define CLI_LIBARCHIVE_MEMBER(name) __typeof__(&name) name;
    CLI_LIBARCHIVE_FUNCTIONS(CLI_LIBARCHIVE_MEMBER)
#undef CLI_LIBARCHIVE_MEMBER
} cli_libarchive_table;

extern cli_libarchive_table cli_libarchive; /* empty until cli_libarchive_load */

/* Fills the table. Answers NULL, or why the library cannot be loaded. Any thread may call it. */
const char *cli_libarchive_load(void);

#endif
