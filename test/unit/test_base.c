/* The base vocabulary: errors, JSON paths and merging, digests by published vectors, base64, random texts, files. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_error(void **state)
{
    (void)state;
    Error err = {.retry_after_seconds = 5};
    assert_false(error_set(&err, ERR_RETRY, "broker %d", 3));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_int_equal(err.retry_after_seconds, 0);
    assert_string_equal(err.text, "broker 3");
    err.retry_after_seconds = 7;
    assert_false(error_wrap(&err, "step %s", "x"));
    assert_string_equal(err.text, "step x: broker 3");
    assert_int_equal(err.kind, ERR_RETRY);
    assert_int_equal(err.retry_after_seconds, 7);
    assert_false(error_set(&err, ERR_BUSY, "again: %s", err.text));
    assert_string_equal(err.text, "again: step x: broker 3");
    assert_false(error_set(NULL, ERR_BUSY, "nobody listens"));
    assert_false(error_wrap(NULL, "nobody listens"));
}

static void test_error_is_cut_to_fit(void **state)
{
    (void)state;
    Error err = {0};
    CLEANUP_FREE char *big = xcalloc(1, 3001);
    memset(big, 'x', 3000);
    error_set(&err, ERR_INVALID, "%s", big);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    error_wrap(&err, "front");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_int_equal(strncmp(err.text, "front: xxx", 10), 0);
    error_wrap(&err, "%s", big);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void test_error_names(void **state)
{
    (void)state;
    assert_string_equal(error_kind_name(ERR_INVALID), "invalid");
    assert_string_equal(error_kind_name(ERR_NOT_FOUND), "not found");
    assert_string_equal(error_kind_name(ERR_LOST), "lost");
    assert_string_equal(error_kind_name((ErrorKind)99), "unknown");
}

static json_t *parsed(const char *text)
{
    Error err = {0};
    json_t *value = NULL;
    if (!json_parse(text, strlen(text), &value, &err))
        fail_msg("%s: %s", text, err.text);
    return value;
}

static void test_json_parse(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "{", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "[1] 2", "\"\xff\"", "nul", "{\"password\":hunter2}"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        Error err = {0};
        json_t *value = NULL;
        assert_false(json_parse(bad[i], strlen(bad[i]), &value, &err));
        assert_null(value);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.text, "line 1"));
        assert_null(strstr(err.text, "hunter2"));
    }
    CLEANUP_JSON json_t *scalar = parsed("\"x\"");
    assert_true(json_is_string(scalar));
}

static void test_json_paths(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *root = parsed("{\"spec\":{\"ports\":[{\"port\":9092},{\"port\":9093,\"name\":\"tls\"}],\"on\":true,\"n\":null}}");
    assert_int_equal(json_int_at(root, "spec.ports.0.port", -1), 9092);
    assert_string_equal(json_string_at(root, "spec.ports.1.name", "none"), "tls");
    assert_string_equal(json_string_at(root, "spec.ports.0.name", "none"), "none");
    assert_string_equal(json_string_at(root, "spec.ports.1.port", "not text"), "not text");
    assert_int_equal(json_int_at(root, "spec.ports.2.port", -1), -1);
    assert_int_equal(json_int_at(root, "spec.on", -1), -1);
    assert_true(json_bool_at(root, "spec.on", false));
    assert_false(json_bool_at(root, "spec.off", false));
    assert_true(json_bool_at(root, "spec.ports", true));
    assert_true(json_is_null(json_at(root, "spec.n")));
    assert_null(json_at(root, "spec.on.deeper"));
    assert_null(json_at(root, "absent.deeper"));
    assert_ptr_equal(json_at(root, ""), root);
    assert_null(json_at(NULL, "spec"));
}

static void test_json_texts(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *one = parsed("{\"b\": 1, \"a\": {\"d\": [1, 2], \"c\": \"x\"}}");
    CLEANUP_JSON json_t *two = parsed("{\"a\": {\"c\": \"x\", \"d\": [1, 2]}, \"b\": 1}");
    CLEANUP_FREE char *kept = json_text(one);
    CLEANUP_FREE char *canonical = json_canonical(one);
    CLEANUP_FREE char *other = json_canonical(two);
    assert_string_equal(kept, "{\"b\":1,\"a\":{\"d\":[1,2],\"c\":\"x\"}}");
    assert_string_equal(canonical, "{\"a\":{\"c\":\"x\",\"d\":[1,2]},\"b\":1}");
    assert_string_equal(other, canonical);
    CLEANUP_JSON json_t *none = json_string_or_null(NULL);
    assert_true(json_is_null(none));
}

static void test_json_merge(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *target = parsed("{\"a\":{\"x\":1,\"y\":[1,2]},\"b\":1,\"c\":{\"k\":1}}");
    CLEANUP_JSON json_t *patch = parsed("{\"a\":{\"y\":[3],\"z\":{\"n\":1}},\"b\":{\"deep\":true},\"c\":null}");
    json_merge(target, patch);
    CLEANUP_FREE char *text = json_text(target);
    assert_string_equal(text, "{\"a\":{\"x\":1,\"y\":[3],\"z\":{\"n\":1}},\"b\":{\"deep\":true},\"c\":null}");
    json_object_set_new(json_at(patch, "a.z"), "n", json_integer(2)); /* the target has its own copy */
    assert_int_equal(json_int_at(target, "a.z.n", 0), 1);
}

