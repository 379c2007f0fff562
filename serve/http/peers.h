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
#define SERVE_CROWDED_SECONDS 3.0 /* in place of SERVE_BODY_SECONDS while others are refused for load */
#define SERVE_IDLE_SECONDS 75
#define SERVE_REFUSED_SECONDS 10.0
#define SERVE_NEW_SECONDS 0.5  /* in which a connection is not ended for being idle, however many there are */
#define SERVE_WRITE_SECONDS 60 /* in which nothing could be written: the library's own timeout */

typedef enum serve_peer_state {
    SERVE_PEER_IDLE,   /* between requests, or its header comes */
    SERVE_PEER_BODY,   /* the body comes */
    SERVE_PEER_BUSY,   /* the request is answered */
    SERVE_PEER_REFUSED /* the answer was no and is sent, while the body comes and is thrown away */
} serve_peer_state;

typedef struct serve_peer serve_peer;
struct serve_peer {
    int fd;
    serve_peer_state state;
    double since;        /* when the state began */
    double header_since; /* first byte of a header; 0: none has come */
    uint64_t bytes;      /* that had come when the connection fell idle, or of the body */
    bool cut;            /* it has been shut down, and will be removed */
    bool works;          /* it has one of the places of serve_peers.most_working */
    serve_peer *before, *after;
};

typedef struct serve_peers {
    pthread_mutex_t lock;
    serve_peer *first;
    size_t n, n_working;
    size_t n_ending;     /* of n, those that are cut and not gone yet */
    size_t n_cut;        /* that were too slow, since the start */
    size_t most;         /* connections; past it those that are idle have to go */
    size_t most_working; /* requests with a body that are in work */
} serve_peers;

void serve_peers_create(serve_peers *peers, size_t most, size_t most_working);
void serve_peers_destroy(serve_peers *peers);
/* Where the connections are more than `most`, the one that has waited longest for nothing is ended.
 * NULL: out of memory. */
serve_peer *serve_peers_add(serve_peers *peers, int fd);
void serve_peers_remove(serve_peers *peers, serve_peer *peer);
void serve_peers_set(serve_peers *peers, serve_peer *peer, serve_peer_state state);
/* A place for a request with a body, until the connection is idle again or refused. false: all are taken. */
bool serve_peers_claim(serve_peers *peers, serve_peer *peer);
void serve_peers_count(serve_peers *peers, serve_peer *peer, size_t bytes); /* of its body */
/* Ends the connections that are past a deadline; one whose body is late is told 408. Where there are
 * more connections than `most`, ends idle ones, too. */
void serve_peers_reap(serve_peers *peers);
/* A request had to be refused because places or memory are taken: whoever holds some of these and sends its body slower
 * than SERVE_CROWDED_SECONDS and SERVE_BODY_RATE allow is told 408 and ended. */
void serve_peers_hurry(serve_peers *peers);

#endif
