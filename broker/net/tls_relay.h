/*
 * One TLS connection between its client and a server that speaks plain text: handshake, then bytes both ways over a socket pair. Both
 * sockets never block and are watched edge-triggered: a step goes on until each direction waits for a socket.
 */
#ifndef NET_TLS_RELAY_H
#define NET_TLS_RELAY_H

#include "net/tls_accept.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

#define RELAY_BUFFER (16 * 1024) /* a TLS record */

typedef enum RelayState {
    RELAY_HANDSHAKE,
    RELAY_OPEN,
    RELAY_FAREWELL, /* the server has ended: close_notify is to be sent */
    RELAY_DRAIN,    /* all is sent; what the client still sends is read and dropped, so that no reset overtakes the answer (RFC 9112, 9.6) */
    RELAY_DONE,
} RelayState;

/* Bytes that a socket did not take yet. */
typedef struct Rest {
    char *bytes;
    size_t at, len;
} Rest;

typedef struct Relay {
    struct Relay *previous, *next, *next_again, *next_dead;
    bool again, dead; /* in the lists of those that have more to do at once, and of those that are done */
    RelayState state;
    int outer, inner; /* to the client; to the server, -1 before the handshake has ended */
    SSL *ssl;
    Rest to_client, to_server;
    bool client_ended, server_deaf;
    int64_t deadline_ms; /* of what it waits for; 0 = the server's own limits hold */
    size_t drained;
    struct sockaddr_storage address;
    socklen_t address_len;
} Relay;

/* What the relays of a thread share. */
typedef struct RelayTools {
    TlsServer *tls;
    int epoll;
    int handshake_ms, idle_ms, drain_ms;
    /* Gives the other end of the socket pair to the server, which takes it over. false: it opens no more connections (and has not taken it). */
    bool (*open)(void *context, int fd, const struct sockaddr *address, socklen_t address_len);
    void *context;
    char buffer[RELAY_BUFFER];
} RelayTools;

/* Takes `fd` over; any thread. */
Relay *relay_new(int fd, const struct sockaddr *address, socklen_t address_len);
/* Closes whatever is open. */
void relay_free(Relay *r);
/* Watches the client; the thread that calls relay_step from here on. */
void relay_begin(Relay *r, RelayTools *tools);
/* Does what can be done now, at most a share of it. Gives whether more can be done at once. */
bool relay_step(Relay *r, RelayTools *tools);
/* Tells the server once more that its client has ended, if so: an edge-triggered one may have missed it among the data before it. */
void relay_remind(Relay *r);

#endif
