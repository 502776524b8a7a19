/* Sealed secrets: written once, read many times; they go with their instance or binding. */
#include "store/db.h"

#include "base/mem.h"

#include <limits.h>
#include <string.h>

bool store_secret_put(Store *store, const SecretRef *ref, const SecretValue *value, bool *ret_kept, Error *err)
{
    if (value->len > INT_MAX)
        return error_set(err, ERR_INVALID, "secret %s is too large", ref->name);
    CLEANUP_QUERY Query q = QUERY(SQL_SECRET_PUT);
    query_text(&q, ref->instance_id);
    query_text(&q, ref->binding_id);
    query_text(&q, ref->name);
    query_text(&q, value->key_id);
    query_bytes(&q, value->sealed, value->len);
    Error why = {0};
    CLEANUP_RESULT PGresult *result = NULL;
    if (!store_run(store, &q, &result, &why)) {
        if (why.kind == ERR_GONE)
            return error_set(err, ERR_GONE, "the instance or binding of secret %s is gone", ref->name);
        return error_set(err, why.kind, "%s", why.text);
    }
    *ret_kept = result_count(result) == 0;
    return true;
}

bool store_secret_get(Store *store, const SecretRef *ref, char **ret_key_id, uint8_t **ret, size_t *ret_len, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_SECRET_GET);
    query_text(&q, ref->instance_id);
    query_text(&q, ref->binding_id);
    query_text(&q, ref->name);
    CLEANUP_RESULT PGresult *result = NULL;
    if (!store_run(store, &q, &result, err))
        return false;
    if (PQntuples(result) == 0)
        return error_set(err, ERR_NOT_FOUND, "there is no secret %s", ref->name);
    size_t n;
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(result, 0, 1), &n);
    if (!bytes)
        return error_set(err, ERR_INTERNAL, "database: secret %s cannot be read", ref->name);
    uint8_t *copy = xmalloc(n + 1);
    memcpy(copy, bytes, n);
    PQfreemem(bytes);
    *ret_key_id = xstrdup(PQgetvalue(result, 0, 0));
    *ret = copy;
    *ret_len = n;
    return true;
}
