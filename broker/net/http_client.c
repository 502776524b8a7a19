/*
 * HTTPS on libcurl's easy interface. Each request sets every option anew; the handle keeps the connection. Proxies of the environment
 * are not used and redirects are not followed: a request goes where its URL says.
 */
#include "net/http_client.h"

#include "base/mem.h"
#include "net/tls_context.h"

#include <ctype.h>
#include <curl/curl.h>
#include <signal.h>
#include <string.h>

enum {
    DEFAULT_TIMEOUT_MS = 30000,
    CONNECT_TIMEOUT_MS = 5000,
    DEFAULT_MAX_RESPONSE = 16 << 20,
    MAX_RETRY_AFTER_SECONDS = 86400,
};

struct HttpClient {
    CURL *curl;
    char *ca_pem, *cert_pem, *key_pem;
    struct curl_slist *connect_to;
    bool allow_plain;
};

/* Where an answer's body goes while it arrives. */
typedef struct Sink {
    Str body;
    size_t max;
    bool overflow;
} Sink;

typedef struct curl_slist Lines;
DEFINE_CLEANUP(Lines *, curl_slist_free_all)

void http_global_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    signal(SIGPIPE, SIG_IGN); /* CURLOPT_NOSIGNAL leaves this to the program */
}

static bool check_pem(const HttpTls *tls, Error *err)
{
    CLEANUP(SSL_CTX_free) SSL_CTX *ctx = NULL;
    return tls_context_new(tls->ca_pem, tls->cert_pem, tls->key_pem, &ctx, err);
}

bool http_client_new(const HttpTls *tls, bool allow_plain, HttpClient **ret, Error *err)
{
    static const HttpTls none;
    tls = tls ? tls : &none;
    if (!check_pem(tls, err))
        return false;
    HttpClient *c = xcalloc(1, sizeof(*c));
    c->curl = curl_easy_init();
    if (!c->curl)
        abort(); /* out of memory */
    c->ca_pem = xstrdup(tls->ca_pem);
    c->cert_pem = xstrdup(tls->cert_pem);
    c->key_pem = xstrdup(tls->key_pem);
    c->allow_plain = allow_plain;
    if (tls->connect_to) {
        CLEANUP_FREE char *rule = xasprintf("::%s", tls->connect_to);
        c->connect_to = curl_slist_append(NULL, rule);
    }
    *ret = c;
    return true;
}

HttpClient *http_client_free(HttpClient *c)
{
    if (!c)
        return NULL;
    curl_easy_cleanup(c->curl);
    curl_slist_free_all(c->connect_to);
    free(c->ca_pem);
    free(c->cert_pem);
    secret_string_free(c->key_pem);
    free(c);
    return NULL;
}

void http_response_free(HttpResponse *response)
{
    str_free(&response->body);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    Sink *sink = context;
    size_t n = size * count;
    if (n > sink->max - sink->body.len) {
        sink->overflow = true;
        return 0;
    }
    str_append_n(&sink->body, bytes, n);
    return n;
}

static struct curl_blob blob(char *pem)
{
    return (struct curl_blob){.data = pem, .len = strlen(pem), .flags = CURL_BLOB_NOCOPY};
}

static void set_tls(const HttpClient *c)
{
    curl_easy_setopt(c->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (c->ca_pem) {
        struct curl_blob ca = blob(c->ca_pem);
        curl_easy_setopt(c->curl, CURLOPT_CAINFO_BLOB, &ca);
        curl_easy_setopt(c->curl, CURLOPT_CAPATH, NULL); /* only these roots, not the system's besides */
    }
    if (c->cert_pem) {
        struct curl_blob cert = blob(c->cert_pem), key = blob(c->key_pem);
        curl_easy_setopt(c->curl, CURLOPT_SSLCERTTYPE, "PEM");
        curl_easy_setopt(c->curl, CURLOPT_SSLKEYTYPE, "PEM");
        curl_easy_setopt(c->curl, CURLOPT_SSLCERT_BLOB, &cert);
        curl_easy_setopt(c->curl, CURLOPT_SSLKEY_BLOB, &key);
    }
    curl_easy_setopt(c->curl, CURLOPT_CONNECT_TO, c->connect_to);
}

static void set_connection(const HttpClient *c, int timeout_ms)
{
    long total = timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS;
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, total);
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, total < CONNECT_TIMEOUT_MS ? total : (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(c->curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, c->allow_plain ? "https,http" : "https");
    curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(c->curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "cpbroker");
}

static bool takes_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

static void set_method(const HttpClient *c, const HttpRequest *request)
{
    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(c->curl, CURLOPT_NOBODY, 1L);
        return;
    }
    if (request->body || takes_body(request->method)) { /* an empty body still needs its length */
        size_t n = request->body ? request->body_len : 0;
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
    }
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, request->method);
}

