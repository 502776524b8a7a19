/* The TLS bridge: bytes both ways, ends of all kinds, limits, and its stop. */
#include "bridge_rig.h"

#include <pthread.h>

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void hear(int fd, const char *text)
{
    char in[64];
    assert_int_equal(recv(fd, in, strlen(text), MSG_WAITALL), (ssize_t)strlen(text));
    assert_memory_equal(in, text, strlen(text));
}

static void client_says(Client *c, const char *text)
{
    assert_int_equal(SSL_write(c->ssl, text, (int)strlen(text)), (int)strlen(text));
}

static void client_hears(Client *c, const char *text)
{
    char in[64];
    for (size_t done = 0; done < strlen(text);) {
        int n = SSL_read(c->ssl, in + done, (int)(strlen(text) - done));
        assert_true(n > 0);
        done += (size_t)n;
    }
    assert_memory_equal(in, text, strlen(text));
}

static void client_at_end(Client *c)
{
    char in;
    int n = SSL_read(c->ssl, &in, 1);
    assert_int_equal(n, 0);
    assert_int_equal(SSL_get_error(c->ssl, n), SSL_ERROR_ZERO_RETURN);
}

static void test_versions_and_protocols(void **state)
{
    Rig *rig = *state;
    static const struct {
        int version;
        const char *alpn;
        bool good;
    } rows[] = {{TLS1_2_VERSION, NULL, true},         {TLS1_3_VERSION, NULL, true},  {TLS1_3_VERSION, "\x02h2\x08http/1.1", true},
                {TLS1_2_VERSION, "\x08http/1.1", true}, {TLS1_3_VERSION, "\x02h2", false}, {TLS1_1_VERSION, NULL, false}};
    rig_start(rig);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Client c;
        const unsigned char *selected;
        unsigned selected_len;
        assert_int_equal(connect_as(rig, NULL, rows[i].version, rows[i].alpn, &c), rows[i].good);
        int plain = plain_end(rig, rows[i].good ? 3000 : 50);
        assert_int_equal(plain >= 0, rows[i].good);
        if (rows[i].good) {
            SSL_get0_alpn_selected(c.ssl, &selected, &selected_len);
            assert_int_equal(selected_len, rows[i].alpn ? 8 : 0);
            client_says(&c, "question");
            hear(plain, "question");
            say(plain, "answer");
            client_hears(&c, "answer");
            close(plain);
            client_at_end(&c);
        }
        client_close(&c);
    }
}

typedef struct Stream {
    int fd;
    size_t bytes;
} Stream;

static void *send_stream(void *context)
{
    Stream *s = context;
    char block[10000];
    for (size_t done = 0; done < s->bytes;) {
        size_t n = s->bytes - done < sizeof(block) ? s->bytes - done : sizeof(block);
        fill(block, done, n);
        if (send(s->fd, block, n, MSG_NOSIGNAL) != (ssize_t)n)
            return (void *)1;
        done += n;
    }
    close(s->fd);
    return NULL;
}

static void *receive_stream(void *context)
{
    Stream *s = context;
    char block[7000];
    for (ssize_t n; (n = recv(s->fd, block, sizeof(block), 0)) > 0; s->bytes += (size_t)n)
        for (ssize_t i = 0; i < n; i++)
            if (block[i] != pattern(s->bytes + (size_t)i))
                return (void *)1;
    return NULL;
}

static void test_streams(void **state)
{
    enum { BYTES = 6 * 1024 * 1024 + 7 };
    Rig *rig = *state;
    Client c;
    int plain;
    pthread_t thread;
    void *failed;
    char block[30000];
    rig_start(rig);
    join(rig, &c, &plain);
    Stream up = {.fd = plain};
    assert_int_equal(pthread_create(&thread, NULL, receive_stream, &up), 0);
    for (size_t done = 0; done < BYTES;) {
        size_t n = BYTES - done < sizeof(block) ? BYTES - done : sizeof(block);
        fill(block, done, n);
        assert_int_equal(SSL_write(c.ssl, block, (int)n), (int)n);
        done += n;
    }
    assert_int_equal(SSL_shutdown(c.ssl), 0);
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_int_equal(up.bytes, BYTES);
    Stream down = {.fd = plain, .bytes = BYTES}; /* after the client's half has ended */
    size_t got = 0;
    assert_int_equal(pthread_create(&thread, NULL, send_stream, &down), 0);
    for (int n; (n = SSL_read(c.ssl, block, sizeof(block))) > 0; got += (size_t)n)
        check_pattern(block, got, (size_t)n);
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_int_equal(got, BYTES);
    client_close(&c);
}

/* Writes until nothing more is taken for 300 ms; gives how much was. */
static size_t write_until_full(int fd, SSL *ssl)
{
    char block[4096];
    size_t done = 0;
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (int idle = 0; idle < 30;) {
        fill(block, done, sizeof(block));
        ssize_t n = ssl ? SSL_write(ssl, block, sizeof(block)) : send(fd, block, sizeof(block), MSG_NOSIGNAL);
        if (n > 0) {
            done += (size_t)n;
            idle = 0;
        } else {
            clock_sleep_ms(10);
            idle++;
        }
        assert_true(done < 4 * 1024 * 1024);
    }
    return done;
}

static void test_back_pressure(void **state)
{
    Rig *rig = *state;
    Client c;
    int plain;
    char block[5000];
    rig_start(rig);
    join(rig, &c, &plain);
    size_t full = write_until_full(plain, NULL), got = 0;
    close(plain);
    for (int n; (n = SSL_read(c.ssl, block, sizeof(block))) > 0; got += (size_t)n)
        check_pattern(block, got, (size_t)n);
    assert_int_equal(got, full);
    client_close(&c);
    join(rig, &c, &plain);
    write_until_full(c.fd, c.ssl);
    client_close(&c); /* a record of it may be cut */
    got = 0;
    for (ssize_t n; (n = recv(plain, block, sizeof(block), 0)) > 0; got += (size_t)n)
        check_pattern(block, got, (size_t)n);
    assert_true(got > 16384);
    close(plain);
}

