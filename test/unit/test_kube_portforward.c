/* Port-forward against a scripted server: request, channels, the ports told first, errors of the other side, 401. */
#include "base/file.h"
#include "kube/cluster.h"
#include "websocket_server.h"

#define PORT 9072
/* Server frames of up to 125 bytes: channel and text. */
#define DATA(n, text) "\x82" n "\x00" text
#define FAULT(n, text) "\x82" n "\x01" text
#define PORTS "\x82\x03\x00\x70\x23\x82\x03\x01\x70\x23" /* 9072 */
#define CLOSE "\x88\x02\x03\xe8"

/* A cluster at the server's address; `token` is its token file. */
static Kube *kube_at(const Server *server, const char *token, KubeCluster **ret_cluster)
{
    Error err = {0};
    Kube *kube = NULL;
    CLEANUP_FREE char *text = xasprintf("{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":\"k\",\"user\":\"u\"}}],"
                                        "\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":\"http://127.0.0.1:%s/base\"}}],"
                                        "\"users\":[{\"name\":\"u\",\"user\":{\"tokenFile\":\"%s\"}}]}", server->port, token);
    CLEANUP_JSON json_t *tree = NULL;
    KubeCluster *cluster = xcalloc(1, sizeof(*cluster));
    pthread_mutex_init(&cluster->lock, NULL);
    assert_true(json_parse(text, strlen(text), &tree, &err));
    if (!kubeconfig_parse(tree, "k", &cluster->config, &err))
        fail_msg("%s", err.text);
    assert_true(kube_new(cluster, &kube, &err));
    *ret_cluster = cluster;
    return kube;
}

typedef struct Session {
    Script script;
    KubeCluster *cluster;
    Kube *kube;
    Stream *stream;
    char token[64];
} Session;

static void write_token(const char *path, const char *token)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(token, f);
    fclose(f);
}

/* Starts a server that sends `bytes` after its upgrade, and asks it for the port. */
static bool open_session(Session *s, const void *bytes, size_t n, Error *err)
{
    s->script.bytes = bytes;
    s->script.bytes_len = n;
    server_start(&s->script.server, serve, &s->script);
    snprintf(s->token, sizeof(s->token), "/tmp/test_kube_pf.XXXXXX");
    close(mkstemp(s->token));
    write_token(s->token, "t0ken\n");
    s->kube = kube_at(&s->script.server, s->token, &s->cluster);
    return kube_portforward(s->kube, &(KubePort){"ns", "kafka-0", PORT}, clock_ms() + 3000, &s->stream, err);
}

static void close_session(Session *s)
{
    stream_free(s->stream);
    server_stop(&s->script.server);
    kube_free(s->kube);
    kube_cluster_free(s->cluster);
    unlink(s->token);
}

static void reads(Session *s, const char *expected, size_t max)
{
    char buffer[64] = "";
    Error err = {0};
    size_t n = 0;
    if (!stream_read(s->stream, buffer, max, &n, clock_ms() + 3000, &err))
        fail_msg("%s", err.text);
    assert_int_equal(n, strlen(expected));
    assert_memory_equal(buffer, expected, n);
}

#define BYTES(text) text, sizeof(text) - 1

static void test_data(void **state)
{
    (void)state;
    Session s = {0};
    Error err = {0};
    /* An empty message and an empty error message mean nothing; a long message is handed out in parts. */
    if (!open_session(&s, BYTES(PORTS DATA("\x03", "ab") DATA("\x01", "") FAULT("\x01", "") DATA("\x07", "cdefgh") CLOSE), &err))
        fail_msg("%s", err.text);
    reads(&s, "ab", 64);
    reads(&s, "cde", 3);
    reads(&s, "fgh", 64);
    reads(&s, "", 64);
    reads(&s, "", 64);
    assert_non_null(strstr(s.script.request, "GET /base/api/v1/namespaces/ns/pods/kafka-0/portforward?ports=9072 HTTP/1.1\r\n"));
    assert_non_null(strstr(s.script.request, "\r\nAuthorization: Bearer t0ken\r\n"));
    assert_non_null(strstr(s.script.request, "\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n"));
    close_session(&s);
}

