/* HTTP client against a scripted server: statuses, headers, kept connections, limits, time-outs, refused and untrusted peers. */
#include "base/clock.h"
#include "net/http_client.h"
#include "net_server.h"
#include "pki/pki.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct Script {
    const char *answer; /* NULL: none, the connection stays open */
    int answers;        /* on one connection; 0 = 1 */
    SSL_CTX *tls;       /* or NULL */
    char request[8192]; /* the last one */
    Server server;
} Script;

static size_t content_length(const char *request)
{
    const char *at = strcasestr(request, "\r\nContent-Length: ");
    return at ? strtoul(at + 18, NULL, 10) : 0;
}

static void read_request(int fd, char *buffer, size_t size)
{
    size_t n = server_read_until(fd, "\r\n\r\n", buffer, size);
    const char *end = strstr(buffer, "\r\n\r\n");
    size_t want = end ? (size_t)(end + 4 - buffer) + content_length(buffer) : 0;
    for (ssize_t got; n < want && n + 1 < size && (got = recv(fd, buffer + n, size - 1 - n, 0)) > 0; n += (size_t)got)
        ;
    buffer[n] = '\0';
}

static void serve_tls(int fd, Script *script)
{
    SSL *ssl = SSL_new(script->tls);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, script->request, sizeof(script->request) - 1) > 0) {
        SSL_write(ssl, script->answer, (int)strlen(script->answer));
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    char rest[4096]; /* a close with bytes unread would reset the connection and take the alert away */
    shutdown(fd, SHUT_WR);
    while (recv(fd, rest, sizeof(rest), 0) > 0)
        ;
}

static void serve(int fd, void *context)
{
    Script *script = context;
    if (script->tls) {
        serve_tls(fd, script);
        return;
    }
    for (int i = 0; i == 0 || i < script->answers; i++) {
        char request[8192];
        read_request(fd, request, sizeof(request));
        if (!*request)
            return;
        memcpy(script->request, request, sizeof(request));
        if (script->answer)
            server_say(fd, script->answer);
        else
            server_read_until(fd, "never", request, sizeof(request));
    }
}

static HttpClient *client(const HttpTls *tls, bool allow_plain)
{
    Error err = {0};
    HttpClient *c = NULL;
    if (!http_client_new(tls, allow_plain, &c, &err))
        fail_msg("%s", err.text);
    return c;
}

/* One request to the script's server; url "%s" gets the port. */
static bool ask(Script *script, HttpClient *c, HttpRequest request, HttpResponse *ret, Error *err)
{
    CLEANUP_FREE char *url = NULL;
    if (!request.url)
        request.url = url = xasprintf("http://127.0.0.1:%s/a/b?secret=hidden", script->server.port);
    if (!request.method)
        request.method = "GET";
    return http_request(c, &request, ret, err);
}

/* As ask(), with a server and client for this one request. */
static HttpResponse answered(Script *script, HttpRequest request)
{
    CLEANUP(http_client_free) HttpClient *c = client(NULL, true);
    HttpResponse response = {0};
    Error err = {0};
    server_start(&script->server, serve, script);
    if (!ask(script, c, request, &response, &err))
        fail_msg("%s", err.text);
    server_stop(&script->server);
    return response;
}

static void fails(Script *script, HttpRequest request, ErrorKind kind, const char *part)
{
    CLEANUP(http_client_free) HttpClient *c = client(NULL, true);
    HttpResponse response = {.status = 42};
    Error err = {0};
    server_start(&script->server, serve, script);
    assert_false(ask(script, c, request, &response, &err));
    c = http_client_free(c);
    server_stop(&script->server);
    assert_int_equal(response.status, 42);
    if (err.kind != kind || !strstr(err.text, part))
        fail_msg("%s: %s", error_kind_name(err.kind), err.text);
    assert_null(strstr(err.text, "hidden"));
}

