/* SPDX-License-Identifier: BSD-2-Clause */
/* libmicrohttpd, loaded when a server starts. Linked as usual, it and GnuTLS behind it would cost every run of vit. */
#ifndef SERVE_MHD_H
#define SERVE_MHD_H

#include <microhttpd.h>
#include <stdbool.h>

/* What is used of it. */
/* clang-format off */
#define SERVE_MHD_FUNCTIONS(F) \
    F(MHD_add_response_header) F(MHD_create_response_from_buffer) F(MHD_destroy_response) F(MHD_get_connection_info) \
    F(MHD_get_connection_values) F(MHD_get_daemon_info) F(MHD_get_reason_phrase_for) F(MHD_queue_response) \
    F(MHD_quiesce_daemon) F(MHD_resume_connection) F(MHD_set_connection_option) F(MHD_set_panic_func) \
    F(MHD_start_daemon) F(MHD_stop_daemon) F(MHD_suspend_connection)
/* clang-format on */

typedef struct serve_mhd_table {
#define SERVE_MHD_MEMBER(name) __typeof__(&name) name;
    SERVE_MHD_FUNCTIONS(SERVE_MHD_MEMBER)
#undef SERVE_MHD_MEMBER
} serve_mhd_table;

extern serve_mhd_table serve_mhd; /* empty until serve_mhd_load */

/* Fills the table, once. NULL, or why the library cannot be had: static storage. */
const char *serve_mhd_load(void);

#endif
