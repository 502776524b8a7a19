/*
 * Clients that have ended their half of a connection. In its epoll mode libmicrohttpd 0.9.75 misses an end that arrives together with
 * data, and would keep the connection until its time limit; in its poll mode it drops the answer. Here the ends are looked for, and told again.
 */
#ifndef HTTP_ENDS_H
#define HTTP_ENDS_H

#include "base/macros.h"

typedef struct Ends Ends;

/* A watched socket; the caller's, until it is removed. */
typedef struct End {
    int fd;
    struct End *previous, *next;
} End;

/* Starts the thread that looks; aborts if the system has no thread left. */
Ends *ends_start(void);
void ends_add(Ends *e, End *end);
/* Before the socket is closed. */
void ends_remove(Ends *e, End *end);
/* Returns NULL; NULL accepted. */
Ends *ends_stop(Ends *e);

#endif
