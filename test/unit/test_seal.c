/* Sealing: round trips, every altered byte noticed, contexts, key rotation, unusable key files. */
#include "base/digest.h"
#include "base/mem.h"
#include "pki/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "//////////////////////////////////////////8="

static SealKeys *keys_of(const char *text)
{
    Error err = {0};
    SealKeys *keys = NULL;
    if (!seal_keys_parse(text, &keys, &err))
        fail_msg("%s", err.text);
    return keys;
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char plain[] = "pass\0word";
    CLEANUP(seal_keys_free) SealKeys *keys = keys_of("a:" KEY_A);
    for (size_t n = 0; n <= sizeof(plain); n++) {
        Error err = {0};
        uint8_t *sealed, *opened;
        size_t sealed_len, len;
        seal(keys, "binding/1", plain, n, &sealed, &sealed_len);
        assert_int_equal(sealed_len, n + 28);
        assert_true(seal_open(keys, &(Sealed){"a", sealed, sealed_len}, "binding/1", &opened, &len, &err));
        assert_int_equal(len, n);
        assert_memory_equal(opened, plain, n);
        assert_int_equal(opened[n], 0);
        free(sealed);
        secret_free(opened, len);
    }
}

static void test_is_fresh_and_hidden(void **state)
{
    (void)state;
    CLEANUP(seal_keys_free) SealKeys *keys = keys_of("a:" KEY_A);
    uint8_t *one, *two;
    size_t n;
    seal(keys, "c", "correct horse battery", 21, &one, &n);
    seal(keys, "c", "correct horse battery", 21, &two, &n);
    assert_memory_not_equal(one, two, 12); /* nonces differ */
    assert_memory_not_equal(one + 12, two + 12, 21);
    assert_null(memmem(one, n, "horse", 5));
    free(one);
    free(two);
}

/* NIST's AES-256-GCM, checked against a value made independently of this code (python3-cryptography). */
static void test_is_aes_gcm(void **state)
{
    (void)state;
    static const uint8_t sealed[] = {
        0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x3b, 0x28, 0xbd, 0x14,
        0x1c, 0x9d, 0x40, 0x80, 0xdc, 0xbc, 0x04, 0x7a, 0x9c, 0xbb, 0xcf, 0x84, 0xab, 0xbb, 0xdb, 0xe6,
        0x4a, 0x56};
    CLEANUP(seal_keys_free) SealKeys *keys = keys_of("a:" KEY_A);
    Error err = {0};
    uint8_t *opened;
    size_t len;
    if (!seal_open(keys, &(Sealed){"a", sealed, sizeof(sealed)}, "binding/1", &opened, &len, &err))
        fail_msg("%s", err.text);
    assert_string_equal((char *)opened, "s3cret");
    secret_free(opened, len);
}

static void refused(const SealKeys *keys, const char *id, const char *context, const uint8_t *sealed, size_t n,
                    ErrorKind kind)
{
    Error err = {0};
    uint8_t *opened = NULL;
    size_t len = 99;
    assert_false(seal_open(keys, &(Sealed){id, sealed, n}, context, &opened, &len, &err));
    assert_int_equal(err.kind, kind);
    assert_null(opened);
    assert_int_equal(len, 99);
}

static void test_tampering(void **state)
{
    (void)state;
    CLEANUP(seal_keys_free) SealKeys *keys = keys_of("a:" KEY_A "\nb:" KEY_B);
    uint8_t *sealed;
    size_t n;
    seal(keys, "binding/1", "secret", 6, &sealed, &n);
    for (size_t i = 0; i < n; i++) {
        sealed[i] ^= 1;
        refused(keys, "a", "binding/1", sealed, n, ERR_INVALID);
        sealed[i] ^= 1;
    }
    for (size_t shorter = 0; shorter < n; shorter++)
        refused(keys, "a", "binding/1", sealed, shorter, ERR_INVALID);
    refused(keys, "a", "binding/2", sealed, n, ERR_INVALID);
    refused(keys, "a", "", sealed, n, ERR_INVALID);
    refused(keys, "b", "binding/1", sealed, n, ERR_INVALID);
    refused(keys, "c", "binding/1", sealed, n, ERR_DENIED);
    free(sealed);
}

static void test_rotation(void **state)
{
    (void)state;
    CLEANUP(seal_keys_free) SealKeys *old = keys_of("2024:" KEY_A "\n");
    CLEANUP(seal_keys_free) SealKeys *both = keys_of("# new first\n\n  2025:" KEY_B "  \r\n2024:" KEY_A "\n");
    CLEANUP(seal_keys_free) SealKeys *new = keys_of("2025:" KEY_B);
    Error err = {0};
    uint8_t *a, *b, *opened;
    size_t a_len, b_len, len;
    assert_string_equal(seal_key_id(old), "2024");
    assert_string_equal(seal_key_id(both), "2025");
    seal(old, "x", "old", 3, &a, &a_len);
    seal(both, "x", "new", 3, &b, &b_len);
    assert_true(seal_open(both, &(Sealed){"2024", a, a_len}, "x", &opened, &len, &err));
    assert_string_equal((char *)opened, "old");
    secret_free(opened, len);
    assert_true(seal_open(new, &(Sealed){"2025", b, b_len}, "x", &opened, &len, &err));
    assert_string_equal((char *)opened, "new");
    secret_free(opened, len);
    refused(new, "2024", "x", a, a_len, ERR_DENIED);
    free(a);
    free(b);
}

static void bad_keys(const char *text, const char *part)
{
    Error err = {0};
    SealKeys *keys = NULL;
    assert_false(seal_keys_parse(text, &keys, &err));
    assert_null(keys);
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" not in \"%s\"", part, err.text);
    assert_null(strstr(err.text, "AAEC"));
}

static void test_key_files(void **state)
{
    (void)state;
    bad_keys("", "no key");
    bad_keys("# none\n\n", "no key");
    bad_keys("a:" KEY_A "\nb:AAECAwQ=\n", "line 2: the key has 5 bytes");
    bad_keys("a:AAECAwQ\n", "line 1: the key is not base64");
    bad_keys("a: " KEY_A, "not base64");
    bad_keys("a:" KEY_A "\na:" KEY_B, "line 2: the id \"a\" is there twice");
    bad_keys(KEY_A, "line 1: must be");
    bad_keys(":" KEY_A, "line 1: must be");
    bad_keys("a b:" KEY_A, "line 1: must be");
    bad_keys("012345678901234567890123456789012:" KEY_A, "line 1: must be");
    CLEANUP(seal_keys_free) SealKeys *longest = keys_of("01234567890123456789012345678901:" KEY_A);
    assert_int_equal(strlen(seal_key_id(longest)), 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_is_fresh_and_hidden), cmocka_unit_test(test_is_aes_gcm),
        cmocka_unit_test(test_tampering),  cmocka_unit_test(test_rotation),            cmocka_unit_test(test_key_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
