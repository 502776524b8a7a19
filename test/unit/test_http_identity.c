/* Who asks: two pairs of credentials, the client behind proxies, the platform's user. */
#include "base/digest.h"
#include "http/identity.h"
#include "http/proxies.h"
#include "http_peer.h"

static void test_two_pairs(void **state)
{
    expect(state, "GET /basic HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n", 200, "\"user\":\"user\"");
    expect(state, "GET /basic HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bmV4dDpzZWNyZXQy\r\n\r\n", 200, "\"user\":\"next\"");
    expect(state, "GET /basic HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bmV4dDpzZWNyZXQ=\r\n\r\n", 401, NULL); /* next:secret */
    expect(state, "GET /basic HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dXNlcjpzZWNyZXQy\r\n\r\n", 401, NULL); /* user:secret2 */
}

static void test_forwarded(void **state)
{
    static const struct {
        const char *headers, *client;
    } rows[] = {{"", "127.0.0.1"}, {"X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"}, {"X-Forwarded-For: 1.1.1.1, 192.0.2.7 , 10.9.9.9\r\n", "192.0.2.7"},
                {"x-forwarded-for: 192.0.2.7\r\nX-Forwarded-For: 10.1.1.1\r\n", "192.0.2.7"}, {"X-Forwarded-For: 192.0.2.7, junk\r\n", "127.0.0.1"},
                {"X-Forwarded-For:\r\n", "127.0.0.1"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *request = xasprintf("GET /v2/a HTTP/1.1\r\n" HEAD "%s\r\n", rows[i].headers);
        CLEANUP_FREE char *part = xasprintf("\"client\":\"%s\"", rows[i].client);
        expect(state, request, 200, part);
    }
}

static void client_is(const char *trusted, const char *peer, const char *forwarded, const char *wanted)
{
    CLEANUP(proxies_clear) Proxies p = {0};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    bool is_four = inet_pton(AF_INET, peer, &four.sin_addr) == 1;
    assert_true(is_four || inet_pton(AF_INET6, peer, &six.sin6_addr) == 1);
    assert_true(proxies_parse(trusted, &p, NULL));
    struct in6_addr client = proxies_client(&p, address_of_peer(is_four ? (struct sockaddr *)&four : (struct sockaddr *)&six), forwarded);
    char text[INET6_ADDRSTRLEN];
    address_text(&client, text);
    if (strcmp(text, wanted) != 0)
        fail_msg("[%s] %s, \"%s\": wanted %s, got %s", trusted, peer, forwarded, wanted, text);
}

static void test_walk(void **state)
{
    (void)state;
    client_is("", "10.0.0.1", "192.0.2.1", "10.0.0.1");
    client_is("10.0.0.1", "10.0.0.2", "192.0.2.1", "10.0.0.2");
    client_is("10.0.0.1", "10.0.0.1", "192.0.2.1", "192.0.2.1");
    client_is(" 10.0.0.0/31 , 172.16.0.0/12", "10.0.0.1", "203.0.113.5,192.0.2.1,172.31.0.1,10.0.0.0", "192.0.2.1");
    client_is("10.0.0.0/31", "10.0.0.1", "192.0.2.1,10.0.0.2", "10.0.0.2");
    client_is("10.0.0.0/8", "10.0.0.1", "10.0.0.9,10.0.0.8", "10.0.0.9");      /* all are trusted */
    client_is("10.0.0.0/8", "10.0.0.1", "192.0.2.1,unknown,10.0.0.8", "10.0.0.8"); /* RFC 7239 words and faults end the walk */
    client_is("10.0.0.0/8", "10.0.0.1", "192.0.2.1,", "10.0.0.1");
    client_is("10.0.0.0/8", "10.0.0.1", "192.0.2.1,,10.0.0.2", "10.0.0.2");
    client_is("10.0.0.0/8", "10.0.0.1", ",,,", "10.0.0.1");
    client_is("10.0.0.0/8", "10.0.0.1", "192.0.2.1:4711", "192.0.2.1");
    client_is("10.0.0.0/8", "10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1");
    client_is("10.0.0.0/8", "10.0.0.1", "[2001:db8::1]", "2001:db8::1");
    client_is("10.0.0.0/8", "10.0.0.1", "[192.0.2.1]", "10.0.0.1");
    client_is("10.0.0.0/8", "10.0.0.1", "[2001:db8::1]x", "10.0.0.1");
    client_is("10.0.0.0/8", "10.0.0.1", "2001:db8::1", "2001:db8::1");
    client_is("10.0.0.0/8", "::ffff:10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1");
    client_is("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1,2001:db8::2", "2001:db8:8000::1");
    client_is("0.0.0.0/0", "192.0.2.1", "203.0.113.1", "203.0.113.1");
    client_is("0.0.0.0/0", "2001:db8::1", "203.0.113.1", "2001:db8::1");
    client_is("::/0", "192.0.2.1", "203.0.113.1", "203.0.113.1");
    CLEANUP_FREE char *longest = xcalloc(1, 9000);
    memset(longest, '1', 8999);
    client_is("::/0", "192.0.2.1", longest, "192.0.2.1");
}

static void test_lists(void **state)
{
    (void)state;
    static const char *const bad[] = {",", "10.0.0.1,", "10.0.0.1,,10.0.0.2", "10.0.0", "10.0.0.1/33", "10.0.0.1/2147483647", "10.0.0.1/", "10.0.0.1/a", "10.0.0.1/1a",
                                      "10.0.0.1/-1", "::1/129", "::1/0000000001", "host", "10.0.0.1 10.0.0.2", "[::1]", "/8"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        Proxies p = {0};
        Error err = {0};
        if (proxies_parse(bad[i], &p, &err))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.text, "trusted_proxies: "));
    }
    CLEANUP(proxies_clear) Proxies p = {0};
    assert_true(proxies_parse(" ", &p, NULL));
    assert_int_equal(p.count, 0);
}

