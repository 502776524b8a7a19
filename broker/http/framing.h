/* What the headers say of the message itself: where it ends, and whether it may be read at all (RFC 9112). */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Framing {
    bool has_body;
    unsigned long long length; /* declared; 0 = none or chunked */
    int status;                /* of the refusal of a message whose end is uncertain or whose headers are malformed; 0 = fine */
    const char *fault;         /* why, a sentence; borrowed */
} Framing;

/* version: as the client wrote it, "HTTP/1.1". */
Framing framing_read(struct MHD_Connection *connection, const char *version);

#endif
