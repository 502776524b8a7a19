/* Last operations, the most frequent read by far: many are read in one round trip. */
#include "store/db.h"

#include "base/str.h"

static void read_one(Store *store, LastOperation *asked)
{
    CLEANUP_QUERY Query q = QUERY(SQL_LAST_OPERATION);
    query_text(&q, asked->instance_id);
    query_text(&q, asked->binding_id);
    CLEANUP_RESULT PGresult *result = NULL;
    asked->ok = store_run(store, &q, &result, asked->err) && row_operation(result, &asked->operation, asked->err);
}

/* One element of an array literal (PostgreSQL, Array Input and Output Syntax). */
static void put_element(Str *array, const char *text)
{
    str_append(array, array->len ? ",\"" : "{\"");
    for (const char *c = text ? text : ""; *c; c++) {
        if (*c == '"' || *c == '\\')
            str_append_char(array, '\\');
        str_append_char(array, *c);
    }
    str_append_char(array, '"');
}

static bool run_many(Store *store, const LastOperation *asked, size_t n, PGresult **ret, Error *err)
{
    CLEANUP_STR Str instances = STR_INIT, bindings = STR_INIT;
    CLEANUP_QUERY Query q = QUERY(SQL_LAST_OPERATIONS);
    for (size_t i = 0; i < n; i++) {
        put_element(&instances, asked[i].instance_id);
        put_element(&bindings, asked[i].binding_id);
    }
    str_append_char(&instances, '}');
    str_append_char(&bindings, '}');
    query_text(&q, str_text(&instances));
    query_text(&q, str_text(&bindings));
    return store_run(store, &q, ret, err);
}

void store_last_operations(Store *store, LastOperation *asked, size_t n)
{
    if (n == 1) {
        read_one(store, asked);
        return;
    }
    Error err;
    CLEANUP_RESULT PGresult *result = NULL;
    bool ok = run_many(store, asked, n, &result, &err);
    for (size_t i = 0; i < n; i++) {
        asked[i].operation = (Operation){0};
        asked[i].ok = ok;
        if (!ok)
            *asked[i].err = err;
    }
    for (int row = 0; ok && row < PQntuples(result); row++) {
        LastOperation *of = &asked[row_int_at(result, row, 15) - 1];
        of->ok = row_operation_at(result, row, &of->operation, of->err);
    }
}
