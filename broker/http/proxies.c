/* Lists of networks, and the walk along X-Forwarded-For from its end. */
#include "http/proxies.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <string.h>

#define BLANKS " \t"
#define MAX_ENTRY 63 /* an IPv6 address, brackets and a port */

static struct in6_addr mapped(const struct in_addr *address)
{
    struct in6_addr out = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(out.s6_addr + 12, address, sizeof(*address));
    return out;
}

/* *ret_width: 32 or 128, the bits that a prefix may have. */
static bool parse_address(const char *text, struct in6_addr *ret, int *ret_width)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        *ret = mapped(&v4);
        *ret_width = 32;
        return true;
    }
    *ret_width = 128;
    return inet_pton(AF_INET6, text, ret) == 1;
}

/* Copies n bytes without the blanks around them. false: empty or too long. */
static bool copy_entry(const char *text, size_t n, char out[MAX_ENTRY + 1])
{
    while (n > 0 && strchr(BLANKS, *text))
        text++, n--;
    while (n > 0 && strchr(BLANKS, text[n - 1]))
        n--;
    if (n == 0 || n > MAX_ENTRY)
        return false;
    memcpy(out, text, n);
    out[n] = '\0';
    return true;
}

static bool parse_network(char *entry, Network *ret)
{
    char *slash = strchr(entry, '/');
    int width;
    if (slash)
        *slash = '\0';
    if (!parse_address(entry, &ret->address, &width))
        return false;
    ret->bits = 128;
    if (!slash)
        return true;
    size_t n = strspn(slash + 1, "0123456789");
    long bits = strtol(slash + 1, NULL, 10);
    *slash = '/';
    if (n == 0 || n > 3 || slash[1 + n] || bits > width)
        return false;
    ret->bits = 128 - width + (int)bits;
    return true;
}

bool proxies_parse(const char *list, Proxies *ret, Error *err)
{
    CLEANUP(proxies_clear) Proxies p = {0};
    bool more = list[strspn(list, BLANKS)];
    for (size_t n; more; list += n + 1) {
        char entry[MAX_ENTRY + 1];
        Network network;
        n = strcspn(list, ",");
        more = list[n];
        if (!copy_entry(list, n, entry) || !parse_network(entry, &network))
            return error_set(err, ERR_INVALID, "trusted_proxies: \"%.*s\" is no address and no network such as 10.0.0.0/8", n > 60 ? 60 : (int)n, list);
        p.networks = xrealloc(p.networks, (p.count + 1) * sizeof(*p.networks));
        p.networks[p.count++] = network;
    }
    *ret = p;
    p = (Proxies){0};
    return true;
}

void proxies_clear(Proxies *p)
{
    free(p->networks);
    *p = (Proxies){0};
}

static bool contains(const Network *network, const struct in6_addr *address)
{
    int bytes = network->bits / 8, rest = network->bits % 8;
    return memcmp(network->address.s6_addr, address->s6_addr, (size_t)bytes) == 0 &&
           (rest == 0 || (network->address.s6_addr[bytes] ^ address->s6_addr[bytes]) >> (8 - rest) == 0);
}

bool proxies_trust(const Proxies *p, const struct in6_addr *address)
{
    for (size_t i = 0; i < p->count; i++)
        if (contains(&p->networks[i], address))
            return true;
    return false;
}

struct in6_addr address_of_peer(const struct sockaddr *peer)
{
    if (peer && peer->sa_family == AF_INET)
        return mapped(&((const struct sockaddr_in *)peer)->sin_addr);
    return peer && peer->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)peer)->sin6_addr : (struct in6_addr){0};
}

void address_text(const struct in6_addr *address, char out[INET6_ADDRSTRLEN])
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        inet_ntop(AF_INET, address->s6_addr + 12, out, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);
}

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80". */
static bool parse_hop(char *entry, struct in6_addr *ret)
{
    int width;
    char *colon = strchr(entry, ':'), *close = strchr(entry, ']');
    if (*entry == '[' && close && (!close[1] || close[1] == ':')) {
        *close = '\0';
        return parse_address(entry + 1, ret, &width) && width == 128;
    }
    if (colon && !strchr(colon + 1, ':'))
        *colon = '\0';
    return parse_address(entry, ret, &width);
}

struct in6_addr proxies_client(const Proxies *p, struct in6_addr peer, const char *forwarded)
{
    struct in6_addr client = peer, hop;
    char entry[MAX_ENTRY + 1];
    for (size_t end = strlen(forwarded); proxies_trust(p, &client);) {
        size_t start = end;
        while (start > 0 && forwarded[start - 1] != ',')
            start--;
        if (!copy_entry(forwarded + start, end - start, entry) || !parse_hop(entry, &hop))
            break;
        client = hop;
        if (start == 0)
            break;
        end = start - 1;
    }
    return client;
}
