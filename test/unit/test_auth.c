/* HTTP Basic and the version header. */
#include "base/mem.h"
#include "base/str.h"
#include "http/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static bool accepts(const char *username, const char *password, const char *plain)
{
    CLEANUP(auth_clear) Auth auth = {0};
    auth_add(&auth, username, password);
    CLEANUP_FREE char *encoded = base64_encode(plain, strlen(plain));
    CLEANUP_FREE char *header = xasprintf("Basic %s", encoded), *other = xasprintf("basic  %s", encoded);
    const char *user = auth_user(&auth, header);
    assert_ptr_equal(user, auth_user(&auth, other));
    assert_true(!user || strcmp(user, username) == 0);
    return user != NULL;
}

/* Two pairs are valid at once; name and password of different pairs are not. */
static void test_two_pairs(void **state)
{
    (void)state;
    CLEANUP(auth_clear) Auth auth = {0};
    assert_null(auth_user(&auth, "Basic Og=="));
    auth_add(&auth, "one", "first");
    auth_add(&auth, "two", "second");
    static const struct {
        const char *plain, *user;
    } rows[] = {{"one:first", "one"}, {"two:second", "two"}, {"one:second", NULL}, {"two:first", NULL}, {"one:", NULL}, {"two:secone", NULL}, {":", NULL}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *encoded = base64_encode(rows[i].plain, strlen(rows[i].plain));
        static const char *const forms[][2] = {{"Basic ", ""}, {"BASIC ", ""}, {"basic   ", " "}};
        for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
            CLEANUP_FREE char *header = xasprintf("%s%s%s", forms[f][0], encoded, forms[f][1]);
            const char *user = auth_user(&auth, header);
            assert_true(rows[i].user ? user && strcmp(user, rows[i].user) == 0 : !user);
        }
    }
}

static void test_credentials(void **state)
{
    (void)state;
    assert_true(accepts("user", "secret", "user:secret"));
    assert_true(accepts("user", "se:cret:", "user:se:cret:"));
    assert_true(accepts("\xc3\xbcser", "\xe2\x82\xac", "\xc3\xbcser:\xe2\x82\xac"));
    assert_false(accepts("user", "secret", "user:secre"));
    assert_false(accepts("user", "secret", "user:secret "));
    assert_false(accepts("user", "secret", "User:secret"));
    assert_false(accepts("user", "secret", ":secret"));
    assert_false(accepts("user", "secret", "user:"));
    assert_false(accepts("user", "secret", "usersecret"));
    assert_false(accepts("user", "secret", ""));
}

static void test_headers(void **state)
{
    (void)state;
    CLEANUP(auth_clear) Auth auth = {0};
    auth_add(&auth, "user", "secret");
    assert_non_null(auth_user(&auth, "Basic dXNlcjpzZWNyZXQ="));
    assert_non_null(auth_user(&auth, "basic   dXNlcjpzZWNyZXQ="));
    assert_non_null(auth_user(&auth, "BASIC dXNlcjpzZWNyZXQ= "));
    static const char *const bad[] = {"", "Basic", "Basic ", "Bearer dXNlcjpzZWNyZXQ=", "dXNlcjpzZWNyZXQ=", "Basic dXNlcjpzZWNyZXQ",
                                      "Basic dXNlcjpzZWNyZXQ= x", "Basic ====", "Basic \xff\xff\xff\xff", "BasicdXNlcjpzZWNyZXQ=",
                                      "Basic dXNlcjpzZWNyZXQA" /* a NUL after the password */};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_null(auth_user(&auth, bad[i]));
    assert_null(auth_user(&auth, NULL));
}

static void test_versions(void **state)
{
    (void)state;
    int minor = -1;
    assert_true(version_parse("2.13", &minor));
    assert_int_equal(minor, 13);
    assert_true(version_parse("2.17", &minor));
    assert_int_equal(minor, 17);
    assert_true(version_parse("2.99", &minor));
    assert_int_equal(minor, 99);
    assert_true(version_parse("2.11", &minor));
    static const char *const bad[] = {"", "2", "2.", ".", "1.0", "3.0", "2.9", "2.10", "abc", "2.x", "2.17x", "2.17.1", "02.17", " 2.17", "2.-17",
                                      "2.99999999999999999999", "22.17", "2,17"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        minor = -1;
        assert_false(version_parse(bad[i], &minor));
        assert_int_equal(minor, -1);
    }
    assert_false(version_parse(NULL, &minor));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_credentials), cmocka_unit_test(test_two_pairs), cmocka_unit_test(test_headers),
                                       cmocka_unit_test(test_versions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
