/* Growing strings: lengths, termination, formatting, ownership. */
#include "base/str.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_empty(void **state)
{
    (void)state;
    CLEANUP_STR Str s = STR_INIT;
    assert_string_equal(str_text(&s), "");
    assert_int_equal(s.len, 0);
    str_append(&s, "");
    str_append_n(&s, "ignored", 0);
    assert_string_equal(str_text(&s), "");
    assert_int_equal(s.len, 0);
}

static void test_appends_keep_order_and_length(void **state)
{
    (void)state;
    CLEANUP_STR Str s = STR_INIT;
    str_append(&s, "ab");
    str_append_char(&s, 'c');
    str_append_n(&s, "defgh", 2);
    str_appendf(&s, "-%d-%s", 42, "x");
    assert_string_equal(str_text(&s), "abcde-42-x");
    assert_int_equal(s.len, strlen("abcde-42-x"));
}

static void test_bytes_may_be_zero(void **state)
{
    (void)state;
    CLEANUP_STR Str s = STR_INIT;
    str_append_n(&s, "a\0b", 3);
    str_append_char(&s, '\0');
    str_append(&s, "c");
    assert_int_equal(s.len, 5);
    assert_memory_equal(s.data, "a\0b\0c", 6);
}

/* Around each doubling of the buffer the text stays whole and terminated. */
static void test_growth(void **state)
{
    (void)state;
    CLEANUP_STR Str s = STR_INIT;
    for (size_t i = 0; i < 5000; i++) {
        str_append_char(&s, (char)('a' + i % 26));
        assert_int_equal(s.len, i + 1);
        assert_true(s.cap > s.len);
        assert_int_equal(s.data[s.len], '\0');
    }
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(s.data[i], 'a' + i % 26);
}

/* Formatted text of every length around the first capacity, into buffers that are empty and not. */
static void test_format_lengths(void **state)
{
    (void)state;
    for (int n = 0; n < 300; n++) {
        CLEANUP_STR Str s = STR_INIT;
        CLEANUP_FREE char *expected = xasprintf("%*s%*s", n, "", n, "");
        str_appendf(&s, "%*s", n, "");
        str_appendf(&s, "%*s", n, "");
        assert_int_equal(s.len, 2 * (size_t)n);
        assert_string_equal(str_text(&s), expected);
    }
}

static void test_take_hands_over(void **state)
{
    (void)state;
    CLEANUP_STR Str s = STR_INIT;
    CLEANUP_FREE char *nothing = str_take(&s);
    assert_string_equal(nothing, "");
    str_append(&s, "text");
    CLEANUP_FREE char *text = str_take(&s);
    assert_string_equal(text, "text");
    assert_string_equal(str_text(&s), "");
    str_append(&s, "other"); /* a new buffer: what was taken stays */
    assert_string_equal(text, "text");
    assert_string_equal(str_text(&s), "other");
}

static void test_clear_and_free(void **state)
{
    (void)state;
    Str s = STR_INIT;
    str_clear(&s);
    str_free(&s);
    str_append(&s, "first");
    str_clear(&s);
    assert_int_equal(s.len, 0);
    assert_string_equal(str_text(&s), "");
    str_append(&s, "second");
    assert_string_equal(str_text(&s), "second");
    str_free(&s);
    assert_null(s.data);
    assert_int_equal(s.len, 0);
    str_free(&s);
}

static void test_utf8_prefix(void **state)
{
    (void)state;
    assert_int_equal(utf8_prefix("abc", 5), 3);
    assert_int_equal(utf8_prefix("abc", 2), 2);
    assert_int_equal(utf8_prefix("a\xc3\xa9", 2), 1);
    assert_int_equal(utf8_prefix("a\xc3\xa9", 3), 3);
    assert_int_equal(utf8_prefix("\xe2\x82\xac\xe2\x82\xac", 5), 3);
    assert_int_equal(utf8_prefix("\xe2\x82\xac", 1), 0);
}

static void test_utf8_repair(void **state)
{
    (void)state;
    static const struct {
        const char *given, *wanted;
    } cases[] = {{"plain", "plain"}, {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
                 {"a\xff" "b", "a?b"}, {"\xc3", "?"}, {"\xe2\x82", "??"}, {"\xc0\xaf", "??"}, {"\xed\xa0\x80", "???"},
                 {"\xf4\x90\x80\x80", "????"}, {"\xe0\x80\x80x", "???x"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[32];
        snprintf(text, sizeof(text), "%s", cases[i].given);
        utf8_repair(text);
        assert_string_equal(text, cases[i].wanted);
    }
}

static void test_json_strings(void **state)
{
    (void)state;
    static const struct {
        const char *given, *wanted;
    } cases[] = {{"", "\"\""}, {"plain \xc3\xa9", "\"plain \xc3\xa9\""}, {"a\"b\\c", "\"a\\\"b\\\\c\""}, {"\n\x01\x1f/\x7f", "\"\\u000a\\u0001\\u001f/\x7f\""},
                 {"\"", "\"\\\"\""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        CLEANUP_STR Str s = STR_INIT;
        str_append_json(&s, cases[i].given);
        assert_string_equal(str_text(&s), cases[i].wanted);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_prefix), cmocka_unit_test(test_utf8_repair),
        cmocka_unit_test(test_json_strings), cmocka_unit_test(test_empty),
        cmocka_unit_test(test_appends_keep_order_and_length),
        cmocka_unit_test(test_bytes_may_be_zero),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_format_lengths),
        cmocka_unit_test(test_take_hands_over),
        cmocka_unit_test(test_clear_and_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
