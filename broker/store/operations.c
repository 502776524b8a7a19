/* Operations as the accepting side sees them: insert, cancel, read. */
#include "store/db.h"

#include "base/digest.h"

#include <string.h>

bool store_insert_operation(Tx *tx, const NewOperation *o, char ret_id[37], Error *err)
{
    char id[37];
    random_uuid(id);
    CLEANUP_QUERY Query q = QUERY(SQL_INSERT_OPERATION);
    query_text(&q, id);
    query_text(&q, operation_kind_name(o->kind));
    query_text(&q, o->instance_id);
    query_text(&q, o->binding_id);
    query_int(&q, o->deadline_seconds);
    query_text(&q, o->originating_identity);
    query_text(&q, o->request_identity);
    query_json(&q, o->request);
    Error why = {0};
    if (!tx_run(tx, &q, NULL, &why)) {
        if (why.kind == ERR_CONFLICT)
            return error_set(err, ERR_BUSY, "another operation on this %s is in progress", o->binding_id ? "binding" : "instance");
        return error_set(err, why.kind, "%s", why.text);
    }
    memcpy(ret_id, id, sizeof(id));
    return true;
}

bool store_cancel_operation(Tx *tx, const char *instance_id, const char *binding_id, const char *description, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_CANCEL_OPERATION);
    query_text(&q, instance_id);
    query_text(&q, binding_id);
    query_text(&q, description);
    return tx_run(tx, &q, NULL, err);
}

bool store_last_operation_tx(Tx *tx, const char *instance_id, const char *binding_id, Operation *ret, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_LAST_OPERATION);
    query_text(&q, instance_id);
    query_text(&q, binding_id);
    CLEANUP_RESULT PGresult *result = NULL;
    return tx_run(tx, &q, &result, err) && row_operation(result, ret, err);
}

bool store_binding_operations_open(Tx *tx, const char *instance_id, bool *ret, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_BINDING_OPERATIONS_OPEN);
    query_text(&q, instance_id);
    CLEANUP_RESULT PGresult *result = NULL;
    if (!tx_run(tx, &q, &result, err))
        return false;
    *ret = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    return true;
}

bool store_get_operation(Store *store, const char *id, Operation *ret, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_GET_OPERATION);
    query_text(&q, id);
    CLEANUP_RESULT PGresult *result = NULL;
    return store_run(store, &q, &result, err) && row_operation(result, ret, err);
}

static bool read_request(const PGresult *result, json_t **ret, Error *err)
{
    *ret = NULL;
    return PQntuples(result) == 0 || PQgetisnull(result, 0, 0) ||
           json_parse(PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0), ret, err);
}

bool store_operation_request(Store *store, const char *id, json_t **ret, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_OPERATION_REQUEST);
    query_text(&q, id);
    CLEANUP_RESULT PGresult *result = NULL;
    return store_run(store, &q, &result, err) && read_request(result, ret, err);
}

bool store_operation_request_tx(Tx *tx, const char *id, json_t **ret, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_OPERATION_REQUEST);
    query_text(&q, id);
    CLEANUP_RESULT PGresult *result = NULL;
    return tx_run(tx, &q, &result, err) && read_request(result, ret, err);
}
