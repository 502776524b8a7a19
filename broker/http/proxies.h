/* The client's address behind trusted proxies: X-Forwarded-For is believed only as far as trusted addresses wrote it. For logs, never for decisions. */
#ifndef HTTP_PROXIES_H
#define HTTP_PROXIES_H

#include "base/error.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* IPv4 addresses are kept as IPv4-mapped IPv6 ones (RFC 4291, 2.5.5.2). */
typedef struct Network {
    struct in6_addr address;
    int bits; /* of the prefix, 0..128 */
} Network;

typedef struct Proxies {
    Network *networks;
    size_t count;
} Proxies;

/* Parses a comma list of addresses and CIDRs, IPv4 and IPv6; an empty list trusts nobody. false: ERR_INVALID naming the entry. */
MUST_CHECK bool proxies_parse(const char *list, Proxies *ret, Error *err);
void proxies_clear(Proxies *p);
static inline UNUSED void proxies_clear_cleanup(Proxies *p)
{
    proxies_clear(p);
}

bool proxies_trust(const Proxies *p, const struct in6_addr *address);

/* The address of a connection's peer; all zeros for other families than IPv4 and IPv6. */
struct in6_addr address_of_peer(const struct sockaddr *peer);
/* As people write it: IPv4-mapped ones as IPv4. */
void address_text(const struct in6_addr *address, char out[INET6_ADDRSTRLEN]);

/*
 * The client that a trusted peer forwards for: the rightmost address of `forwarded` (X-Forwarded-For: a comma list, each proxy appends whom
 * it saw; ports are allowed) that is not trusted, else the leftmost. An entry that is no address ends the walk at the one before it.
 */
struct in6_addr proxies_client(const Proxies *p, struct in6_addr peer, const char *forwarded);

#endif
