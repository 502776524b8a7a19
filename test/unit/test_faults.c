/* Lists of faults: files, doubles, lengths, and which word was meant. */
#include "base/faults.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_files(void **state)
{
    (void)state;
    CLEANUP(faults_clear) Faults f = {0};
    assert_false(fault_add(&f, "%s is %d", "a", 1));
    faults_in(&f, "x.yml");
    faults_in(&f, f.file);
    fault_add(&f, "a is 1"); /* of another file */
    fault_add(&f, "a is 1");
    faults_in(&f, NULL);
    fault_add(&f, "a is 1");
    assert_int_equal(f.count, 2);
    assert_null(f.at[0].file);
    assert_string_equal(f.at[0].text, "a is 1");
    assert_string_equal(f.at[1].file, "x.yml");
    assert_true(faults_has(&f, "a is"));
    assert_false(faults_has(&f, "is"));
}

static void test_errors(void **state)
{
    (void)state;
    CLEANUP(faults_clear) Faults f = {0};
    static const char *const rows[][2] = {{"c/x.yml: must be a mapping", "must be a mapping"}, {"c/x.yml line 3: duplicate key", "line 3: duplicate key"},
                                          {"c/x.yml.old: is old", "c/x.yml.old: is old"},      {"cannot open c/x.yml", "cannot open c/x.yml"}};
    faults_in(&f, "c/x.yml");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Error err;
        error_set(&err, ERR_INVALID, "%s", rows[i][0]);
        assert_false(fault_add_error(&f, &err));
        assert_string_equal(f.at[i].text, rows[i][1]);
    }
}

static void test_nothing_is_cut(void **state)
{
    (void)state;
    CLEANUP(faults_clear) Faults f = {0};
    CLEANUP_STR Str text = STR_INIT;
    while (text.len < 5000)
        str_append(&text, "0123456789");
    fault_add(&f, "%s", str_text(&text));
    assert_string_equal(f.at[0].text, str_text(&text));
    fault_add(&f, "not \xff UTF-8");
    assert_string_equal(f.at[1].text, "not ? UTF-8");
    for (int i = 0; i < 500; i++)
        fault_add(&f, "fault %d", i);
    assert_int_equal(f.count, 502);
}

static void test_unknown(void **state)
{
    (void)state;
    static const char *const known[] = {"memory", "cpu", "storage", NULL};
    CLEANUP(faults_clear) Faults f = {0};
    fault_unknown(&f, "spec.memroy", "memroy", known);
    fault_unknown(&f, "spec.colour", "colour", known);
    assert_string_equal(f.at[0].text, "spec.memroy is not known: did you mean \"memory\"?");
    assert_string_equal(f.at[1].text, "spec.colour is not known; known are memory, cpu, storage");
    static const char *const list[] = {"cpu", "memory", NULL};
    assert_true(words_hold(list, "memory"));
    assert_false(words_hold(list, "Memory") || words_hold(list, "") || words_hold(list, NULL));
    assert_int_equal(words_distance("CPU", "cpu"), 0);
    assert_int_equal(words_distance("cup", "cpu"), 1);
    assert_true(words_distance("disk", "cpu") == SIZE_MAX);
    assert_true(words_distance("", "cpu") == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_files), cmocka_unit_test(test_errors), cmocka_unit_test(test_nothing_is_cut), cmocka_unit_test(test_unknown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
