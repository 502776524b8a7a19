/* Quotas: reading of limits, which of them hold for whom, and comparing. */
#include "domain/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fault_checks.h"

static json_t *parse(const char *text)
{
    json_t *value = NULL;
    assert_true(json_parse(text, strlen(text), &value, NULL));
    return value;
}

static Quotas *quotas(const Catalog *catalog, const char *text)
{
    CLEANUP_JSON json_t *tree = parse(text);
    Quotas *q = NULL;
    CLEANUP(faults_clear) Faults f = {0};
    if (!quotas_parse(tree, catalog, &q, &f))
        assert_no_fault(&f);
    return q;
}

static int setup(void **state)
{
    Catalog *c = NULL;
    assert_true(catalog_load("catalog", NULL, NULL, &c, NULL));
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    catalog_free(*state);
    return 0;
}

static void test_scopes(void **state)
{
    const Catalog *catalog = *state;
    const Plan *standard = catalog_plan_named(catalog, "standard");
    CLEANUP(quotas_free) Quotas *q = quotas(catalog, "{\"global\":{\"instances\":9},\"plans\":{\"standard\":{\"brokers\":6}},\"organization\":{\"cpu\":\"4\"},"
                                                     "\"organizations\":{\"big\":{\"memory\":\"8Gi\"}},\"spaces\":{\"s\":{\"storage\":\"1Ti\"}}}");
    QuotaScope scopes[QUOTA_SCOPES];
    const QuotaSubject plain = {"other", "o", "x"}, special = {standard->id, "big", "s"};
    assert_int_equal(quotas_scopes(NULL, &plain, scopes), 0);
    assert_int_equal(quotas_scopes(q, &plain, scopes), 2);
    assert_int_equal(scopes[0].limits.instances, 9);
    assert_int_equal(scopes[0].limits.brokers, -1);
    assert_string_equal(scopes[1].scope, "organization");
    assert_int_equal(scopes[1].limits.millicores, 4000);
    assert_int_equal(quotas_scopes(q, &special, scopes), 4);
    assert_int_equal(scopes[1].limits.memory, INT64_C(8) << 30);
    assert_int_equal(scopes[1].limits.millicores, -1); /* its own limits stand in place of the general ones */
    assert_int_equal(scopes[2].limits.brokers, 6);
    assert_int_equal(scopes[3].limits.storage, INT64_C(1) << 40);
}

static void test_fits(void **state)
{
    (void)state;
    const QuotaScope space = {"space", "s", {2, -1, 3000, -1, -1}};
    const Amounts used = {1, 50, 2000, 5, 5}, one = {1, 3, 1000, 5, 5}, large = {1, 3, 1001, 5, 5}, full = {2, 0, 0, 0, 0}, over = {9, 0, 0, 0, 0};
    Error err = {0};
    assert_true(quota_fits(&space, &used, &one, &err));
    assert_false(quota_fits(&space, &used, &large, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.text, "this space allows cpu: 3000m; 2000m are used and 1001m are asked for"));
    assert_false(quota_fits(&space, &full, &one, &err));
    assert_false(quota_fits(&space, &over, &(Amounts){0}, &err)); /* limits were lowered */
}

static void test_every_fault(void **state)
{
    const Catalog *catalog = *state;
    CLEANUP_JSON json_t *tree = parse("{\"globl\":{},\"global\":{\"instances\":-1,\"cores\":1},\"plans\":{\"none\":{}},\"space\":5,"
                                      "\"organization\":{\"cpu\":\"fast\",\"memory\":5,\"brokers\":\"3\"}}");
    static const char *const parts[] = {"globl is not known: did you mean \"global\"?", "global.instances: must be a number",
                                        "global.cores is not known; known are instances, brokers, cpu, memory, storage",
                                        "plans.none: the catalog has no plan", "space must be a mapping", "organization.cpu:",
                                        "organization.memory: must be a quantity", "organization.brokers: must be a number"};
    Quotas *q = NULL;
    CLEANUP(faults_clear) Faults f = {0}, less = {0};
    assert_false(quotas_parse(tree, catalog, &q, &f));
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        assert_fault(&f, parts[i]);
    assert_int_equal(f.count, ARRAY_SIZE(parts));
    assert_false(quotas_parse(tree, NULL, &q, &less)); /* which plans there are is not known then */
    assert_int_equal(less.count, ARRAY_SIZE(parts) - 1);
    assert_null(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scopes), cmocka_unit_test(test_fits), cmocka_unit_test(test_every_fault)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
