/* The store without a database: its statements as text, rows with wrong words, connection strings. */
#include "store/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void statements_are_complete(void **state)
{
    (void)state;
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        assert_non_null(statements[i].name);
        assert_non_null(statements[i].sql);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(statements[i].name, statements[k].name);
    }
}

static void parameters_are_numbered_without_gaps(void **state)
{
    (void)state;
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        bool used[QUERY_PARAMETERS + 1] = {false};
        int highest = 0;
        for (const char *p = statements[i].sql; (p = strchr(p, '$')); p++) {
            int n = (int)strtol(p + 1, NULL, 10);
            assert_in_range(n, 1, QUERY_PARAMETERS);
            used[n] = true;
            highest = n > highest ? n : highest;
        }
        for (int n = 1; n <= highest; n++)
            assert_true(used[n]);
    }
}

static void worker_writes_are_fenced(void **state)
{
    static const StatementId fenced[] = {SQL_HEARTBEAT, SQL_STEP_BEGIN, SQL_STEP_DONE, SQL_AGAIN, SQL_DESCRIBE, SQL_FINISH};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(fenced); i++)
        assert_non_null(strstr(statements[fenced[i]].sql, "where id = $1 and lease_epoch = $2 and state = 'in progress'"));
}

/* A result as the server would send it. */
static PGresult *result_of(const char *const *values, int count)
{
    PGresult *r = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc columns[16];
    char name[] = "column";
    memset(columns, 0, sizeof(columns));
    for (int i = 0; i < count; i++)
        columns[i].name = name;
    assert_true(PQsetResultAttrs(r, count, columns));
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *copy = xstrdup(values[i]);
        assert_true(PQsetvalue(r, 0, i, copy, copy ? (int)strlen(copy) : -1));
    }
    return r;
}

static void rows_become_nouns(void **state)
{
    const char *const values[] = {"id", "ready", "s", "p", "o", "sp", "ns", NULL, "{\"a\":1}"};
    CLEANUP_RESULT PGresult *r = result_of(values, 9);
    CLEANUP(instance_clear) Instance i = {0};
    Error err = {0};
    (void)state;
    assert_true(row_instance(r, &i, &err));
    assert_int_equal(i.state, INSTANCE_READY);
    assert_string_equal(i.ns, "ns");
    assert_null(i.parameters);
    assert_int_equal(json_int_at(i.context, "a", 0), 1);
}

static void wrong_rows_are_refused(void **state)
{
    const char *const word[] = {"id", "melting", "s", "p", "o", "sp", "ns", NULL, NULL};
    const char *const broken[] = {"id", "ready", "s", "p", "o", "sp", "ns", "{\"a\":1}", "{"};
    CLEANUP_RESULT PGresult *unknown = result_of(word, 9);
    CLEANUP_RESULT PGresult *half = result_of(broken, 9);
    Instance i = {.state = INSTANCE_DELETING};
    Error err = {0};
    (void)state;
    assert_false(row_instance(unknown, &i, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_non_null(strstr(err.text, "melting"));
    assert_false(row_instance(half, &i, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_int_equal(i.state, INSTANCE_DELETING); /* untouched */
}

static void no_row_is_absent(void **state)
{
    CLEANUP_RESULT PGresult *none = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    Instance i = {.state = INSTANCE_READY};
    Binding b = {.state = BINDING_READY};
    Operation o = {.found = true};
    (void)state;
    assert_true(row_instance(none, &i, NULL) && row_binding(none, &b, NULL) && row_operation(none, &o, NULL));
    assert_int_equal(i.state, INSTANCE_ABSENT);
    assert_int_equal(b.state, BINDING_ABSENT);
    assert_false(o.found);
}

static void queries_hold_their_parameters(void **state)
{
    CLEANUP_QUERY Query q = QUERY(SQL_INSERT_INSTANCE);
    CLEANUP_JSON json_t *object = json_pack("{s:i}", "a", 1);
    CLEANUP_JSON json_t *null = json_null();
    (void)state;
    query_text(&q, NULL);
    query_int(&q, INT64_MIN);
    query_json(&q, object);
    query_json(&q, null);
    query_bytes(&q, "\0x", 2);
    assert_int_equal(q.count, 5);
    assert_null(q.values[0]);
    assert_string_equal(q.values[1], "-9223372036854775808");
    assert_string_equal(q.values[2], "{\"a\":1}");
    assert_null(q.values[3]);
    assert_true(q.lengths[4] == 2 && q.formats[4] == 1 && q.formats[0] == 0);
}

static void connection_strings_are_checked(void **state)
{
    static const char *const wrong[] = {"secret-word", "password=secret-word nonsense=1", "postgresql://u:secret-word@[x", "host='secret-word"};
    Error err = {0};
    Store *store = NULL;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_false(store_open(wrong[i], 1, 0, &store, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_null(strstr(err.text, "secret-word"));
    }
    assert_false(store_open("dbname=x", 0, 0, &store, &err));
    assert_false(store_open("dbname=x", 257, 0, &store, &err));
    assert_null(store);
    assert_true(store_open("postgresql:///x?host=/nowhere", 256, 0, &store, &err));
    assert_false(store_ready(store, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_null(store_close(store));
}

static void nothing_is_released_quietly(void **state)
{
    (void)state;
    assert_null(store_close(NULL));
    assert_null(tx_free(NULL));
    assert_null(listener_free(NULL));
    assert_null(conn_close(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_complete),
        cmocka_unit_test(parameters_are_numbered_without_gaps),
        cmocka_unit_test(worker_writes_are_fenced),
        cmocka_unit_test(rows_become_nouns),
        cmocka_unit_test(wrong_rows_are_refused),
        cmocka_unit_test(no_row_is_absent),
        cmocka_unit_test(queries_hold_their_parameters),
        cmocka_unit_test(connection_strings_are_checked),
        cmocka_unit_test(nothing_is_released_quietly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