static void expect_identity(void **state, const char *header, int status, const char *part)
{
    CLEANUP_FREE char *request = xasprintf("GET /v2/a HTTP/1.1\r\n" HEAD "X-Broker-API-Originating-Identity: %s\r\n\r\n", header);
    expect(state, request, status, part);
}

static void expect_json(void **state, const char *json, int status, const char *part)
{
    CLEANUP_FREE char *encoded = base64_encode(json, strlen(json));
    CLEANUP_FREE char *header = xasprintf("cloudfoundry %s", encoded);
    expect_identity(state, header, status, part);
}

static void test_originating_identity(void **state)
{
    expect(state, "GET /v2/a HTTP/1.1\r\n" HEAD "\r\n", 200, "\"platform\":null,\"platform_user\":null");
    expect_json(state, "{\"user_id\":\"u-1\"}", 200, "\"platform\":\"cloudfoundry\",\"platform_user\":\"u-1\"");
    expect_json(state, "{\"username\":\"duke\",\"uid\":\"1\",\"groups\":[],\"extra\":{}}", 200, "\"platform_user\":\"duke\"");
    expect_json(state, "{\"user_id\":7,\"username\":\"duke\"}", 200, "\"platform_user\":\"duke\"");
    expect_json(state, "{}", 200, "\"platform_user\":null");
    static const char *const not_objects[] = {"", "[]", "null", "\"a\"", "1", "{", "{\"a\":1}{}", "\xff\xfe", "{\"a\":\"\\u0000\"}"};
    for (size_t i = 0; i < ARRAY_SIZE(not_objects); i++)
        expect_json(state, not_objects[i], 400, "X-Broker-API-Originating-Identity");
    expect_identity(state, "kubernetes   e30=", 200, "\"platform\":\"kubernetes\"");
    static const char *const bad[] = {"", "kubernetes", "kubernetes ", "kubernetes\te30=", "e30=", "kubernetes e30", "kubernetes e3 0=", "kubernetes !!!!",
                                      "kubernetes e30= e30=", "k\xc3\xb6 e30=", "kubernetes e30=,e30="};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        expect_identity(state, bad[i], 400, "\"BadRequest\"");
}

static void test_order(void **state)
{
    expect(state, "GET /v2/.. HTTP/1.1\r\nHost: x\r\nX-Broker-API-Originating-Identity: x\r\n\r\n", 401, NULL);
    expect(state, "GET /v2/.. HTTP/1.1\r\nHost: x\r\n" AUTH "X-Broker-API-Originating-Identity: x\r\n\r\n", 412, NULL);
    expect(state, "PUT /v2/a HTTP/1.1\r\n" HEAD "X-Broker-API-Originating-Identity: x\r\nContent-Length: 100\r\n\r\n", 400, "Originating");
    expect(state, "GET /basic HTTP/1.1\r\nHost: x\r\n" AUTH "X-Broker-API-Originating-Identity: x\r\n\r\n", 200, "\"platform\":null");
}

static void test_length(void **state)
{
    (void)state;
    for (size_t n = IDENTITY_MAX - 1; n <= IDENTITY_MAX + 1; n++) {
        CLEANUP_FREE char *header = xcalloc(1, n + 1);
        memset(header, 'p', n);
        memcpy(header + n - 5, " e30=", 5);
        PlatformIdentity identity = {0};
        Error err = {0};
        assert_int_equal(identity_parse(header, &identity, &err), n <= IDENTITY_MAX);
        assert_true(n <= IDENTITY_MAX || strstr(err.text, "8 KiB"));
        identity_clear(&identity);
    }
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_two_pairs, start, stop), cmocka_unit_test_setup_teardown(test_forwarded, start, stop),
        cmocka_unit_test(test_walk), cmocka_unit_test(test_lists),
        cmocka_unit_test_setup_teardown(test_originating_identity, start, stop), cmocka_unit_test_setup_teardown(test_order, start, stop),
        cmocka_unit_test(test_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
