/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "error.h"

#define BACKLOG 512
#define FIRST_PASSED 3 /* SD_LISTEN_FDS_START */

static vit_status fail(const char *address, const char *what, int number, vit_error *err)
{
    char text[128];
    return vit__fail(err, VIT_ERR_UNWRITABLE, address, "%s: %s", what, strerror_r(number, text, sizeof text));
}

/* "127.0.0.1:8080" into its parts. */
static bool split(const char *address, char *host, size_t host_room, char *port, size_t port_room)
{
    const char *colon = strrchr(address, ':'), *start = address;
    size_t size = colon ? (size_t)(colon - address) : 0;
    if (size > 1 && *address == '[' && address[size - 1] == ']') {
        start++;
        size -= 2;
    } else if (colon && memchr(address, ':', size)) {
        return false; /* an address of version 6 without brackets */
    }
    if (!colon || size == 0 || size >= host_room || strlen(colon + 1) >= port_room ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) || !colon[1] || atol(colon + 1) > 65535)
        return false;
    memcpy(host, start, size);
    host[size] = '\0';
    snprintf(port, port_room, "%s", colon + 1);
    return true;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_UNIX)
        return true;
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return memcmp(six, &in6addr_loopback, sizeof *six) == 0;
}

/* How people and clients call the socket. */
static void describe(serve_socket *s)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[64] = "", port[16] = "";
    getsockname(s->fd, (struct sockaddr *)(void *)&address, &size);
    s->local = is_loopback((struct sockaddr *)(void *)&address);
    if (address.ss_family == AF_UNIX) {
        const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)&address;
        snprintf(s->where, sizeof s->where, "unix:%.107s", un->sun_path);
        return;
    }
    getnameinfo((struct sockaddr *)(void *)&address, size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(s->where, sizeof s->where, address.ss_family == AF_INET6 ? "http://[%s]:%s" : "http://%s:%s", host, port);
}

static vit_status listen_tcp(const char *address, serve_socket *s, vit_error *err)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    const int on = 1;
    if (!split(address, host, sizeof host, port, sizeof port))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, address, "HOST:PORT, [ADDRESS]:PORT or unix:PATH is wanted");
    int why = getaddrinfo(host, port, &hints, &found);
    if (why)
        return vit__fail(err, VIT_ERR_UNWRITABLE, address, "%s", gai_strerror(why));
    s->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd >= 0)
        setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool bound = s->fd >= 0 && bind(s->fd, found->ai_addr, found->ai_addrlen) == 0 && listen(s->fd, BACKLOG) == 0;
    int error = errno;
    freeaddrinfo(found);
    return bound ? VIT_OK : fail(address, "cannot listen", error, err);
}

/* Does anybody answer there? */
static bool is_live(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool live = fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)address, sizeof *address) == 0;
    if (fd >= 0)
        close(fd);
    return live;
}

static vit_status listen_unix(const char *address, serve_socket *s, vit_error *err)
{
    const char *path = address + strlen("unix:");
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct stat info;
    if (!*path || strlen(path) >= sizeof un.sun_path)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, address, "a path of 1 to %zu bytes is wanted",
                         sizeof un.sun_path - 1);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode) && !is_live(&un))
        unlink(path);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0117); /* 0660 from the first moment */
    bool bound = s->fd >= 0 && bind(s->fd, (struct sockaddr *)(void *)&un, sizeof un) == 0;
    int error = errno;
    umask(before);
    if (!bound)
        return fail(address,
                    error == EADDRINUSE ? "another server listens there, or a file is in the way" : "cannot listen",
                    error, err);
    snprintf(s->path, sizeof s->path, "%s", path);
    return listen(s->fd, BACKLOG) == 0 ? VIT_OK : fail(address, "cannot listen", errno, err);
}

vit_status serve_listen(const char *address, serve_socket *s, vit_error *err)
{
    *s = (serve_socket){.fd = -1};
    bool is_unix = strncmp(address, "unix:", 5) == 0;
    vit_status status = is_unix ? listen_unix(address, s, err) : listen_tcp(address, s, err);
    if (status == VIT_OK) {
        describe(s);
        return VIT_OK;
    }
    if (s->fd >= 0)
        close(s->fd);
    serve_listen_close(s);
    return status;
}

void serve_listen_close(serve_socket *s)
{
    if (*s->path)
        unlink(s->path);
    *s->path = '\0';
}

bool serve_listen_is_local(const char *address)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (strncmp(address, "unix:", 5) == 0)
        return true;
    if (!split(address, host, sizeof host, port, sizeof port) || getaddrinfo(host, port, &hints, &found))
        return true; /* which listening will say */
    bool local = is_loopback(found->ai_addr);
    freeaddrinfo(found);
    return local;
}

/* ------------------------------------------------------------------ systemd ---- */

size_t serve_listen_passed(void)
{
    const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
    if (!pid || !n || strtol(pid, NULL, 10) != (long)getpid())
        return 0;
    long count = strtol(n, NULL, 10);
    return count > 0 && count < 64 ? (size_t)count : 0;
}

void serve_listen_adopt(int number, serve_socket *s)
{
    *s = (serve_socket){.fd = FIRST_PASSED + number};
    fcntl(s->fd, F_SETFD, FD_CLOEXEC);
    fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) | O_NONBLOCK);
    describe(s);
}
