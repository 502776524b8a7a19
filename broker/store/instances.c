/* Instances and bindings. */
#include "store/db.h"

bool store_lock_instance(Tx *tx, const char *id, Instance *ret, Error *err)
{
    CLEANUP_QUERY Query lock = QUERY(SQL_LOCK_INSTANCE);
    query_text(&lock, id);
    CLEANUP_QUERY Query get = QUERY(SQL_GET_INSTANCE);
    query_text(&get, id);
    CLEANUP_RESULT PGresult *result = NULL;
    return tx_run_all(tx, (const Query *const[]){&lock, &get}, 2, &result, err) && row_instance(result, ret, err);
}

bool store_get_instance(Store *store, const char *id, Instance *ret, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_GET_INSTANCE);
    query_text(&q, id);
    CLEANUP_RESULT PGresult *result = NULL;
    return store_run(store, &q, &result, err) && row_instance(result, ret, err);
}

bool store_insert_instance(Tx *tx, const Instance *i, const Amounts *need, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_INSERT_INSTANCE);
    query_text(&q, i->id);
    query_text(&q, instance_state_name(i->state));
    query_text(&q, i->service_id);
    query_text(&q, i->plan_id);
    query_text(&q, i->organization_guid);
    query_text(&q, i->space_guid);
    query_text(&q, i->ns);
    query_json(&q, i->parameters);
    query_json(&q, i->context);
    query_text(&q, i->maintenance_version);
    query_int(&q, need->brokers);
    query_int(&q, need->millicores);
    query_int(&q, need->memory);
    query_int(&q, need->storage);
    Error why = {0};
    if (tx_run(tx, &q, NULL, &why))
        return true;
    if (why.kind == ERR_CONFLICT)
        return error_set(err, ERR_CONFLICT, "an instance with this id or with the namespace %s exists already", i->ns);
    return error_set(err, why.kind, "%s", why.text);
}

/* Runs a statement that must change one row. */
static bool change_one(Tx *tx, const Query *q, const char *noun, Error *err)
{
    CLEANUP_RESULT PGresult *result = NULL;
    if (!tx_run(tx, q, &result, err))
        return false;
    return result_count(result) == 1 || error_set(err, ERR_NOT_FOUND, "there is no such %s", noun);
}

bool store_set_instance_state(Tx *tx, const char *id, InstanceState state, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_SET_INSTANCE_STATE);
    query_text(&q, id);
    query_text(&q, instance_state_name(state));
    return change_one(tx, &q, "instance", err);
}

bool store_set_instance_context(Tx *tx, const char *id, const json_t *context, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_SET_INSTANCE_CONTEXT);
    query_text(&q, id);
    query_json(&q, context);
    return change_one(tx, &q, "instance", err);
}

bool store_find_binding(Tx *tx, const char *id, Binding *ret, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_FIND_BINDING);
    query_text(&q, id);
    CLEANUP_RESULT PGresult *result = NULL;
    return tx_run(tx, &q, &result, err) && row_binding(result, ret, err);
}

bool store_get_binding(Store *store, const char *instance_id, const char *id, Binding *ret, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_GET_BINDING);
    query_text(&q, id);
    query_text(&q, instance_id);
    CLEANUP_RESULT PGresult *result = NULL;
    return store_run(store, &q, &result, err) && row_binding(result, ret, err);
}

bool store_insert_binding(Tx *tx, const Binding *b, int lifetime_seconds, int renew_seconds, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_INSERT_BINDING);
    query_text(&q, b->id);
    query_text(&q, binding_state_name(b->state));
    query_text(&q, b->instance_id);
    query_text(&q, b->service_id);
    query_text(&q, b->plan_id);
    query_text(&q, b->app_guid);
    query_json(&q, b->parameters);
    query_json(&q, b->context);
    query_text(&q, b->predecessor_id);
    query_int(&q, lifetime_seconds);
    query_int(&q, renew_seconds);
    Error why = {0};
    if (tx_run(tx, &q, NULL, &why))
        return true;
    if (why.kind == ERR_CONFLICT)
        return error_set(err, ERR_CONFLICT, "a binding with this id exists already");
    return error_set(err, why.kind, "%s", why.text);
}

bool store_set_binding_state(Tx *tx, const char *id, BindingState state, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_SET_BINDING_STATE);
    query_text(&q, id);
    query_text(&q, binding_state_name(state));
    return change_one(tx, &q, "binding", err);
}
