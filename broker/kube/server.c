/* Address of an API server. */
#include "base/mem.h"
#include "kube/cluster.h"

#include <string.h>

char *host_port(const char *host, const char *port)
{
    return xasprintf(strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host));
}

static bool valid_port(const char *port)
{
    return strlen(port) <= 5 && strspn(port, "0123456789") == strlen(port) && strtoul(port, NULL, 10) > 0 &&
           strtoul(port, NULL, 10) <= 65535;
}

bool server_parse(const char *server, KubeConfig *config, Error *err)
{
    bool plain = strncmp(server, "http://", 7) == 0;
    if (!plain && strncmp(server, "https://", 8) != 0)
        return error_set(err, ERR_INVALID, "server must be a URL like https://host:6443");
    const char *start = server + (plain ? 7 : 8), *end = start + strcspn(start, "/");
    if (strpbrk(start, "@?# \t\r\n") || end == start)
        return error_set(err, ERR_INVALID, "server must be https://HOST[:PORT][/PATH] and nothing more");
    const char *host = start, *host_end, *after;
    if (*start == '[') {
        host = start + 1;
        host_end = host + strcspn(host, "]/");
        after = *host_end == ']' ? host_end + 1 : "?"; /* no closing bracket: refused below */
    } else {
        host_end = after = start + strcspn(start, ":/");
    }
    CLEANUP_FREE char *port = *after == ':' ? xstrndup(after + 1, (size_t)(end - after - 1)) : xstrdup(plain ? "80" : "443");
    CLEANUP_FREE char *name = xstrndup(host, (size_t)(host_end - host));
    if (!*name || (*after != ':' && after != end) || !valid_port(port))
        return error_set(err, ERR_INVALID, "server has no valid host and port");
    if (plain && !is_loopback(name))
        return error_set(err, ERR_INVALID, "server uses http://, which is for loopback only; use https://");
    size_t base = strlen(end);
    while (base > 0 && end[base - 1] == '/')
        base--;
    config->plain = plain;
    config->host = TAKE(name);
    config->port = TAKE(port);
    config->base = xstrndup(end, base);
    return true;
}
