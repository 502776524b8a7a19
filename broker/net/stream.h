/* A two-way byte stream with deadlines: TCP, TLS over any stream, and a pod's port behind the API server look alike. */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct Stream Stream;

/* Deadlines are absolute clock_ms() values. Implementations block in poll(2), never longer than to the deadline. */
typedef struct StreamOps {
    /* Reads 1..max bytes into buffer; *ret_n = 0 at the end of the stream. false: ERR_RETRY (time-out, reset). */
    bool (*read)(Stream *s, void *buffer, size_t max, size_t *ret_n, int64_t deadline_ms, Error *err);
    /* Writes all n bytes. false: ERR_RETRY. */
    bool (*write)(Stream *s, const void *bytes, size_t n, int64_t deadline_ms, Error *err);
    void (*free)(Stream *s); /* closes and releases, also what it wraps */
} StreamOps;

/* First member of every implementation. */
struct Stream {
    const StreamOps *ops;
};

MUST_CHECK bool stream_read(Stream *s, void *buffer, size_t max, size_t *ret_n, int64_t deadline_ms, Error *err);
/* Reads exactly n bytes; the end of the stream before that is ERR_RETRY "connection closed". */
MUST_CHECK bool stream_read_all(Stream *s, void *buffer, size_t n, int64_t deadline_ms, Error *err);
MUST_CHECK bool stream_write(Stream *s, const void *bytes, size_t n, int64_t deadline_ms, Error *err);
/* Closes; NULL is accepted. Returns NULL. */
Stream *stream_free(Stream *s);
DEFINE_CLEANUP(Stream *, stream_free)

/* Connects to host (name or address, IPv6 too) and port, tries all addresses. TCP_NODELAY and keep-alive are set. false: ERR_RETRY naming host:port. */
MUST_CHECK bool tcp_stream_new(const char *host, const char *port, int64_t deadline_ms, Stream **ret, Error *err);

/* TLS client settings; all borrowed, PEM texts. */
typedef struct TlsOptions {
    const char *ca_pem;      /* trusted roots (only these); required */
    const char *cert_pem;    /* own certificate chain, or NULL */
    const char *key_pem;     /* its private key, or NULL */
    const char *server_name; /* SNI and the name (or IP address) that the certificate must carry; required */
    const char *alpn;        /* one protocol such as "http/1.1", or NULL */
} TlsOptions;

/*
 * TLS 1.2+ client over *taken (consumed in any case). Verifies chain and name. A later peer alert is reported in read/write.
 * false: ERR_DENIED (certificate not trusted or own one refused), ERR_INVALID (own PEM unusable), ERR_RETRY (time-out, reset).
 */
MUST_CHECK bool tls_stream_new(Stream **taken, const TlsOptions *options, int64_t deadline_ms, Stream **ret, Error *err);

/* Serial number of the peer's certificate in hex, or NULL for other streams; the caller frees. */
char *tls_stream_peer_serial(Stream *s);

#endif
