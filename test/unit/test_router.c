/* Routing on raw paths, and the ids in them. */
#include "base/mem.h"
#include "http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const Route routes[] = {
    {"GET", "/v2/catalog", ROUTE_OSB, .handler = NULL},
    {"PUT", "/v2/service_instances/:instance", ROUTE_OSB, .handler = NULL},
    {"GET", "/v2/service_instances/:instance", ROUTE_OSB, .handler = NULL},
    {"GET", "/v2/service_instances/:instance/last_operation", ROUTE_OSB, .handler = NULL},
    {"PUT", "/v2/service_instances/:instance/service_bindings/:binding", ROUTE_OSB, .handler = NULL},
    {0},
};

static void assert_found(const char *method, const char *path, size_t row, const char *first, const char *second)
{
    RouteMatch match;
    assert_int_equal(router_find(routes, method, path, &match), ROUTE_FOUND);
    assert_ptr_equal(match.route, &routes[row]);
    const char *const wanted[] = {first, second};
    for (size_t i = 0; i < 2 && wanted[i]; i++) {
        assert_true(i < match.count);
        assert_int_equal(match.lengths[i], strlen(wanted[i]));
        assert_memory_equal(match.segments[i], wanted[i], match.lengths[i]);
    }
}

static void test_found(void **state)
{
    (void)state;
    assert_found("GET", "/v2/catalog", 0, NULL, NULL);
    assert_found("PUT", "/v2/service_instances/a", 1, "a", NULL);
    assert_found("GET", "/v2/service_instances/a%2Fb", 2, "a%2Fb", NULL);
    assert_found("GET", "/v2/service_instances/last_operation", 2, "last_operation", NULL);
    assert_found("GET", "/v2/service_instances/a/last_operation", 3, "a", NULL);
    assert_found("PUT", "/v2/service_instances/a/service_bindings/b", 4, "a", "b");
    assert_found("PUT", "/v2/service_instances/..", 1, "..", NULL);
}

static void test_not_found(void **state)
{
    (void)state;
    static const char *const unknown[] = {"", "/", "v2/catalog", "/v2/catalog/", "//v2/catalog", "/v2//catalog", "/v2/catalogs", "/v2/catalo",
                                          "/V2/catalog", "/v2/service_instances", "/v2/service_instances/", "/v2/service_instances//",
                                          "/v2/service_instances/a/", "/v2/service_instances//service_bindings/b",
                                          "/v2/service_instances/a/service_bindings/", "/v2/service_instances/a/service_bindings/b/c",
                                          "/v2/%63atalog", "*"};
    RouteMatch match;
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
        assert_int_equal(router_find(routes, "GET", unknown[i], &match), ROUTE_UNKNOWN);
}

static void test_wrong_method(void **state)
{
    (void)state;
    RouteMatch match;
    assert_int_equal(router_find(routes, "HEAD", "/v2/catalog", &match), ROUTE_WRONG_METHOD);
    assert_int_equal(router_find(routes, "get", "/v2/catalog", &match), ROUTE_WRONG_METHOD);
    assert_int_equal(router_find(routes, "DELETE", "/v2/service_instances/a", &match), ROUTE_WRONG_METHOD);
    char allow[64];
    router_allow(routes, "/v2/service_instances/a", allow, sizeof(allow));
    assert_string_equal(allow, "PUT, GET");
    router_allow(routes, "/nowhere", allow, sizeof(allow));
    assert_string_equal(allow, "");
}

static void assert_id(const char *raw, const char *wanted)
{
    char id[HTTP_MAX_ID + 1];
    Error err;
    assert_true(router_decode_id(raw, strlen(raw), id, &err));
    assert_string_equal(id, wanted);
}

static void test_ids(void **state)
{
    (void)state;
    assert_id("a", "a");
    assert_id("Ab_1.~x", "Ab_1.~x");
    assert_id("a%20b%2Fc", "a b/c");
    assert_id("a+b", "a+b");
    assert_id("%e2%82%AC", "\xe2\x82\xac");
    assert_id("...", "...");
    assert_id("%25", "%");
}

static void test_bad_ids(void **state)
{
    (void)state;
    static const char *const bad[] = {"", ".", "..", "%2e%2e", "%2E", "%", "%4", "a%", "a%zz", "%4g", "%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80",
                                      "%c0%af", "a%0ab", "%7f", "a%1F", "%e2%82"};
    char id[HTTP_MAX_ID + 1] = "untouched";
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        Error err = {0};
        assert_false(router_decode_id(bad[i], strlen(bad[i]), id, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_true(strlen(err.text) > 0);
        assert_string_equal(id, "untouched");
    }
}

static void test_long_ids(void **state)
{
    (void)state;
    char raw[4 * HTTP_MAX_ID], id[HTTP_MAX_ID + 1];
    Error err;
    memset(raw, 'a', sizeof(raw));
    assert_true(router_decode_id(raw, HTTP_MAX_ID, id, &err));
    assert_int_equal(strlen(id), HTTP_MAX_ID);
    assert_false(router_decode_id(raw, HTTP_MAX_ID + 1, id, &err));
    assert_false(router_decode_id(raw, sizeof(raw), id, &err));
    for (size_t i = 0; i < HTTP_MAX_ID; i++)
        memcpy(raw + 3 * i, "%61", 3);
    assert_true(router_decode_id(raw, (size_t)3 * HTTP_MAX_ID, id, &err));
    assert_int_equal(strlen(id), HTTP_MAX_ID);
    assert_false(router_decode_id(raw, (size_t)3 * HTTP_MAX_ID + 1, id, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_found),        cmocka_unit_test(test_not_found),
                                       cmocka_unit_test(test_wrong_method), cmocka_unit_test(test_ids),
                                       cmocka_unit_test(test_bad_ids),      cmocka_unit_test(test_long_ids)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
