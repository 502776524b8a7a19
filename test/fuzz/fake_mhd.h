/* The part of libmicrohttpd that an exchange calls, without sockets: one request at a time, taken from text. */
#ifndef FUZZ_FAKE_MHD_H
#define FUZZ_FAKE_MHD_H

#include "fuzz.h"
#include "http/exchange.h"

#define FAKE_MAX_VALUES 64

typedef struct FakeValue {
    enum MHD_ValueKind kind;
    char *name, *value; /* NULL: an argument without "=" */
} FakeValue;

struct MHD_Connection {
    char *method, *path, *version;
    size_t head_size;
    FakeValue values[FAKE_MAX_VALUES];
    size_t count;
    Peer peer;
    union MHD_ConnectionInfo info;
    /* What was answered. */
    int queued, status;
    char *text;
    size_t text_len;
};

/* Reads the request line and headers, up to an empty line, as the library splits them. false: no request line that it would let through. */
bool fake_request(struct MHD_Connection *c, Input *in);
/* Puts a header in the place of the request's own. */
void fake_header(struct MHD_Connection *c, const char *name, const char *value);
void fake_clear(struct MHD_Connection *c);

#endif
