/* SCRAM: the examples of the RFCs, and servers that must not be trusted. */
#include "base/mem.h"
#include "kafka/scram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* RFC 7677 section 3 */
#define NONCE "rOprNGfwEbeRWgbNEkqO"
#define FULL_NONCE NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="

static void test_rfc_7677(void **state)
{
    (void)state;
    Error err = {0};
    CLEANUP(scram_free) Scram *s = scram_new(DIGEST_SHA256, "user", "pencil", NONCE);
    assert_string_equal(scram_first(s), "n,,n=user,r=" NONCE);
    static const char server_first[] = "r=" FULL_NONCE ",s=" SALT ",i=4096";
    CLEANUP_SECRET char *final = NULL;
    assert_true(scram_final(s, server_first, strlen(server_first), &final, &err));
    assert_string_equal(final, "c=biws,r=" FULL_NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    static const char good[] = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    assert_true(scram_verify(s, good, strlen(good), &err));
    static const char wrong[] = "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    assert_false(scram_verify(s, wrong, strlen(wrong), &err));
    assert_int_equal(err.kind, ERR_DENIED);
    static const char refused[] = "e=other-error";
    assert_false(scram_verify(s, refused, strlen(refused), &err));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_non_null(strstr(err.text, "other-error"));
    static const char *const bad[] = {"", "v=", "v=AAAA", "v=*", "w=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(scram_verify(s, bad[i], strlen(bad[i]), &err));
}

static void test_names_are_escaped(void **state)
{
    (void)state;
    CLEANUP(scram_free) Scram *s = scram_new(DIGEST_SHA512, "a=b,c", "p", "N");
    assert_string_equal(scram_first(s), "n,,n=a=3Db=2Cc,r=N");
    CLEANUP(scram_free) Scram *one = scram_new(DIGEST_SHA512, "u", "p", NULL);
    CLEANUP(scram_free) Scram *two = scram_new(DIGEST_SHA512, "u", "p", NULL);
    assert_string_not_equal(scram_first(one), scram_first(two));
    assert_true(strlen(scram_first(one)) >= strlen("n,,n=u,r=") + 24);
}

static void test_servers_to_refuse(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        ErrorKind kind;
    } rows[] = {
        {"r=" FULL_NONCE ",s=" SALT ",i=4095", ERR_DENIED},
        {"r=" FULL_NONCE ",s=" SALT ",i=1000001", ERR_DENIED},
        {"r=" FULL_NONCE ",s=" SALT ",i=99999999999999999999999", ERR_DENIED},
        {"r=" FULL_NONCE ",s=" SALT ",i=-4096", ERR_INTERNAL},
        {"r=" FULL_NONCE ",s=" SALT ",i=4096x", ERR_INTERNAL},
        {"r=" FULL_NONCE ",s=" SALT ",i=", ERR_INTERNAL},
        {"r=" FULL_NONCE ",s=" SALT, ERR_INTERNAL},
        {"r=" FULL_NONCE ",s=,i=4096", ERR_INTERNAL},
        {"r=" FULL_NONCE ",s=not base64,i=4096", ERR_INTERNAL},
        {"r=" NONCE ",s=" SALT ",i=4096", ERR_DENIED},              /* adds nothing to our nonce */
        {"r=sOprNGfwEbeRWgbNEkqOxyz,s=" SALT ",i=4096", ERR_DENIED}, /* another nonce */
        {"m=ext,r=" FULL_NONCE ",s=" SALT ",i=4096", ERR_INTERNAL},
        {"e=unknown-user", ERR_INTERNAL},
        {"", ERR_INTERNAL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Error err = {0};
        char *final = NULL;
        CLEANUP(scram_free) Scram *s = scram_new(DIGEST_SHA256, "user", "pencil", NONCE);
        assert_false(scram_final(s, rows[i].message, strlen(rows[i].message), &final, &err));
        assert_int_equal(err.kind, rows[i].kind);
        assert_null(final);
        assert_null(strstr(err.text, "pencil"));
    }
    Error err = {0};
    char *final = NULL;
    CLEANUP(scram_free) Scram *s = scram_new(DIGEST_SHA256, "user", "pencil", NONCE);
    assert_false(scram_final(s, "r=\0x", 4, &final, &err));
    static const char signature[] = "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; /* zeroes, before any proof */
    assert_false(scram_verify(s, signature, strlen(signature), &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_7677),
        cmocka_unit_test(test_names_are_escaped),
        cmocka_unit_test(test_servers_to_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
