/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets to listen on. */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "vit/error.h"

typedef struct serve_socket {
    int fd;
    bool local;      /* loopback, or a unix socket */
    char where[160]; /* "http://127.0.0.1:8080", "unix:/run/vit.sock" */
    char path[108];  /* of a unix socket that was made here, to be removed; "" */
} serve_socket;

/* "HOST:PORT", "[ADDRESS]:PORT", "unix:PATH" (mode 0660). Port 0: any. A unix socket that nobody listens on any more is
 * replaced. VIT_ERR_INVALID_ARGUMENT: this is no address. VIT_ERR_UNWRITABLE: it cannot be listened on. */
vit_status serve_listen(const char *address, serve_socket *socket, vit_error *err);
void serve_listen_close(serve_socket *socket); /* removes a unix socket; the descriptor is the server's */

/* Sockets that systemd passes (sd_listen_fds(3)): how many there are from descriptor 3 on. */
size_t serve_listen_passed(void);
void serve_listen_adopt(int fd, serve_socket *socket);

/* Does the address mean this machine alone? For messages before anything is opened. */
bool serve_listen_is_local(const char *address);

#endif
