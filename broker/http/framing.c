/* One look at each header. */
#include "http/framing.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct Seen {
    unsigned hosts, lengths, encodings;
    const char *length, *encoding; /* the last ones */
    bool control;                  /* a control character in a value */
} Seen;

static bool is_name(const char *key, size_t n, const char *name)
{
    return n == strlen(name) && strncasecmp(key, name, n) == 0;
}

static enum MHD_Result look(void *context, enum MHD_ValueKind kind, const char *key, size_t key_size, const char *value, size_t value_size)
{
    (void)kind;
    Seen *seen = context;
    for (size_t i = 0; i < value_size; i++)
        seen->control |= ((unsigned char)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f;
    if (is_name(key, key_size, "Host")) {
        seen->hosts++;
    } else if (is_name(key, key_size, "Content-Length")) {
        seen->lengths++;
        seen->length = value;
    } else if (is_name(key, key_size, "Transfer-Encoding")) {
        seen->encodings++;
        seen->encoding = value;
    }
    return MHD_YES;
}

static void refuse(Framing *f, int status, const char *fault)
{
    f->status = status;
    f->fault = fault;
}

Framing framing_read(struct MHD_Connection *connection, const char *version)
{
    Seen seen = {0};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look, &seen);
    Framing f = {.has_body = seen.encodings > 0, .length = seen.length ? strtoull(seen.length, NULL, 10) : 0};
    f.has_body |= f.length > 0;
    if (seen.lengths > 1) /* 6.3: two lengths are one request for us and another for a proxy */
        refuse(&f, MHD_HTTP_BAD_REQUEST, "The request has more than one Content-Length.");
    else if (seen.encodings > 0 && seen.lengths > 0)
        refuse(&f, MHD_HTTP_BAD_REQUEST, "The request has both Transfer-Encoding and Content-Length.");
    else if (seen.encodings > 0 && strcmp(version, MHD_HTTP_VERSION_1_0) == 0) /* 6.1 */
        refuse(&f, MHD_HTTP_BAD_REQUEST, "Transfer-Encoding needs HTTP/1.1.");
    else if (seen.encodings > 1)
        refuse(&f, MHD_HTTP_BAD_REQUEST, "The request has more than one Transfer-Encoding.");
    else if (seen.encodings > 0 && strcasecmp(seen.encoding, "chunked") != 0)
        refuse(&f, MHD_HTTP_NOT_IMPLEMENTED, "The only Transfer-Encoding that is served is chunked.");
    else if (seen.hosts > 1 || (seen.hosts == 0 && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)) /* 3.2 */
        refuse(&f, MHD_HTTP_BAD_REQUEST, "The request must have one Host header.");
    else if (seen.control) /* RFC 9110, 5.5 */
        refuse(&f, MHD_HTTP_BAD_REQUEST, "A header's value holds a control character.");
    return f;
}