static void test_answer(void **state)
{
    (void)state;
    static const char *const headers[] = {"Accept: application/json", "Authorization: Bearer t", NULL};
    Script script = {.answer = "HTTP/1.1 404 Not Found\r\nContent-Type: Application/JSON; charset=utf-8\r\n"
                               "Content-Length: 9\r\n\r\n{\"a\": \"\"}"};
    HttpResponse r = answered(&script, (HttpRequest){.headers = headers});
    assert_int_equal(r.status, 404);
    assert_int_equal(r.retry_after_seconds, 0);
    assert_string_equal(r.content_type, "application/json");
    assert_string_equal(str_text(&r.body), "{\"a\": \"\"}");
    http_response_free(&r);
    assert_int_equal(strncmp(script.request, "GET /a/b?secret=hidden HTTP/1.1\r\n", 33), 0);
    assert_non_null(strstr(script.request, "\r\nAccept: application/json\r\n"));
    assert_non_null(strstr(script.request, "\r\nAuthorization: Bearer t\r\n"));
}

static void test_methods_and_bodies(void **state)
{
    (void)state;
    static const char *const headers[] = {"Content-Type: application/apply-patch+yaml", NULL};
    Script script = {.answer = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"};
    HttpResponse r = answered(&script, (HttpRequest){.method = "PATCH", .headers = headers, .body = "{\"x\":1}??", .body_len = 7});
    assert_int_equal(r.status, 201);
    assert_int_equal(r.body.len, 0);
    assert_string_equal(r.content_type, "");
    http_response_free(&r);
    assert_int_equal(strncmp(script.request, "PATCH ", 6), 0);
    assert_non_null(strstr(script.request, "\r\nContent-Type: application/apply-patch+yaml\r\n"));
    assert_non_null(strstr(script.request, "\r\nContent-Length: 7\r\n"));
    assert_string_equal(strstr(script.request, "\r\n\r\n") + 4, "{\"x\":1}");
    assert_null(strcasestr(script.request, "expect"));
    r = answered(&script, (HttpRequest){.method = "POST"});
    http_response_free(&r);
    assert_int_equal(strncmp(script.request, "POST ", 5), 0);
    assert_non_null(strstr(script.request, "\r\nContent-Length: 0\r\n"));
    r = answered(&script, (HttpRequest){.method = "DELETE", .body = "{}", .body_len = 2});
    http_response_free(&r);
    assert_int_equal(strncmp(script.request, "DELETE ", 7), 0);
    assert_string_equal(strstr(script.request, "\r\n\r\n") + 4, "{}");
    Script head = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"};
    r = answered(&head, (HttpRequest){.method = "HEAD"});
    assert_int_equal(r.status, 200);
    http_response_free(&r);
}

static void test_retry_after(void **state)
{
    (void)state;
    Script seconds = {.answer = "HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n"};
    HttpResponse r = answered(&seconds, (HttpRequest){0});
    assert_int_equal(r.status, 429);
    assert_int_equal(r.retry_after_seconds, 3);
    http_response_free(&r);
    Script past = {.answer = "HTTP/1.1 503 Away\r\nRetry-After: Wed, 01 Jan 2020 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n"};
    r = answered(&past, (HttpRequest){0});
    assert_int_equal(r.retry_after_seconds, 0);
    http_response_free(&r);
    Script endless = {.answer = "HTTP/1.1 503 Away\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n"};
    r = answered(&endless, (HttpRequest){0});
    assert_int_equal(r.retry_after_seconds, 86400);
    http_response_free(&r);
}

/* The second request goes over the first one's connection and takes nothing else from it. */
static void test_kept_connection(void **state)
{
    (void)state;
    Script script = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .answers = 3};
    static const char *const headers[] = {"X-First: 1", NULL};
    CLEANUP(http_client_free) HttpClient *c = client(NULL, true);
    Error err = {0};
    server_start(&script.server, serve, &script);
    for (int i = 0; i < 3; i++) {
        CLEANUP(http_response_free) HttpResponse r = {0};
        const HttpRequest first = {.method = "PUT", .headers = headers, .body = "x", .body_len = 1}, other = {0};
        assert_true(ask(&script, c, i == 0 ? first : other, &r, &err));
        assert_string_equal(str_text(&r.body), "ok");
    }
    c = http_client_free(c);
    server_stop(&script.server);
    assert_int_equal(atomic_load(&script.server.connections), 1);
    assert_int_equal(strncmp(script.request, "GET ", 4), 0);
    assert_null(strstr(script.request, "X-First"));
    assert_null(strcasestr(script.request, "Content-Length"));
}

