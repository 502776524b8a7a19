/* YAML: core-schema scalars, structure, and each thing that must be refused with its line. */
#include "base/mem.h"
#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void check(const char *yaml, const char *expected_json)
{
    Error err = {0};
    CLEANUP_JSON json_t *value = NULL;
    if (!yaml_parse(yaml, strlen(yaml), "t.yaml", &value, &err))
        fail_msg("%s: %s", yaml, err.text);
    CLEANUP_FREE char *text = json_text(value);
    assert_string_equal(text, expected_json);
}

static void refused_n(const char *yaml, size_t n, const char *part)
{
    Error err = {0};
    json_t *value = (json_t *)&err;
    assert_false(yaml_parse(yaml, n, "t.yaml", &value, &err));
    assert_ptr_equal(value, &err); /* untouched */
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" not in \"%s\"", part, err.text);
    assert_non_null(strstr(err.text, "t.yaml"));
}

static void refused(const char *yaml, const char *part)
{
    refused_n(yaml, strlen(yaml), part);
}

static void test_scalars(void **state)
{
    (void)state;
    check("[~, null, Null, NULL, ]", "[null,null,null,null]");
    check("a:", "{\"a\":null}");
    check("[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]");
    check("[yes, no, on, off, y, n]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\"]");
    check("[0, 7, -3, +5, 0o17, 0xfF, 010]", "[0,7,-3,5,15,255,10]");
    check("[9223372036854775807, -9223372036854775808]", "[9223372036854775807,-9223372036854775808]");
    check("[1.5, -.5, 1., 2e3, 1E-2]", "[1.5,-0.5,1.0,2000.0,0.01]");
    check("[1.2.3, 1e, ., -, 0x, 0o8, 10Gi, 1_000, 12:30]",
          "[\"1.2.3\",\"1e\",\".\",\"-\",\"0x\",\"0o8\",\"10Gi\",\"1_000\",\"12:30\"]");
    check("['1', \"true\", 'null', \"\", !!str 5, ! 6]", "[\"1\",\"true\",\"null\",\"\",\"5\",\"6\"]");
    check("\"a\\u00e9\\n\"", "\"aé\\n\"");
}

static void test_structure(void **state)
{
    (void)state;
    check("", "null");
    check("# only a comment\n", "null");
    check("---\n...\n", "null");
    check("---\na: 1\n...\n", "{\"a\":1}");
    check("a:\n- b: 1\n  c: [x, {d: e}]\n- 2\nz: |\n  two\n  lines\nf: >-\n  one\n  line\n",
          "{\"a\":[{\"b\":1,\"c\":[\"x\",{\"d\":\"e\"}]},2],\"z\":\"two\\nlines\\n\",\"f\":\"one line\"}");
    check("1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}");
    check("{}", "{}");
    check("[]", "[]");
    check("\"${x}\": \"${{y}}\"", "{\"${x}\":\"${{y}}\"}");
}

static void test_refusals(void **state)
{
    (void)state;
    refused("a: 1\nb: 2\na: 3\n", "line 3: the key \"a\" is there twice");
    refused("a: &x 1\n", "line 1: anchors");
    refused("a: 1\nb: &x [1]\n", "line 2: anchors");
    refused("&k a: 1\n", "anchors");
    refused("a: *x\n", "aliases");
    refused("*x : 1\n", "aliases");
    refused("a: !!int \"3\"\n", "tags");
    refused("a: !!set {b, c}\n", "tags");
    refused("<<: {a: 1}\n", "merge");
    refused("a: 1\n---\nb: 2\n", "line 2: a second document");
    refused("? [a]\n: 1\n", "key must be a scalar");
    refused("a: .inf\n", "infinity");
    refused("a: -.Inf\n", "infinity");
    refused("a: .nan\n", "NaN");
    refused("a: 9223372036854775808\n", "64 bits");
    refused("a: 1e999\n", "out of range");
    refused("a: \"x\\0y\"\n", "NUL");
    refused("\"x\\0y\": 1\n", "NUL");
    refused("a: [1, 2\nb: 3\n", "t.yaml line");
    refused("a: b: c\n", "line 1");
    refused("\ta: 1\n", "line 1");
    refused("a: \xff\xfe\n", "byte 3");
    refused_n("a: \0b\n", 6, "byte 3");
}

static void test_depth_and_size(void **state)
{
    (void)state;
    char deep[200] = "";
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    refused(deep, "64 levels");
    Error err = {0};
    CLEANUP_JSON json_t *value = NULL;
    assert_true(yaml_parse(deep + 1, 128, "t.yaml", &value, &err));
    size_t n = (1 << 20) + 1;
    CLEANUP_FREE char *big = xmalloc(n);
    memset(big, ' ', n);
    refused_n(big, n, "larger than 1048576");
    CLEANUP_JSON json_t *blank = NULL;
    assert_true(yaml_parse(big, n - 1, "t.yaml", &blank, &err));
    assert_true(json_is_null(blank));
}

static void test_load(void **state)
{
    (void)state;
    Error err = {0};
    CLEANUP_JSON json_t *value = NULL;
    char path[] = "/tmp/test_yaml_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: {b: 1}\n", 10), 10);
    close(fd);
    assert_true(yaml_load(path, &value, &err));
    assert_int_equal(json_int_at(value, "a.b", 0), 1);
    unlink(path);
    assert_false(yaml_load(path, &value, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),  cmocka_unit_test(test_structure), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_depth_and_size), cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
