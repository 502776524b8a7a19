/*
 * Closing without losing the answer: when a request is refused before its body was read, closing the socket at once would
 * make the kernel send a reset, which can overtake the answer. A lingering socket is read to its end first (RFC 9112, 9.6).
 */
#ifndef HTTP_LINGER_H
#define HTTP_LINGER_H

#include "base/macros.h"

typedef struct Linger Linger;

/* Starts the thread that reads such sockets; aborts if the system has no thread left. */
Linger *linger_start(void);
/* Keeps a duplicate of the socket open until the peer closes, at most 2 s or 8 MiB; does nothing when too many linger already. */
void linger_keep(Linger *l, int fd);
/* Closes all at once and ends the thread. */
Linger *linger_stop(Linger *l);

#endif
