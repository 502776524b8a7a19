/* Quantities: good, bad, and at the edges of what fits. */
#include "domain/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_cpu(void **state)
{
    (void)state;
    int64_t n;
    assert_true(quantity_millicores("1", &n, NULL) && n == 1000);
    assert_true(quantity_millicores("250m", &n, NULL) && n == 250);
    static const char *const bad[] = {"", "m", "1.5", "-1", "1c", "1 ", "9999999999999", NULL};
    for (int i = 0; bad[i]; i++) {
        Error err = {0};
        assert_false(quantity_millicores(bad[i], &n, &err));
        assert_int_equal(err.kind, ERR_INVALID);
    }
    assert_false(quantity_millicores(NULL, &n, NULL));
}

static void test_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"0", 0}, {"7", 7}, {"1k", 1000}, {"1Ki", 1024}, {"512Mi", INT64_C(536870912)}, {"20Gi", INT64_C(21474836480)}, {"2T", INT64_C(2000000000000)}};
    int64_t n;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(quantity_bytes(good[i].text, &n, NULL) && n == good[i].bytes);
    static const char *const bad[] = {"", "Gi", "1g", "1GiB", "0x10", "1e3", "999999999999Ti", NULL};
    for (int i = 0; bad[i]; i++)
        assert_false(quantity_bytes(bad[i], &n, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cpu), cmocka_unit_test(test_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
