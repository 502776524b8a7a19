/* Record batches: checksum, round trip, damage. */
#include "base/mem.h"
#include "kafka/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_crc32c(void **state)
{
    (void)state;
    static const uint8_t zeros[32];
    assert_int_equal(records_crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(records_crc32c(zeros, sizeof(zeros)), 0x8a9136aa); /* RFC 3720 B.4 */
    assert_int_equal(records_crc32c("", 0), 0);
}

/* Layout of one record "hi" at time 1, checked field by field against the definition of a version 2 batch. */
static void test_layout(void **state)
{
    (void)state;
    CLEANUP_STR Str out = STR_INIT;
    records_build("hi", 2, 1, &out);
    static const char before_crc[] = "\0\0\0\0\0\0\0\0" "\0\0\0\x3a" "\xff\xff\xff\xff" "\x02";
    static const char after_crc[] = "\0\0" "\0\0\0\0" "\0\0\0\0\0\0\0\x01" "\0\0\0\0\0\0\0\x01" "\xff\xff\xff\xff\xff\xff\xff\xff"
                                    "\xff\xff" "\xff\xff\xff\xff" "\0\0\0\x01" "\x10" "\0\0\0\x01\x04hi\0";
    assert_int_equal(out.len, sizeof(before_crc) - 1 + 4 + sizeof(after_crc) - 1);
    assert_memory_equal(out.data, before_crc, sizeof(before_crc) - 1);
    assert_memory_equal(out.data + 21, after_crc, sizeof(after_crc) - 1);
}

static ErrorKind find(const Str *bytes, size_t n, int64_t offset, Str *value)
{
    Error err = {0};
    CLEANUP_FREE char *exact = xmalloc(n);
    memcpy(exact, str_text(bytes), n);
    return records_find(exact, n, offset, value, &err) ? ERR_NONE : err.kind;
}

static void test_find(void **state)
{
    (void)state;
    CLEANUP_STR Str two = STR_INIT, value = STR_INIT;
    records_build("first", 5, 1700000000000, &two);
    size_t one = two.len;
    records_build("second", 6, 1700000000000, &two);
    two.data[one + 7] = 5; /* as the broker does: the base offset is outside the checksum */
    assert_int_equal(find(&two, two.len, 5, &value), ERR_NONE);
    assert_string_equal(str_text(&value), "second");
    assert_int_equal(find(&two, two.len, 0, &value), ERR_NONE);
    assert_string_equal(str_text(&value), "secondfirst");
    assert_int_equal(find(&two, two.len, 4, &value), ERR_NOT_FOUND);
    assert_int_equal(find(&two, 0, 0, &value), ERR_NOT_FOUND);
    for (size_t n = one; n < two.len; n++)
        assert_int_equal(find(&two, n, 5, &value), ERR_NOT_FOUND); /* a batch cut short is the rule with Fetch */
}

static void test_damage(void **state)
{
    (void)state;
    CLEANUP_STR Str batch = STR_INIT, value = STR_INIT;
    records_build("value", 5, 1700000000000, &batch);
    for (size_t i = 16; i < batch.len; i++) { /* magic, checksum and all that it covers */
        batch.data[i] ^= 0x40;
        assert_int_equal(find(&batch, batch.len, 0, &value), ERR_INTERNAL);
        batch.data[i] ^= 0x40;
    }
    static const uint8_t lengths[] = {0x00, 0x30, 0x7f, 0x80, 0xff};
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        batch.data[8] = (char)lengths[i];
        assert_int_not_equal(find(&batch, batch.len, 0, &value), ERR_RETRY);
        batch.data[8] = 0;
    }
    batch.data[11] = 1;
    assert_int_equal(find(&batch, batch.len, 0, &value), ERR_INTERNAL);
}

/* Lengths inside a record that its batch does not hold, under a correct checksum. */
static void test_hostile_record(void **state)
{
    (void)state;
    for (int hostile = 0; hostile < 256; hostile++) {
        for (size_t at = 61; at < 69; at++) {
            CLEANUP_STR Str batch = STR_INIT, value = STR_INIT;
            records_build("value", 5, 0, &batch);
            batch.data[at] = (char)hostile;
            uint32_t crc = records_crc32c(batch.data + 21, batch.len - 21);
            for (int i = 0; i < 4; i++)
                batch.data[17 + i] = (char)(crc >> (24 - 8 * i));
            ErrorKind kind = find(&batch, batch.len, 0, &value);
            assert_true(kind == ERR_NONE || kind == ERR_INTERNAL || kind == ERR_NOT_FOUND);
            assert_true(value.len <= 9);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c), cmocka_unit_test(test_layout),         cmocka_unit_test(test_find),
        cmocka_unit_test(test_damage), cmocka_unit_test(test_hostile_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
