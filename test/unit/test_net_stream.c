/* TCP and TLS streams with peers that are silent, late, gone or no TLS server at all: deadlines and errors, never SIGPIPE. */
#include "tls_peer.h"

static void test_silent_peer(void **state)
{
    Peer *peer = *state;
    peer->mode = SILENT;
    Error err = {0};
    Stream *below = tcp(peer), *s = NULL;
    const TlsOptions options = trusting(peer);
    int64_t start = clock_ms();
    assert_false(tls_stream_new(&below, &options, start + 150, &s, &err));
    assert_in_range(clock_ms() - start, 140, 1500);
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "timed out"));
}

static void test_read_deadline_leaves_stream_usable(void **state)
{
    Peer *peer = *state;
    peer->mode = LATE;
    peer_context(peer, false, TLS1_3_VERSION);
    const TlsOptions options = trusting(peer);
    CLEANUP(stream_free) Stream *s = tls(peer, &options);
    char block[8] = "";
    size_t n;
    Error err = {0};
    assert_false(stream_read(s, block, sizeof(block), &n, clock_ms() + 50, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "timed out"));
    assert_true(stream_read_all(s, block, 4, clock_ms() + 3000, &err));
    assert_string_equal(block, "late");
    exchange(s, 100);
}

static void test_broken_peers(void **state)
{
    Peer *peer = *state;
    peer_context(peer, false, TLS1_3_VERSION);
    const TlsOptions options = trusting(peer);
    peer->mode = TEXT;
    tls_refused(peer, &options, ERR_RETRY, "TLS handshake");
    peer->mode = CUT;
    CLEANUP(stream_free) Stream *s = tls(peer, &options);
    char block[8];
    size_t n;
    Error err = {0};
    assert_true(stream_read_all(s, block, 4, clock_ms() + 3000, &err));
    assert_false(stream_read(s, block, 4, &n, clock_ms() + 3000, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "without notice"));
}

/* The peer resets; writing on must end in an error and not in SIGPIPE. */
static void test_write_to_closed(void **state)
{
    Peer *peer = *state;
    peer_context(peer, false, TLS1_3_VERSION);
    const TlsOptions options = trusting(peer);
    peer->mode = GONE;
    CLEANUP(stream_free) Stream *s = tls(peer, &options);
    static const char block[16384];
    Error err = {0};
    int64_t end = clock_ms() + 3000;
    while (stream_write(s, block, sizeof(block), end, &err))
        assert_true(clock_ms() < end);
    assert_int_equal(err.kind, ERR_RETRY);
    assert_false(stream_write(s, block, 1, end, &err));
}

static void test_write_deadline(void **state)
{
    Peer *peer = *state;
    peer->mode = LATE; /* does not read for 300 ms */
    peer_context(peer, false, TLS1_3_VERSION);
    const TlsOptions options = trusting(peer);
    CLEANUP(stream_free) Stream *s = tls(peer, &options);
    CLEANUP_FREE char *big = xcalloc(1, 32 << 20);
    Error err = {0};
    assert_false(stream_write(s, big, 32 << 20, clock_ms() + 100, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "timed out"));
}

static void test_tcp_refused(void **state)
{
    Peer *peer = *state;
    peer->mode = SILENT;
    Error err = {0};
    Stream *s = NULL;
    Server gone;
    server_start(&gone, serve, peer);
    server_stop(&gone);
    CLEANUP_FREE char *where = xasprintf("127.0.0.1:%s", gone.port);
    assert_false(tcp_stream_new("127.0.0.1", gone.port, clock_ms() + 3000, &s, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, where));
    assert_false(tcp_stream_new("127.0.0.1", "http-alt", clock_ms() + 3000, &s, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_null(s);
    assert_null(tls_stream_peer_serial(NULL));
    CLEANUP(stream_free) Stream *plain = tcp(peer);
    assert_null(tls_stream_peer_serial(plain));
    assert_null(stream_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEER(test_silent_peer),
        WITH_PEER(test_read_deadline_leaves_stream_usable),
        WITH_PEER(test_broken_peers),
        WITH_PEER(test_write_to_closed),
        WITH_PEER(test_write_deadline),
        WITH_PEER(test_tcp_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
