/* What is told of objects that hold a deletion up. */
#include "base/mem.h"
#include "base/yaml.h"
#include "kube/remaining.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void told(const char *yaml, const char *expected)
{
    Error err = {0};
    CLEANUP_JSON json_t *objects = NULL;
    CLEANUP_STR Str out = STR_INIT;
    assert_true(yaml_parse(yaml, strlen(yaml), "t", &objects, &err));
    holders_append(objects, &out);
    assert_string_equal(str_text(&out), expected);
}

#define HELD(name) "{kind: ConfigMap, metadata: {name: " name ", deletionTimestamp: x, finalizers: [a.b/c]}}"

static void test_holders(void **state)
{
    (void)state;
    told("[]", "");
    told("[{kind: Pod, metadata: {name: a, finalizers: [x]}}, {kind: Pod, metadata: {name: b, deletionTimestamp: x}}, "
         "{kind: Pod, metadata: {name: c, deletionTimestamp: x, finalizers: []}}]", "");
    told("[" HELD("a") "]", "; held by ConfigMap/a (finalizer a.b/c)");
    told("[{kind: Pod, metadata: {name: p, deletionTimestamp: x, finalizers: [one, two]}}, " HELD("a") "]",
         "; held by Pod/p (finalizers one, two), ConfigMap/a (finalizer a.b/c)");
    told("[" HELD("a") "," HELD("b") "," HELD("c") "," HELD("d") "," HELD("e") "]",
         "; held by ConfigMap/a (finalizer a.b/c), ConfigMap/b (finalizer a.b/c), ConfigMap/c (finalizer a.b/c) and 2 more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_holders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