static void hex_is(const uint8_t *bytes, size_t n, const char *expected)
{
    CLEANUP_STR Str text = STR_INIT;
    for (size_t i = 0; i < n; i++)
        str_appendf(&text, "%02x", bytes[i]);
    assert_string_equal(str_text(&text), expected);
}

/* FIPS 180-4 examples. */
static void test_digests(void **state)
{
    (void)state;
    uint8_t sum[SHA512_SIZE];
    digest(DIGEST_SHA256, "abc", 3, sum);
    hex_is(sum, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest(DIGEST_SHA512, "abc", 3, sum);
    hex_is(sum, 64,
           "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac9"
           "4fa54ca49f");
    CLEANUP_FREE char *empty = sha256_hex("", 0);
    assert_string_equal(empty, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(digest_size(DIGEST_SHA256), 32);
    assert_int_equal(digest_size(DIGEST_SHA512), 64);
}

/* RFC 4231, test cases 1, 2 and 6. */
static void test_hmac(void **state)
{
    (void)state;
    uint8_t key[131], mac[SHA512_SIZE];
    memset(key, 0x0b, 20);
    digest_hmac(DIGEST_SHA256, key, 20, "Hi There", 8, mac);
    hex_is(mac, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    digest_hmac(DIGEST_SHA256, "Jefe", 4, "what do ya want for nothing?", 28, mac);
    hex_is(mac, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    digest_hmac(DIGEST_SHA512, "Jefe", 4, "what do ya want for nothing?", 28, mac);
    hex_is(mac, 64,
           "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e07"
           "0a38bce737");
    memset(key, 0xaa, sizeof(key));
    digest_hmac(DIGEST_SHA256, key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First", 54, mac);
    hex_is(mac, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 6070's inputs with SHA-2, and the SCRAM-SHA-256 exchange of RFC 7677 section 3. */
static void test_pbkdf2(void **state)
{
    (void)state;
    uint8_t key[SHA512_SIZE];
    digest_pbkdf2(DIGEST_SHA512, "password", "salt", 4, 1, key);
    hex_is(key, 64,
           "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f7"
           "3b60a57fce");
    digest_pbkdf2(DIGEST_SHA512, "password", "salt", 4, 4096, key);
    hex_is(key, 64,
           "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5143f30602641b3d55cd335988cb36b84376060ecd532e039b742a2"
           "39434af2d5");
    digest_pbkdf2(DIGEST_SHA256, "password", "salt", 4, 4096, key);
    hex_is(key, 32, "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a");
    Error err = {0};
    uint8_t *salt, client[32], stored[32], mac[32];
    size_t salt_len;
    assert_true(base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==", 24, &salt, &salt_len, &err));
    digest_pbkdf2(DIGEST_SHA256, "pencil", salt, salt_len, 4096, key);
    free(salt);
    digest_hmac(DIGEST_SHA256, key, 32, "Client Key", 10, client);
    digest(DIGEST_SHA256, client, 32, stored);
    static const char message[] = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                  "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    digest_hmac(DIGEST_SHA256, stored, 32, message, sizeof(message) - 1, mac);
    for (size_t i = 0; i < 32; i++)
        mac[i] ^= client[i];
    CLEANUP_FREE char *proof = base64_encode(mac, 32);
    assert_string_equal(proof, "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
}

/* RFC 4648 section 10. */
static void test_base64(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},         {"f", "Zg=="},         {"fo", "Zm8="},        {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        Error err = {0};
        uint8_t *bytes;
        size_t n;
        CLEANUP_FREE char *text = base64_encode(pairs[i][0], strlen(pairs[i][0]));
        assert_string_equal(text, pairs[i][1]);
        assert_true(base64_decode(text, strlen(text), &bytes, &n, &err));
        assert_int_equal(n, strlen(pairs[i][0]));
        assert_string_equal((char *)bytes, pairs[i][0]);
        free(bytes);
    }
    CLEANUP_FREE char *url = base64url_encode("\xfb\xff\xfe\xff", 4);
    assert_string_equal(url, "-__-_w");
}

static void test_base64_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm 9", "Zm-_", "====", "Z===", "Zm=v", "Zm9vY", "=", "=="};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        Error err = {0};
        uint8_t *bytes = NULL;
        size_t n = 77;
        if (base64_decode(bad[i], strlen(bad[i]), &bytes, &n, &err))
            fail_msg("\"%s\" was accepted", bad[i]);
        assert_null(bytes);
        assert_int_equal(n, 77);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void test_random(void **state)
{
    (void)state;
    CLEANUP_SECRET char *one = random_text(40), *two = random_text(40);
    assert_int_equal(strlen(one), 40);
    assert_int_equal(strspn(one, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), 40);
    assert_string_not_equal(one, two);
    char a[37], b[37];
    random_uuid(a);
    random_uuid(b);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
    assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
    assert_string_not_equal(a, b);
    assert_true(equal_constant_time("same", "same", 4));
    assert_false(equal_constant_time("same", "sane", 4));
}

static void test_files(void **state)
{
    (void)state;
    Error err = {0};
    CLEANUP_STR Str text = STR_INIT;
    char folder[] = "/tmp/test_base_XXXXXX";
    assert_non_null(mkdtemp(folder));
    static const char *const names[] = {"b.yaml", "a.yaml", "c.txt", ".hidden.yaml", ".yaml"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", folder, names[i]);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs("0123456789", f);
        fclose(f);
    }
    CLEANUP(strings_free) char **found = NULL;
    assert_true(file_list(folder, ".yaml", &found, &err));
    assert_string_equal(found[0], "a.yaml");
    assert_string_equal(found[1], "b.yaml");
    assert_null(found[2]);
    CLEANUP_FREE char *path = xasprintf("%s/a.yaml", folder);
    assert_true(file_read(path, 10, &text, &err));
    assert_string_equal(str_text(&text), "0123456789");
    assert_false(file_read(path, 9, &text, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.text, path));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *gone = xasprintf("%s/%s", folder, names[i]);
        unlink(gone);
    }
    assert_false(file_read(path, 10, &text, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    rmdir(folder);
    char **none = NULL;
    assert_false(file_list(folder, ".yaml", &none, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_null(none);
}

static void test_clock(void **state)
{
    (void)state;
    int64_t start = clock_ms();
    clock_sleep_ms(20);
    assert_in_range(clock_ms() - start, 20, 2000);
    char now[25];
    clock_utc_text(now, sizeof(now));
    assert_int_equal(strlen(now), 24);
    assert_true(now[4] == '-' && now[10] == 'T' && now[19] == '.' && now[23] == 'Z');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error),      cmocka_unit_test(test_error_is_cut_to_fit), cmocka_unit_test(test_error_names),
        cmocka_unit_test(test_json_parse), cmocka_unit_test(test_json_paths),          cmocka_unit_test(test_json_texts),
        cmocka_unit_test(test_json_merge), cmocka_unit_test(test_digests),             cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_pbkdf2),     cmocka_unit_test(test_base64),              cmocka_unit_test(test_base64_bad),
        cmocka_unit_test(test_random),     cmocka_unit_test(test_files),               cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
