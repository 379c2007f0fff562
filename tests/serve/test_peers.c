/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines of connections whose bodies come slowly, by clocks that are put back. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peers.h"
#include "support.h"

/* A connection of the server's, and the other end, which the client has. */
typedef struct line {
    serve_peer *peer;
    int server, client;
} line;

/* So many seconds ago its body began, of which so much has come. */
static line connect_sender(serve_peers *peers, double seconds, size_t bytes)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    line l = {serve_peers_add(peers, ends[0]), ends[0], ends[1]};
    assert_non_null(l.peer);
    serve_peers_set(peers, l.peer, SERVE_PEER_BODY);
    assert_true(serve_peers_claim(peers, l.peer));
    serve_peers_count(peers, l.peer, bytes);
    l.peer->since -= seconds;
    return l;
}

/* What the client was told before the connection was ended. "": it goes on. */
static const char *told(const line *l)
{
    static char text[512];
    ssize_t size = recv(l->client, text, sizeof text - 1, MSG_DONTWAIT);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

static void disconnect(serve_peers *peers, line *l)
{
    serve_peers_remove(peers, l->peer);
    close(l->server);
    close(l->client);
}

static void a_body_has_its_time(void **state)
{
    (void)state;
    serve_peers peers;
    serve_peers_create(&peers, 10, 10);
    line slow = connect_sender(&peers, SERVE_BODY_SECONDS + 1, 0);
    line new = connect_sender(&peers, SERVE_BODY_SECONDS - 5, 0);
    line steady = connect_sender(&peers, SERVE_BODY_SECONDS + 1, (size_t)SERVE_BODY_RATE * 100);
    serve_peers_reap(&peers);
    assert_true(strncmp(told(&slow), "HTTP/1.1 408 ", 13) == 0);
    assert_string_equal(told(&new), "");
    assert_string_equal(told(&steady), "");
    assert_int_equal(peers.n_cut, 1);
    disconnect(&peers, &slow);
    disconnect(&peers, &new);
    disconnect(&peers, &steady);
    assert_int_equal(peers.n_working, 0);
    serve_peers_destroy(&peers);
}

/* Those that would have had their time are ended sooner where others are refused. Those that are answered never are,
 * nor those whose bytes wait to be read. */
static void a_crowd_waits_for_no_slow_body(void **state)
{
    (void)state;
    serve_peers peers;
    serve_peers_create(&peers, 10, 10);
    line slow = connect_sender(&peers, SERVE_CROWDED_SECONDS + 1, 0);
    line new = connect_sender(&peers, 0, 0);
    line steady = connect_sender(&peers, SERVE_CROWDED_SECONDS + 1, (size_t)SERVE_BODY_RATE * 100);
    line unread = connect_sender(&peers, SERVE_CROWDED_SECONDS + 1, 0);
    assert_int_equal(send(unread.client, "x", 1, 0), 1);
    line busy = connect_sender(&peers, 0, 0), idle = connect_sender(&peers, 0, 0);
    serve_peers_set(&peers, busy.peer, SERVE_PEER_BUSY);
    serve_peers_set(&peers, idle.peer, SERVE_PEER_IDLE);
    busy.peer->since -= 1000;
    idle.peer->since -= 1000;
    serve_peers_hurry(&peers);
    serve_peers_hurry(&peers); /* who is ended is told once */
    assert_true(strncmp(told(&slow), "HTTP/1.1 408 ", 13) == 0);
    assert_string_equal(told(&slow), "");
    line *const others[] = {&new, &steady, &unread, &busy, &idle};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(others[i]->peer->cut);
        assert_string_equal(told(others[i]), "");
        disconnect(&peers, others[i]);
    }
    assert_int_equal(peers.n_cut, 1);
    disconnect(&peers, &slow);
    serve_peers_destroy(&peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_has_its_time),
        cmocka_unit_test(a_crowd_waits_for_no_slow_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
