/* Listening and accepting on a thread of its own, which deals out new connections. */
#ifndef HTTP_ACCEPTOR_H
#define HTTP_ACCEPTOR_H

#include "base/error.h"

#include <sys/socket.h>

typedef struct Acceptor Acceptor;

/* Takes over `fd`; called on the acceptor's thread. */
typedef void (*TakeConnection)(void *context, int fd, const struct sockaddr *address, socklen_t address_len);

/* Listens on a numeric address (an IPv6 one serves IPv4 too where it covers it) and a port, 0 = any free one. false: ERR_INVALID. */
MUST_CHECK bool acceptor_listen(const char *address, int port, Acceptor **ret, Error *err);
int acceptor_port(const Acceptor *a);
/* Begins to accept. Aborts if the system has no thread left. */
void acceptor_start(Acceptor *a, TakeConnection take, void *context);
/* Accepts no more, closes the listening socket, releases. Returns NULL; NULL accepted. */
Acceptor *acceptor_stop(Acceptor *a);

#endif
