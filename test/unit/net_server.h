/* A server thread for the net tests: listens on 127.0.0.1, serves connections one after another with a given function. */
#ifndef TEST_NET_SERVER_H
#define TEST_NET_SERVER_H

#include "base/macros.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Server {
    int listener;
    char port[8];
    pthread_t thread;
    void (*serve)(int fd, void *context); /* one connection; the caller closes fd */
    void *context;
    atomic_int connections;
} Server;

static void *server_main(void *argument)
{
    Server *s = argument;
    sigset_t pipe_signal; /* for this thread only: the client under test must do without */
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    for (int fd; (fd = accept(s->listener, NULL, NULL)) >= 0; close(fd)) {
        struct timeval limit = {.tv_sec = 5};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        atomic_fetch_add(&s->connections, 1);
        s->serve(fd, s->context);
    }
    return NULL;
}

static UNUSED void server_start(Server *s, void (*serve)(int fd, void *context), void *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    *s = (Server){.serve = serve, .context = context};
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, size) != 0 || listen(s->listener, 8) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&address, &size) != 0)
        abort();
    snprintf(s->port, sizeof(s->port), "%u", (unsigned)ntohs(address.sin_port));
    if (pthread_create(&s->thread, NULL, server_main, s) != 0)
        abort();
}

static UNUSED void server_stop(Server *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
}

/* Reads until `end` was seen; the text is NUL-terminated. */
static UNUSED size_t server_read_until(int fd, const char *end, char *buffer, size_t size)
{
    size_t n = 0;
    buffer[0] = '\0';
    while (n + 1 < size && !strstr(buffer, end)) {
        ssize_t got = recv(fd, buffer + n, size - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        buffer[n] = '\0';
    }
    return n;
}

static UNUSED bool server_read_all(int fd, void *buffer, size_t n)
{
    return recv(fd, buffer, n, MSG_WAITALL) == (ssize_t)n;
}

static UNUSED void server_write(int fd, const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t sent = send(fd, (const char *)bytes + done, n - done, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        done += (size_t)sent;
    }
}

static UNUSED void server_say(int fd, const char *text)
{
    server_write(fd, text, strlen(text));
}

#endif