static void test_remote_error(void **state)
{
    (void)state;
    Session s = {0};
    Error err = {0};
    char byte;
    size_t n = 9;
    assert_true(open_session(&s, BYTES(PORTS FAULT("\x0a", "no one :\n") CLOSE), &err));
    assert_false(stream_read(s.stream, &byte, 1, &n, clock_ms() + 3000, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_string_equal(err.text, "port-forward to ns/kafka-0:9072: no one :");
    assert_int_equal(n, 9);
    close_session(&s);
}

static void test_broken_beginnings(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        ErrorKind kind;
        const char *part;
    } rows[] = {
        {BYTES("\x82\x03\x00\x71\x23"), ERR_INTERNAL, "did not begin with the port"},
        {BYTES("\x82\x03\x02\x70\x23"), ERR_INTERNAL, "did not begin with the port"},
        {BYTES("\x82\x03\x00\x70\x23\x82\x03\x00\x70\x23"), ERR_INTERNAL, "did not begin with the port"},
        {BYTES("\x82\x04\x00\x70\x23\x00"), ERR_INTERNAL, "did not begin with the port"},
        {BYTES("\x82\x03\x01\x70\x23" FAULT("\x05", "away")), ERR_RETRY, "away"},
        {BYTES("\x82\x03\x00\x70\x23" CLOSE), ERR_RETRY, "closed by the API server"},
        {BYTES("\x82\x03\x00\x70\x23"), ERR_RETRY, "the connection ended"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Session s = {0};
        Error err = {0};
        assert_false(open_session(&s, rows[i].bytes, rows[i].n, &err));
        if (err.kind != rows[i].kind || !strstr(err.text, rows[i].part) || !strstr(err.text, "ns/kafka-0:9072"))
            fail_msg("%zu: %s: %s", i, error_kind_name(err.kind), err.text);
        assert_null(s.stream);
        close_session(&s);
    }
}

static void test_unknown_channel(void **state)
{
    (void)state;
    Session s = {0};
    Error err = {0};
    char byte;
    size_t n = 0;
    assert_true(open_session(&s, BYTES(PORTS "\x82\x02\x07x"), &err));
    assert_false(stream_read(s.stream, &byte, 1, &n, clock_ms() + 3000, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    close_session(&s);
}

/* Reads one frame of the client with its channel byte, and sends the rest back on the data channel. */
static void echo_once(int fd, Script *script)
{
    uint8_t frame[2 + 4 + 4], back[2 + 4] = {0x82, 4, 0};
    (void)script;
    if (!server_read_all(fd, frame, sizeof(frame)) || frame[1] != (0x80 | 4))
        return;
    for (size_t i = 0; i < 4; i++)
        back[2 + i] = frame[6 + i] ^ frame[2 + i];
    server_write(fd, back, sizeof(back));
}

static void test_write(void **state)
{
    (void)state;
    Session s = {.script = {.after = echo_once}};
    Error err = {0};
    assert_true(open_session(&s, BYTES(PORTS), &err));
    assert_true(stream_write(s.stream, "xyz", 3, clock_ms() + 3000, &err));
    reads(&s, "xyz", 64);
    close_session(&s);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        ErrorKind kind;
        int connections;
    } rows[] = {
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", ERR_DENIED, 2}, /* once more with the token file read again */
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", ERR_DENIED, 1},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ERR_NOT_FOUND, 1},
        {"HTTP/1.1 400 Bad Request\r\nContent-Length: 42\r\n\r\npod kafka-0 does not have a host assigned  ", ERR_RETRY, 1},
        {"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n", ERR_RETRY, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Session s = {.script = {.refusal = rows[i].answer}};
        Error err = {0};
        assert_false(open_session(&s, "", 0, &err));
        if (err.kind != rows[i].kind || !strstr(err.text, "ns/kafka-0:9072"))
            fail_msg("%zu: %s: %s", i, error_kind_name(err.kind), err.text);
        assert_int_equal(atomic_load(&s.script.server.connections), rows[i].connections);
        close_session(&s);
    }
}

static void test_bad_arguments(void **state)
{
    (void)state;
    static const KubePort ports[] = {{"ns", "p", 0}, {"ns", "p", 65536}, {NULL, "p", 1}, {"ns", NULL, 1}};
    Session s = {0};
    Error err = {0};
    assert_true(open_session(&s, BYTES(PORTS), &err));
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        Stream *stream = NULL;
        assert_false(kube_portforward(s.kube, &ports[i], clock_ms() + 3000, &stream, &err));
        assert_int_equal(err.kind, ERR_INVALID);
    }
    close_session(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data),  cmocka_unit_test(test_remote_error), cmocka_unit_test(test_broken_beginnings),
        cmocka_unit_test(test_unknown_channel), cmocka_unit_test(test_write), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