/* A line break in a method or header would begin another header or request. */
static bool one_line(const char *text)
{
    return text[strcspn(text, "\r\n")] == '\0';
}

static bool header_lines(const HttpRequest *request, Lines **ret, Error *err)
{
    CLEANUP(curl_slist_free_all) Lines *lines = curl_slist_append(NULL, "Expect:"); /* no wait for 100-continue */
    for (const char *const *h = request->headers; h && *h; h++) {
        if (!one_line(*h))
            return error_set(err, ERR_INTERNAL, "the header %.*s contains a line break", (int)strcspn(*h, ":\r\n"), *h);
        Lines *longer = curl_slist_append(lines, *h);
        if (!longer)
            abort(); /* out of memory */
        lines = longer;
    }
    *ret = TAKE(lines);
    return true;
}

/* libcurl says so only in words: "…tlsv13 alert certificate required…". */
static bool peer_refuses_certificate(const char *detail)
{
    return strstr(detail, "alert") && (strstr(detail, "certificate") || strstr(detail, "unknown ca") ||
                                       strstr(detail, "access denied") || strstr(detail, "handshake failure"));
}

static ErrorKind kind_of(CURLcode code, const char *detail)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return ERR_DENIED;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return peer_refuses_certificate(detail) ? ERR_DENIED : ERR_RETRY;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return ERR_RETRY;
    default:
        return ERR_INTERNAL;
    }
}

/* The URL's query may carry what must not be logged; it stays out of texts. */
static bool request_failed(const HttpRequest *request, const Sink *sink, CURLcode code, const char *detail, Error *err)
{
    int shown = (int)strcspn(request->url, "?#");
    if (sink->overflow)
        return error_set(err, ERR_INTERNAL, "%s %.*s: the answer is larger than %zu bytes", request->method, shown,
                         request->url, sink->max);
    return error_set(err, kind_of(code, detail), "%s %.*s: %s", request->method, shown, request->url,
                     *detail ? detail : curl_easy_strerror(code));
}

static void read_head(CURL *curl, HttpResponse *response)
{
    long status = 0;
    curl_off_t retry_after = 0;
    const char *type = NULL;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    response->status = (int)status;
    response->retry_after_seconds = retry_after < 0                         ? 0
                                    : retry_after > MAX_RETRY_AFTER_SECONDS ? MAX_RETRY_AFTER_SECONDS
                                                                            : (int)retry_after;
    size_t n = type ? strcspn(type, "; \t") : 0;
    for (size_t i = 0; i < n && i < sizeof(response->content_type) - 1; i++)
        response->content_type[i] = (char)tolower((unsigned char)type[i]);
}

bool http_request(HttpClient *c, const HttpRequest *request, HttpResponse *ret, Error *err)
{
    CLEANUP(curl_slist_free_all) Lines *lines = NULL;
    char detail[CURL_ERROR_SIZE] = "";
    Sink sink = {.max = request->max_response ? request->max_response : DEFAULT_MAX_RESPONSE};
    if (!one_line(request->method))
        return error_set(err, ERR_INTERNAL, "the HTTP method contains a line break");
    if (!header_lines(request, &lines, err))
        return false;
    curl_easy_reset(c->curl);
    set_connection(c, request->timeout_ms);
    set_tls(c);
    set_method(c, request);
    curl_easy_setopt(c->curl, CURLOPT_URL, request->url);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, lines);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &sink);
    CURLcode code = curl_easy_perform(c->curl);
    HttpResponse response = {0};
    if (code == CURLE_OK)
        read_head(c->curl, &response);
    curl_easy_reset(c->curl); /* no pointer to this call's memory stays behind */
    if (code != CURLE_OK) {
        request_failed(request, &sink, code, detail, err);
        str_free(&sink.body);
        return false;
    }
    response.body = sink.body;
    *ret = response;
    return true;
}

char *url_encode(const char *text)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    Str out = STR_INIT;
    for (const char *c = text; *c; c++) {
        if (strchr(unreserved, *c))
            str_append_char(&out, *c);
        else
            str_appendf(&out, "%%%02X", (unsigned)(unsigned char)*c);
    }
    return str_take(&out);
}