static void test_no_redirect(void **state)
{
    (void)state;
    Script script = {.answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"};
    HttpResponse r = answered(&script, (HttpRequest){0});
    assert_int_equal(r.status, 302);
    http_response_free(&r);
}

static void test_limits(void **state)
{
    (void)state;
    Script exact = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"};
    HttpResponse r = answered(&exact, (HttpRequest){.max_response = 10});
    assert_int_equal(r.body.len, 10);
    http_response_free(&r);
    fails(&exact, (HttpRequest){.max_response = 9}, ERR_INTERNAL, "/a/b: the answer is larger than 9 bytes");
    Script silent = {.answer = NULL};
    int64_t start = clock_ms();
    fails(&silent, (HttpRequest){.timeout_ms = 200}, ERR_RETRY, "timed out");
    assert_in_range(clock_ms() - start, 190, 2000);
}

static void test_broken_peers(void **state)
{
    (void)state;
    Script cut = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234"};
    fails(&cut, (HttpRequest){0}, ERR_RETRY, "GET http://127.0.0.1");
    Script nothing = {.answer = ""};
    fails(&nothing, (HttpRequest){0}, ERR_RETRY, "GET http://127.0.0.1");
    Script gone = {0};
    server_start(&gone.server, serve, &gone);
    server_stop(&gone.server);
    CLEANUP(http_client_free) HttpClient *c = client(NULL, true);
    HttpResponse r = {0};
    Error err = {0};
    assert_false(ask(&gone, c, (HttpRequest){0}, &r, &err));
    assert_int_equal(err.kind, ERR_RETRY);
}

static void test_refused_requests(void **state)
{
    (void)state;
    static const char *const evil[] = {"X-A: 1\r\nX-B: 2", NULL};
    Script script = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    fails(&script, (HttpRequest){.headers = evil}, ERR_INTERNAL, "X-A");
    fails(&script, (HttpRequest){.method = "GET / HTTP/1.1\r\nX"}, ERR_INTERNAL, "line break");
    fails(&script, (HttpRequest){.url = "file:///etc/passwd"}, ERR_INTERNAL, "file:///etc/passwd");
    fails(&script, (HttpRequest){.url = "not a url"}, ERR_INTERNAL, "not a url");
    CLEANUP(http_client_free) HttpClient *strict = client(NULL, false);
    HttpResponse r = {0};
    Error err = {0};
    assert_false(ask(&script, strict, (HttpRequest){.url = "http://127.0.0.1:1/"}, &r, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
}

static SSL_CTX *server_context(const Identity *id, const char *client_ca)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    BIO *key_bio = BIO_new_mem_buf(id->key_pem, -1), *cert_bio = BIO_new_mem_buf(id->cert_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    X509 *cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
    SSL_CTX_use_certificate(ctx, cert);
    SSL_CTX_use_PrivateKey(ctx, key);
    if (client_ca) {
        BIO *ca_bio = BIO_new_mem_buf(client_ca, -1);
        X509 *ca = PEM_read_bio_X509(ca_bio, NULL, NULL, NULL);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        X509_free(ca);
        BIO_free(ca_bio);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    BIO_free(key_bio);
    BIO_free(cert_bio);
    return ctx;
}

/* Asks https://NAME:1/ by way of connect_to; ERR_NONE when the answer came. */
static ErrorKind over_tls(SSL_CTX *server_tls, const char *name, HttpTls tls)
{
    Script script = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .tls = server_tls};
    server_start(&script.server, serve, &script);
    CLEANUP_FREE char *to = xasprintf("127.0.0.1:%s", script.server.port);
    CLEANUP_FREE char *url = xasprintf("https://%s:1/", name);
    tls.connect_to = to;
    CLEANUP(http_client_free) HttpClient *c = client(&tls, false);
    CLEANUP(http_response_free) HttpResponse r = {0};
    Error err = {0};
    bool ok = ask(&script, c, (HttpRequest){.url = url, .timeout_ms = 3000}, &r, &err);
    assert_int_equal(r.status, ok ? 200 : 0);
    c = http_client_free(c);
    server_stop(&script.server);
    return err.kind;
}

static void test_tls(void **state)
{
    (void)state;
    static const char *const names[] = {"api.test", NULL};
    const LeafRequest server = {.common_name = "api", .dns_names = names, .days = 1, .server = true};
    const LeafRequest person = {.common_name = "me", .days = 1, .client = true};
    CLEANUP_IDENTITY Identity ca = {0}, stranger = {0}, leaf = {0}, own = {0}, other = {0};
    Error err = {0};
    if (!pki_ca_new("ca", 1, &ca, &err) || !pki_ca_new("ca", 1, &stranger, &err) || !pki_leaf_new(&ca, &server, &leaf, &err) ||
        !pki_leaf_new(&ca, &person, &own, &err) || !pki_leaf_new(&stranger, &person, &other, &err))
        fail_msg("%s", err.text);
    SSL_CTX *open = server_context(&leaf, NULL), *closed = server_context(&leaf, ca.cert_pem);
    assert_int_equal(over_tls(open, "api.test", (HttpTls){.ca_pem = ca.cert_pem}), ERR_NONE);
    assert_int_equal(over_tls(open, "other.test", (HttpTls){.ca_pem = ca.cert_pem}), ERR_DENIED);
    assert_int_equal(over_tls(open, "api.test", (HttpTls){.ca_pem = stranger.cert_pem}), ERR_DENIED);
    assert_int_equal(over_tls(open, "api.test", (HttpTls){0}), ERR_DENIED);
    const HttpTls with_own = {.ca_pem = ca.cert_pem, .cert_pem = own.cert_pem, .key_pem = own.key_pem};
    const HttpTls with_other = {.ca_pem = ca.cert_pem, .cert_pem = other.cert_pem, .key_pem = other.key_pem};
    assert_int_equal(over_tls(closed, "api.test", with_own), ERR_NONE);
    assert_int_equal(over_tls(closed, "api.test", with_other), ERR_DENIED);
    assert_int_equal(over_tls(closed, "api.test", (HttpTls){.ca_pem = ca.cert_pem}), ERR_DENIED);
    SSL_CTX_set_max_proto_version(closed, TLS1_2_VERSION);
    assert_int_equal(over_tls(closed, "api.test", with_own), ERR_NONE);
    assert_int_equal(over_tls(closed, "api.test", with_other), ERR_DENIED);
    SSL_CTX_free(open);
    SSL_CTX_free(closed);
    HttpClient *none = NULL;
    assert_false(http_client_new(&(HttpTls){.ca_pem = "junk"}, false, &none, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(http_client_new(&(HttpTls){.cert_pem = own.cert_pem, .key_pem = leaf.key_pem}, false, &none, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_null(none);
    assert_null(http_client_free(NULL));
}

static void test_url_encode(void **state)
{
    (void)state;
    CLEANUP_FREE char *text = url_encode("aZ09-._~ /?&=%+,\"\xc3\xa9");
    assert_string_equal(text, "aZ09-._~%20%2F%3F%26%3D%25%2B%2C%22%C3%A9");
    CLEANUP_FREE char *empty = url_encode("");
    assert_string_equal(empty, "");
}

int main(void)
{
    http_global_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),          cmocka_unit_test(test_methods_and_bodies),
        cmocka_unit_test(test_retry_after),     cmocka_unit_test(test_kept_connection),
        cmocka_unit_test(test_no_redirect),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_broken_peers),    cmocka_unit_test(test_refused_requests),
        cmocka_unit_test(test_tls),             cmocka_unit_test(test_url_encode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
