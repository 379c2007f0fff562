/* SPDX-License-Identifier: BSD-2-Clause */
#include "peers.h"

#include <netinet/in.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "clock.h"
#include "memory.h"

/* Bytes that have come over a TCP connection since it was made. 0: the system does not tell (unix sockets). */
static uint64_t received(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    bool told = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
                size >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received;
    return told ? info.tcpi_bytes_received : 0;
}

void serve_peers_create(serve_peers *peers, size_t most, size_t most_working)
{
    *peers = (serve_peers){.most = most, .most_working = most_working};
    pthread_mutex_init(&peers->lock, NULL);
}

void serve_peers_destroy(serve_peers *peers)
{
    pthread_mutex_destroy(&peers->lock);
}

static void cut(serve_peers *peers, serve_peer *peer)
{
    shutdown(peer->fd, SHUT_RDWR);
    peer->cut = true;
    peers->n_ending++;
}

/* The one that has waited longest without being served, and not just begun. NULL: there is none. */
static serve_peer *find_idle(const serve_peers *peers, double time)
{
    serve_peer *longest = NULL;
    for (serve_peer *peer = peers->first; peer; peer = peer->after) {
        bool idle = peer->state == SERVE_PEER_IDLE || peer->state == SERVE_PEER_REFUSED;
        if (idle && !peer->cut && time - peer->since > SERVE_NEW_SECONDS && (!longest || peer->since < longest->since))
            longest = peer;
    }
    return longest;
}

/* Clients open a connection again that ended between two requests, so that nobody loses an answer. */
static void make_room(serve_peers *peers, double time)
{
    serve_peer *idle;
    while (peers->n - peers->n_ending > peers->most && (idle = find_idle(peers, time)))
        cut(peers, idle);
}

serve_peer *serve_peers_add(serve_peers *peers, int fd)
{
    serve_peer *peer = vit__alloc_zero(1, sizeof *peer);
    if (!peer)
        return NULL;
    *peer = (serve_peer){.fd = fd, .since = vit__seconds()};
    pthread_mutex_lock(&peers->lock);
    peer->after = peers->first;
    if (peers->first)
        peers->first->before = peer;
    peers->first = peer;
    peers->n++;
    make_room(peers, peer->since);
    pthread_mutex_unlock(&peers->lock);
    return peer;
}

void serve_peers_remove(serve_peers *peers, serve_peer *peer)
{
    if (!peer)
        return;
    pthread_mutex_lock(&peers->lock);
    *(peer->before ? &peer->before->after : &peers->first) = peer->after;
    if (peer->after)
        peer->after->before = peer->before;
    peers->n--;
    peers->n_ending -= peer->cut;
    peers->n_working -= peer->works;
    pthread_mutex_unlock(&peers->lock);
    free(peer);
}

void serve_peers_set(serve_peers *peers, serve_peer *peer, serve_peer_state state)
{
    if (!peer)
        return;
    pthread_mutex_lock(&peers->lock);
    peer->state = state;
    peer->since = vit__seconds();
    peer->header_since = 0;
    peer->bytes = state == SERVE_PEER_IDLE ? received(peer->fd) : 0;
    if (peer->works && (state == SERVE_PEER_IDLE || state == SERVE_PEER_REFUSED)) {
        peer->works = false;
        peers->n_working--;
    }
    pthread_mutex_unlock(&peers->lock);
}

bool serve_peers_claim(serve_peers *peers, serve_peer *peer)
{
    if (!peer)
        return false;
    pthread_mutex_lock(&peers->lock);
    peer->works = peers->n_working < peers->most_working;
    peers->n_working += peer->works;
    bool works = peer->works;
    pthread_mutex_unlock(&peers->lock);
    return works;
}

void serve_peers_count(serve_peers *peers, serve_peer *peer, size_t bytes)
{
    if (!peer)
        return;
    pthread_mutex_lock(&peers->lock);
    peer->bytes += bytes;
    pthread_mutex_unlock(&peers->lock);
}

/* A body may take this long: so many seconds, and more for what has come of it. */
static bool is_slow(const serve_peer *peer, double time, double seconds)
{
    return peer->state == SERVE_PEER_BODY && time - peer->since > seconds + (double)peer->bytes / SERVE_BODY_RATE;
}

/* Bytes have come that the library has not read yet: then the server is late, and not the client. */
static bool is_unread(const serve_peer *peer)
{
    char byte;
    return recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static bool is_late(serve_peer *peer, double time)
{
    switch (peer->state) {
    case SERVE_PEER_IDLE:
        if (peer->header_since == 0 && received(peer->fd) > peer->bytes)
            peer->header_since = time;
        if (peer->header_since > 0)
            return time - peer->header_since > SERVE_HEADER_SECONDS;
        return time - peer->since > SERVE_IDLE_SECONDS;
    case SERVE_PEER_BODY:
        return is_slow(peer, time, SERVE_BODY_SECONDS);
    case SERVE_PEER_REFUSED:
        return time - peer->since > SERVE_REFUSED_SECONDS;
    case SERVE_PEER_BUSY:
        break;
    }
    return false;
}

/* The library has written nothing for this request yet, so that an answer by hand is the only one. */
static void tell(const serve_peer *peer)
{
    static const char late[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/json\r\n"
                               "Content-Length: 68\r\n\r\n"
                               "{\"error\":\"the body came too slowly\",\"error_type\":\"request_timeout\"}\n";
    if (peer->state == SERVE_PEER_BODY)
        (void)!send(peer->fd, late, sizeof late - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void cut_late(serve_peers *peers, serve_peer *peer)
{
    tell(peer);
    cut(peers, peer);
    peers->n_cut++;
}

void serve_peers_reap(serve_peers *peers)
{
    double time = vit__seconds();
    pthread_mutex_lock(&peers->lock);
    for (serve_peer *peer = peers->first; peer; peer = peer->after)
        if (!peer->cut && is_late(peer, time))
            cut_late(peers, peer);
    make_room(peers, time);
    pthread_mutex_unlock(&peers->lock);
}

void serve_peers_hurry(serve_peers *peers)
{
    double time = vit__seconds();
    pthread_mutex_lock(&peers->lock);
    for (serve_peer *peer = peers->first; peer; peer = peer->after)
        if (!peer->cut && is_slow(peer, time, SERVE_CROWDED_SECONDS) && !is_unread(peer))
            cut_late(peers, peer);
    pthread_mutex_unlock(&peers->lock);
}
