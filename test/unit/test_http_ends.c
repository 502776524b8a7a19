/* Which connections are told of their end, and which are cut off. */
#include "base/clock.h"
#include "http/ends.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct Pair {
    int client;
    End end;
} Pair;

static void open_pair(Pair *p, Ends *ends, int64_t waiting_since_ms)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    p->client = fds[0];
    p->end.fd = fds[1];
    atomic_init(&p->end.waiting_since_ms, waiting_since_ms);
    ends_add(ends, &p->end);
}

static void close_pair(Pair *p, Ends *ends)
{
    ends_remove(ends, &p->end);
    close(p->client);
    close(p->end.fd);
}

/* Whether the client's end of the connection comes within `ms`. */
static int is_cut(const Pair *p, int ms)
{
    struct pollfd polled = {.fd = p->client, .events = POLLIN};
    char in;
    return poll(&polled, 1, ms) == 1 && recv(p->client, &in, 1, MSG_DONTWAIT) == 0;
}

static void test_waiting(void **state)
{
    (void)state;
    Ends *ends = ends_start(1000);
    Pair fresh, old, working;
    open_pair(&old, ends, clock_ms() - 600);
    open_pair(&working, ends, 0);
    open_pair(&fresh, ends, clock_ms());
    assert_true(is_cut(&old, 900));
    assert_false(is_cut(&fresh, 0));
    assert_true(is_cut(&fresh, 1500));
    assert_false(is_cut(&working, 300));
    close_pair(&old, ends);
    close_pair(&fresh, ends);
    close_pair(&working, ends);
    assert_null(ends_stop(ends));
}

/* An end behind data that is not read yet is left alone; alone, the socket's own half is shut too. */
static void test_ended(void **state)
{
    (void)state;
    Ends *ends = ends_start(60000);
    for (int round = 0; round < 3; round++) { /* the list empties and fills */
        Pair ended, behind;
        char in[2];
        open_pair(&ended, ends, clock_ms());
        open_pair(&behind, ends, clock_ms());
        assert_int_equal(send(behind.client, "ab", 2, 0), 2);
        shutdown(behind.client, SHUT_WR);
        shutdown(ended.client, SHUT_WR);
        clock_sleep_ms(400);
        assert_int_equal(send(ended.client, "x", 1, MSG_NOSIGNAL), -1);
        assert_int_equal(recv(behind.end.fd, in, 2, 0), 2);
        assert_int_equal(send(ended.end.fd, "answer", 6, MSG_NOSIGNAL), 6); /* the other half goes on */
        close_pair(&behind, ends);
        close_pair(&ended, ends);
    }
    ends_stop(ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_waiting), cmocka_unit_test(test_ended)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
