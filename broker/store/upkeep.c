/* Counters for quotas, and what is forgotten or revoked with time. */
#include "store/db.h"

bool store_lock_usage(Tx *tx, const char *scope, const char *key, Amounts *ret, Error *err)
{
    CLEANUP_FREE char *name = xasprintf("%s/%s", scope, key);
    CLEANUP_QUERY Query lock = QUERY(SQL_LOCK_USAGE);
    query_text(&lock, name);
    CLEANUP_QUERY Query read = QUERY(SQL_USAGE);
    query_text(&read, scope);
    query_text(&read, key);
    CLEANUP_RESULT PGresult *result = NULL;
    if (!tx_run_all(tx, (const Query *const[]){&lock, &read}, 2, &result, err))
        return false;
    *ret = (Amounts){.instances = row_int(result, 0), .brokers = row_int(result, 1), .millicores = row_int(result, 2),
                     .memory = row_int(result, 3), .storage = row_int(result, 4)};
    return true;
}

bool store_fill_amounts(Store *store, const char *plan_id, const Amounts *need, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_FILL_AMOUNTS);
    query_text(&q, plan_id);
    query_int(&q, need->brokers);
    query_int(&q, need->millicores);
    query_int(&q, need->memory);
    query_int(&q, need->storage);
    return store_run(store, &q, NULL, err);
}

bool store_expired_bindings(Store *store, int max, BindingRef **ret, size_t *ret_count, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_EXPIRED_BINDINGS);
    query_int(&q, max);
    CLEANUP_RESULT PGresult *result = NULL;
    if (!store_run(store, &q, &result, err))
        return false;
    *ret_count = (size_t)PQntuples(result);
    *ret = xcalloc(*ret_count + 1, sizeof(**ret));
    for (size_t i = 0; i < *ret_count; i++)
        (*ret)[i] = (BindingRef){.binding_id = xstrdup(PQgetvalue(result, (int)i, 0)), .instance_id = xstrdup(PQgetvalue(result, (int)i, 1))};
    return true;
}

void store_free_bindings(BindingRef *refs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(refs[i].instance_id);
        free(refs[i].binding_id);
    }
    free(refs);
}

bool store_prune(Store *store, int days, int *ret, Error *err)
{
    CLEANUP_QUERY Query operations = QUERY(SQL_PRUNE_OPERATIONS);
    CLEANUP_QUERY Query usage = QUERY(SQL_PRUNE_USAGE);
    query_int(&operations, days);
    CLEANUP_RESULT PGresult *result = NULL;
    if (!store_run(store, &operations, &result, err) || !store_run(store, &usage, NULL, err))
        return false;
    *ret = result_count(result);
    return true;
}
