/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections of a server and their deadlines. libmicrohttpd's own timeout counts silence: a client that sends
 * a byte every second would hold a connection for ever. Here a header, a body and a pause have a time in all.
 */
#ifndef SERVE_PEERS_H
#define SERVE_PEERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVE_HEADER_SECONDS 10.0
#define SERVE_BODY_SECONDS 10.0 /* and a second for each SERVE_BODY_RATE bytes that came */
#define SERVE_BODY_RATE 16384.0
#define SERVE_IDLE_SECONDS 75
#define SERVE_WRITE_SECONDS 60 /* in which nothing could be written: the library's own timeout */

typedef enum serve_peer_state { SERVE_PEER_IDLE, SERVE_PEER_BODY, SERVE_PEER_BUSY } serve_peer_state;

typedef struct serve_peer serve_peer;
struct serve_peer {
    int fd;
    serve_peer_state state;
    double since;        /* when the state began */
    double header_since; /* first byte of a header; 0: none has come */
    uint64_t bytes;      /* that had come when the connection fell idle, or of the body */
    bool cut;
    serve_peer *before, *after;
};

typedef struct serve_peers {
    pthread_mutex_t lock;
    serve_peer *first;
    size_t n, n_cut;
} serve_peers;

void serve_peers_create(serve_peers *peers);
void serve_peers_destroy(serve_peers *peers);
serve_peer *serve_peers_add(serve_peers *peers, int fd); /* NULL: out of memory */
void serve_peers_remove(serve_peers *peers, serve_peer *peer);
void serve_peers_set(serve_peers *peers, serve_peer *peer, serve_peer_state state);
void serve_peers_count(serve_peers *peers, serve_peer *peer, size_t bytes); /* of its body */
/* Ends the connections that are past a deadline; one whose body is late is told 408. */
void serve_peers_reap(serve_peers *peers);

#endif
