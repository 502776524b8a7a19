/* Patterns as ECMA 262 reads them, what is refused, the cost of bad ones; formats. */
#include "base/clock.h"
#include "domain/schema_pattern.h"
#include "schema_fixture.h"

static bool found(const char *pattern, const char *text)
{
    CLEANUP(pattern_free) Pattern *p = NULL;
    Error err = {0};
    if (!pattern_compile(pattern, &p, &err))
        fail_msg("%s: %s", pattern, err.text);
    return pattern_found(p, text);
}

/* One line per pattern: texts that match, NULL, texts that do not, NULL. */
static void test_meaning(void **state)
{
    (void)state;
    static const char *const cases[][12] = {
        {"", "", "a", NULL, NULL},
        {"a", "a", "bab", NULL, "", "b", NULL},
        {"^a", "ab", NULL, "ba", NULL},
        {"a$", "ba", NULL, "ab", "a\n", NULL},
        {"^$", "", NULL, "a", "\n", NULL},
        {"a^b|x$y", NULL, "a^b", "ab", "x$y", NULL},
        {"^a*$", "", "aaa", NULL, "aab", NULL},
        {"^a+$", "a", "aa", NULL, "", NULL},
        {"^ab?c$", "ac", "abc", NULL, "abbc", NULL},
        {"^a{2}$", "aa", NULL, "a", "aaa", NULL},
        {"^a{2,}$", "aa", "aaaaa", NULL, "a", NULL},
        {"^a{1,3}$", "a", "aa", "aaa", NULL, "", "aaaa", NULL},
        {"^a{0}b{0,1}$", "", "b", NULL, "a", "bb", NULL},
        {"^(ab|c)*d$", "d", "ababd", "cabd", NULL, "acd", NULL},
        {"^(a|b|cd|)$", "a", "b", "cd", "", NULL, "c", "ab", NULL},
        {"^(?:a(b|))+$", "a", "ab", "aaba", NULL, "abb", NULL},
        {"^((a*)*|b)*$", "", "aab", "baa", NULL, "c", NULL},
        {"^x|y$", "xa", "ay", NULL, "axa", "ya", NULL},
        {"^.$", "a", "é", "€", "😀", NULL, "", "\n", "\r", "\xe2\x80\xa8", "ab", NULL},
        {"^.{3}$", "aé😀", NULL, "é€", NULL},
        {"^[a-c_]$", "a", "c", "_", NULL, "d", "-", NULL},
        {"^[^a-c]$", "d", "é", "\n", NULL, "a", "", NULL},
        {"^[-a]$", "-", "a", NULL, "b", NULL},
        {"^[a-]$", "-", "a", NULL, "b", NULL},
        {"^[a\\-c]$", "-", "a", "c", NULL, "b", NULL},
        {"^[\\]\\[^.$\\\\]$", "]", "[", "^", ".", "$", "\\", NULL, "a", NULL},
        {"^[[:alpha]$", ":", "[", "h", NULL, "b", NULL},
        {"^[äö-ü]$", "ä", "ö", "ø", NULL, "a", "Ä", NULL},
        {"^é*x$", "x", "ééx", NULL, "\xc3x", "éy", NULL},
        {"^\\d\\w\\s$", "5_ ", "0a\t", "1Z\xc2\xa0", NULL, "a_ ", "5- ", "5_x", NULL},
        {"^\\D\\W\\S$", "a-x", "é€😀", NULL, "5-x", "aax", "a- ", NULL},
        {"^[\\d.\\s]+$", "1.5 6", NULL, "1a", NULL},
        {"^[^\\s\\d]$", "x", "é", NULL, " ", "\xe3\x80\x80", "5", NULL},
        {"^\\t\\n\\r\\f\\v$", "\t\n\r\f\v", NULL, "tnrfv", NULL},
        {"^[\\t\\n]$", "\t", "\n", NULL, "t", NULL},
        {"^\\<\\@$", "<@", NULL, "\\<", NULL},
        {"^\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\^\\$\\\\\\/\\-$", ".*+?()[]{}|^$\\/-", NULL, "x", NULL},
        {"^[a-zA-Z0-9._-]{1,249}$", "my.topic_1-x", NULL, "", "a b", "ä", NULL},
        {"^(a?){3}(a){3}$", "aaa", "aaaaaa", NULL, "aa", "aaaaaaa", NULL},
        {"^(ab{1,2}c?){2,3}$", "abab", "abbcabab", NULL, "ab", "abababab", "abbbab", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *const *at = cases[i] + 1;
        for (bool wanted = true;; at++) {
            if (!*at && !wanted)
                break;
            if (!*at)
                wanted = false;
            else if (found(cases[i][0], *at) != wanted)
                fail_msg("%s: \"%s\" must %smatch", cases[i][0], *at, wanted ? "" : "not ");
        }
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *part;
    } cases[] = {
        {"(a", "group without its end"},          {"a)", ") without its beginning"},
        {"[a", "class without its end"},          {"[a\\", "has an escape"},
        {"[]", "empty class"},                    {"[^]", "empty class"},
        {"a]", "] or }"},                         {"a}", "] or }"},
        {"*a", "repeats nothing"},                {"a|*", "repeats nothing"},
        {"(?=a)", "looks around"},                {"(?<n>a)", "looks around"},
        {"(?!a)", "looks around"},                {"a*?", "lazy"},
        {"a++", "repetition of a repetition"},    {"a{2}{3}", "repetition of a repetition"},
        {"^*", "repeats an anchor"},              {"${2}", "repeats an anchor"},
        {"a{", "begins no repetition"},           {"a{,3}", "begins no repetition"},
        {"a{1,2", "begins no repetition"},        {"a{x}", "begins no repetition"},
        {"a{256}", "above 255"},                  {"a{1,256}", "above 255"},
        {"a{99999999999999999999}", "above 255"}, {"a{3,2}", "ends before it begins"},
        {"[z-a]", "ends before it begins"},       {"[\\d-x]", "begins with a class"},
        {"[a-\\d]", "has an escape"},             {"[\\D]", "has an escape"},
        {"\\1", "has an escape"},                 {"\\b", "has an escape"},
        {"\\u0041", "has an escape"},             {"\\", "has an escape"},
        {"(a{255}){255}", "is too large"},        {"((a{1,100}){1,10}){1,10}", "is too large"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(pattern_free) Pattern *p = NULL;
        Error err = {0};
        if (pattern_compile(cases[i].pattern, &p, &err) || err.kind != ERR_INVALID || !strstr(err.text, cases[i].part))
            fail_msg("%s: %s", cases[i].pattern, err.text);
    }
}

static void test_group_depth(void **state)
{
    (void)state;
    Error err = {0};
    Pattern *none = NULL;
    CLEANUP_FREE char *fine = xasprintf("^%.*sa%.*s$", 32, "((((((((((((((((((((((((((((((((", 32, "))))))))))))))))))))))))))))))))");
    CLEANUP_FREE char *deep = xasprintf("(%s)", fine);
    assert_true(found(fine, "a"));
    assert_false(found(fine, "b"));
    assert_false(pattern_compile(deep, &none, &err));
    assert_string_equal(err.text, "has groups nested deeper than 32");
}

/* Patterns that take a backtracking matcher for ever; the longest texts. */
static void test_cost(void **state)
{
    (void)state;
    static const char *const patterns[] = {"^(a*)*b$", "^(a|a)*b$", "^(a|aa)+$x", "(a|b)*a(a|b){200}c", "(([ab]{1,30}){1,8}){1,8}c"};
    char text[4097];
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        text[i] = i % 7 ? 'a' : 'b';
    text[sizeof(text) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
        int64_t began = clock_ms();
        assert_false(found(patterns[i], text));
        assert_true(clock_ms() - began < 10000); /* of instrumented code on a busy machine; others take hours */
    }
}

static void test_formats(void **state)
{
    (void)state;
    static const char *const cases[][24] = {
        {"date-time", "2024-02-29T23:59:59Z", "1990-12-31T23:59:60Z", "1990-12-31T15:59:60-08:00", "2000-02-29t00:00:00.5z", "1998-12-31T00:00:00+23:59",
         NULL, "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-04-31T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
         "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00", "2024-01-01 00:00:00Z", "2024-01-01T00:00:00.Z",
         "2024-01-01T00:00:00+2:00", "2024-01-01T00:00:00+02:60", "2024-01-01T00:00:00Zx", "24-01-01T00:00:00Z", NULL},
        {"uri", "http://a", "a:", "https://u:p@h:8080/p?q#f", "http://[::1]:80/", "http://h:/", "file:///etc/x", "urn:a:b", "http://h/%41", NULL, "", "a", "1a:b",
         "http://h/%4", "http://h/%zz", "http://h/a b", "http://[::1", "http://[::g]/", "http://h:x/", "http://a@b@c/", "http://h/[", "a:b#c#d", NULL},
        {"hostname", "a", "a-b.c1", "0.example", NULL, "", "a.", ".a", "a..b", "-a", "a-", "a_b", "ä",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
        {"ipv4", "0.0.0.0", "255.255.255.255", NULL, "", "1.2.3", "1.2.3.256", "1.2.3.4.", "01.2.3.4", " 1.2.3.4", NULL},
        {"ipv6", "::", "2001:db8::1", "::ffff:192.0.2.1", NULL, "", ":::", "1::2::3", "1:2:3:4:5:6:7", "fe80::1%eth0", "[::1]", NULL},
        {"email", "a@b", "first.last+tag@example.com", NULL, "", "@b", "a@", "a@@b", ".a@b", "a.@b", "a b@c", "a@b_c", NULL},
        {"uuid", "123e4567-e89b-42d3-a456-426614174000", "123E4567-E89B-42D3-A456-426614174000", NULL, "", "123e4567e89b42d3a456426614174000",
         "123e4567-e89b-42d3-a456-42661417400", "123e4567-e89b-42d3-a456-4266141740000", "123e4567-e89b-42d3-a456-42661417400g", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_JSON json_t *source = json_pack("{s:s}", "format", cases[i][0]);
        CLEANUP(schema_free) Schema *s = NULL;
        assert_true(schema_compile(source, &s, NULL));
        bool wanted = true;
        for (const char *const *at = cases[i] + 1; *at || wanted; at++) {
            CLEANUP_JSON json_t *value = json_string(*at ? *at : "");
            if (!*at)
                wanted = false;
            else if (schema_check(s, "v", value, NULL) != wanted)
                fail_msg("%s: \"%s\" must %sfit", cases[i][0], *at, wanted ? "" : "not ");
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meaning),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_group_depth),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
