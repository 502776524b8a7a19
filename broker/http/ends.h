/*
 * Connections that libmicrohttpd 0.9.75 would keep too long. Clients that have ended their half: its epoll mode misses an end that arrives
 * together with data (and its poll mode drops the answer), so the ends are looked for and told again. Clients that send the head of a
 * request byte by byte, so that they are never idle: they are cut off.
 */
#ifndef HTTP_ENDS_H
#define HTTP_ENDS_H

#include <stdatomic.h>

typedef struct Ends Ends;

/* A watched socket; the caller's, until it is removed. */
typedef struct End {
    int fd;
    atomic_llong waiting_since_ms; /* clock_ms() when it began to wait for a request; 0 while one is worked on */
    struct End *previous, *next;
} End;

/* Starts the thread that looks; a connection that waits for a request longer than waiting_ms is cut off. Aborts if the system has no thread left. */
Ends *ends_start(int waiting_ms);
void ends_add(Ends *e, End *end);
/* Before the socket is closed. */
void ends_remove(Ends *e, End *end);
/* Returns NULL; NULL accepted. */
Ends *ends_stop(Ends *e);

#endif