/* The client ends its half, with and without close_notify: the answer still comes. */
static void test_half_close(void **state)
{
    Rig *rig = *state;
    rig_start(rig);
    for (int with_notice = 0; with_notice <= 1; with_notice++) {
        Client c;
        int plain;
        char in;
        join(rig, &c, &plain);
        client_says(&c, "question");
        assert_true(with_notice ? SSL_shutdown(c.ssl) == 0 : shutdown(c.fd, SHUT_WR) == 0);
        hear(plain, "question");
        assert_int_equal(recv(plain, &in, 1, 0), 0);
        clock_sleep_ms(50);
        say(plain, "answer");
        close(plain);
        client_hears(&c, "answer");
        client_at_end(&c);
        client_close(&c);
    }
}

/* A server that answers and closes without reading: what the client still sends does not cut the answer. */
static void test_early_answer(void **state)
{
    Rig *rig = *state;
    Client c;
    int plain;
    char block[16000] = {0};
    rig_start(rig);
    join(rig, &c, &plain);
    client_says(&c, "question");
    say(plain, "answer");
    close(plain);
    for (int i = 0; i < 100; i++)
        assert_int_equal(SSL_write(c.ssl, block, sizeof(block)), sizeof(block));
    client_hears(&c, "answer");
    client_at_end(&c);
    client_close(&c);
}

/* Bytes until the end of a raw socket; gives the milliseconds that it took. */
static int64_t until_closed(int fd)
{
    char in[512];
    int64_t began = clock_ms();
    while (recv(fd, in, sizeof(in), 0) > 0)
        ;
    assert_true(errno != EAGAIN);
    close(fd);
    return clock_ms() - began;
}

static void test_no_handshake(void **state)
{
    Rig *rig = *state;
    rig->options.handshake_ms = 300;
    rig_start(rig);
    errno = 0;
    assert_in_range(until_closed(dial(rig)), 250, 1500);
    int fd = dial(rig);
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_in_range(until_closed(fd), 0, 250);
    fd = dial(rig);
    say(fd, "\x16\x03\x01\x02"); /* the beginning of a ClientHello */
    assert_in_range(until_closed(fd), 250, 1500);
    close(dial(rig));
    assert_int_equal(plain_end(rig, 50), -1);
}

static void test_limit(void **state)
{
    enum { MOST = 3 };
    Rig *rig = *state;
    rig->options.max_connections = MOST;
    rig_start(rig);
    size_t before = open_descriptors();
    for (int round = 0; round < 3; round++) {
        Client c[MOST], more;
        int plain[MOST];
        for (int i = 0; i < MOST; i++)
            join(rig, &c[i], &plain[i]);
        assert_false(connect_as(rig, NULL, TLS1_3_VERSION, NULL, &more));
        client_close(&more);
        for (int i = 0; i < MOST; i++) {
            client_says(&c[i], "x");
            hear(plain[i], "x");
            close(plain[i]);
            client_at_end(&c[i]);
            client_close(&c[i]);
        }
        for (int i = 0; open_descriptors() > before && i < 100; i++)
            clock_sleep_ms(10);
        assert_int_equal(open_descriptors(), before);
    }
}

static void test_client_that_takes_nothing(void **state)
{
    Rig *rig = *state;
    Client c;
    int plain;
    rig->options.idle_ms = 600;
    rig_start(rig);
    join(rig, &c, &plain);
    write_until_full(plain, NULL);
    struct pollfd p = {.fd = plain, .events = POLLRDHUP};
    assert_int_equal(poll(&p, 1, 3000), 1);
    close(plain);
    client_close(&c);
}

typedef struct Later {
    Rig *rig;
    int64_t took_ms;
} Later;

static void *stop_rig(void *context)
{
    Later *later = context;
    int64_t began = clock_ms();
    rig_stop(later->rig);
    later->took_ms = clock_ms() - began;
    return NULL;
}

/* What the server has written before it closed reaches clients after the stop has begun; connections on which nothing happens do not hold it up. */
static void test_stop(void **state)
{
    enum { BYTES = 150000 };
    Rig *rig = *state;
    Client c, idle;
    int plain, idle_plain, unfinished;
    pthread_t thread;
    char block[4000];
    rig_start(rig);
    join(rig, &idle, &idle_plain);
    join(rig, &c, &plain);
    unfinished = dial(rig);
    Stream answer = {.fd = plain, .bytes = BYTES};
    assert_null(send_stream(&answer));
    close(idle_plain);
    Later later = {.rig = rig};
    assert_int_equal(pthread_create(&thread, NULL, stop_rig, &later), 0);
    size_t got = 0;
    for (int n; (n = SSL_read(c.ssl, block, sizeof(block))) > 0; got += (size_t)n)
        check_pattern(block, got, (size_t)n);
    client_at_end(&idle);
    pthread_join(thread, NULL);
    assert_int_equal(got, BYTES);
    assert_in_range(later.took_ms, 0, 900);
    until_closed(unfinished);
    client_close(&c);
    client_close(&idle);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {WITH_RIG(test_versions_and_protocols), WITH_RIG(test_streams), WITH_RIG(test_back_pressure),
                                       WITH_RIG(test_half_close), WITH_RIG(test_early_answer), WITH_RIG(test_no_handshake), WITH_RIG(test_limit),
                                       WITH_RIG(test_client_that_takes_nothing), WITH_RIG(test_stop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
