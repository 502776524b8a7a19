/* HTTPS client on libcurl: one handle, one kept-alive connection (HTTP/2 where offered), bounded answers. */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "base/str.h"

typedef struct HttpClient HttpClient;

/* TLS of a client; copied. PEM texts; all may be NULL (ca_pem NULL = the system's roots). */
typedef struct HttpTls {
    const char *ca_pem, *cert_pem, *key_pem;
    const char *connect_to; /* "host:port" to connect to instead of the URL's (the URL's name is still verified), or NULL */
} HttpTls;

typedef struct HttpRequest {
    const char *method; /* "GET", "PATCH", … */
    const char *url;
    const char *const *headers; /* "Name: value" lines, NULL-terminated, or NULL; never logged */
    const char *body;           /* or NULL */
    size_t body_len;
    int timeout_ms;      /* whole request; 0 = 30000 */
    size_t max_response; /* bytes; 0 = 16 MiB; more is ERR_INTERNAL */
} HttpRequest;

typedef struct HttpResponse {
    int status;
    int retry_after_seconds; /* 0 = none */
    char content_type[96];   /* lower case, without parameters */
    Str body;
} HttpResponse;

/* Once per process, before the first thread. */
void http_global_init(void);
/* One client per thread. allow_plain permits http:// URLs (loopback development and tests). */
MUST_CHECK bool http_client_new(const HttpTls *tls, bool allow_plain, HttpClient **ret, Error *err);
/* Any HTTP status is success here. false: ERR_RETRY (no connection, time-out, reset), ERR_DENIED (TLS trust), ERR_INTERNAL. */
MUST_CHECK bool http_request(HttpClient *c, const HttpRequest *request, HttpResponse *ret, Error *err);
void http_response_free(HttpResponse *response);
HttpClient *http_client_free(HttpClient *c);
DEFINE_CLEANUP(HttpClient *, http_client_free)

static inline UNUSED void http_response_free_cleanup(HttpResponse *r)
{
    http_response_free(r);
}

/* Percent-encodes everything but RFC 3986 unreserved characters; the caller frees. */
char *url_encode(const char *text);

#endif
