/* Operations as workers see them: claim, heartbeat, journal, release, finish; every write is fenced by the lease epoch. */
#include "store/db.h"

#include "domain/lifecycle.h"

bool store_claim(Store *store, const char *owner, int lease_seconds, Operation *ret, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_CLAIM);
    query_text(&q, owner);
    query_int(&q, lease_seconds);
    CLEANUP_RESULT PGresult *result = NULL;
    return store_run(store, &q, &result, err) && row_operation(result, ret, err);
}

bool store_next_due_ms(Store *store, int max_ms, int *ret, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_NEXT_DUE);
    CLEANUP_RESULT PGresult *result = NULL;
    if (!store_run(store, &q, &result, err))
        return false;
    int64_t ms = PQgetisnull(result, 0, 0) ? max_ms : row_int(result, 0);
    *ret = ms < 0 ? 0 : ms > max_ms ? max_ms : (int)ms;
    return true;
}

/* The first two parameters of every fenced write. */
static void query_fence(Query *q, const Operation *o)
{
    query_text(q, o->id);
    query_int(q, o->lease_epoch);
}

static bool lost(const Operation *o, Error *err)
{
    return error_set(err, ERR_LOST, "operation %s is no longer held by this worker", o->id);
}

/* Runs a fenced write; no row means that the lease is another's or the operation has ended. */
static bool write_fenced(Store *store, const Query *q, const Operation *o, Error *err)
{
    CLEANUP_RESULT PGresult *result = NULL;
    if (!store_run(store, q, &result, err))
        return false;
    return result_count(result) > 0 || lost(o, err);
}

bool store_heartbeat(Store *store, const Operation *o, int lease_seconds, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_HEARTBEAT);
    query_fence(&q, o);
    query_int(&q, lease_seconds);
    return write_fenced(store, &q, o, err);
}

bool store_step_begin(Store *store, const Operation *o, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_STEP_BEGIN);
    query_fence(&q, o);
    query_int(&q, o->step);
    query_int(&q, o->step_count);
    query_text(&q, o->step_name);
    query_int(&q, o->retry_after_seconds > 0 ? o->retry_after_seconds : 1);
    return write_fenced(store, &q, o, err);
}

bool store_step_done(Store *store, const Operation *o, const char *note, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_STEP_DONE);
    query_fence(&q, o);
    query_text(&q, note);
    return write_fenced(store, &q, o, err);
}

bool store_again(Store *store, const Operation *o, const char *description, bool is_retry, int delay_ms, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_AGAIN);
    query_fence(&q, o);
    query_text(&q, description);
    query_int(&q, is_retry);
    query_int(&q, delay_ms);
    return write_fenced(store, &q, o, err);
}

bool store_describe(Store *store, const Operation *o, const char *description, int retry_after_seconds, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_DESCRIBE);
    query_fence(&q, o);
    query_text(&q, description);
    query_int(&q, retry_after_seconds);
    return write_fenced(store, &q, o, err);
}

bool store_let_go(Store *store, const Operation *o, const char *owner, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_LET_GO);
    query_fence(&q, o);
    query_text(&q, owner);
    return store_run(store, &q, NULL, err);
}

bool store_release_all(Store *store, const char *owner, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_RELEASE_ALL);
    query_text(&q, owner);
    return store_run(store, &q, NULL, err);
}

/* Locks the instance as the accepting side does, then ends the operation; in this order, so that the two never wait for each other in a circle. */
static bool end_operation(Tx *tx, const Operation *o, OperationState end, const char *description, Error *err)
{
    CLEANUP_QUERY Query lock = QUERY(SQL_LOCK_INSTANCE);
    query_text(&lock, o->instance_id);
    CLEANUP_QUERY Query finish = QUERY(SQL_FINISH);
    query_fence(&finish, o);
    query_text(&finish, operation_state_name(end));
    query_text(&finish, description && *description ? description : operation_state_name(end));
    query_text(&finish, o->update_repeatable ? "t" : "f");
    CLEANUP_RESULT PGresult *result = NULL;
    if (!tx_run_all(tx, (const Query *const[]){&lock, &finish}, 2, &result, err))
        return false;
    return result_count(result) > 0 || lost(o, err);
}

/* A row that is gone already needs no move. */
static bool move_instance(Tx *tx, const char *id, InstanceState state, Error *err)
{
    bool remove = state == INSTANCE_ABSENT;
    CLEANUP_QUERY Query bindings = QUERY(SQL_FAIL_BINDING_OPERATIONS);
    query_text(&bindings, id);
    CLEANUP_QUERY Query move = QUERY(remove ? SQL_DELETE_INSTANCE : SQL_SET_INSTANCE_STATE);
    query_text(&move, id);
    if (remove)
        return tx_run_all(tx, (const Query *const[]){&bindings, &move}, 2, NULL, err);
    query_text(&move, instance_state_name(state));
    return tx_run(tx, &move, NULL, err);
}

/* What the update has asked for becomes the instance's. */
static bool take_over(Tx *tx, const Operation *o, Error *err)
{
    CLEANUP_QUERY Query q = QUERY(SQL_UPDATE_INSTANCE);
    query_text(&q, o->instance_id);
    query_text(&q, o->id);
    return tx_run(tx, &q, NULL, err);
}

static bool move_binding(Tx *tx, const char *id, BindingState state, Error *err)
{
    CLEANUP_QUERY Query move = QUERY(state == BINDING_ABSENT ? SQL_DELETE_BINDING : SQL_SET_BINDING_STATE);
    query_text(&move, id);
    if (state != BINDING_ABSENT)
        query_text(&move, binding_state_name(state));
    return tx_run(tx, &move, NULL, err);
}

bool store_finish(Store *store, const Operation *o, OperationState end, const char *description, Error *err)
{
    InstanceState instance = INSTANCE_ABSENT;
    BindingState binding = BINDING_ABSENT;
    if (end == OPERATION_IN_PROGRESS)
        return error_set(err, ERR_INVALID, "an operation ends as succeeded or failed");
    lifecycle_outcome(o->kind, end, &instance, &binding);
    CLEANUP(tx_free) Tx *tx = NULL;
    return store_begin(store, &tx, err) && end_operation(tx, o, end, description, err) &&
           (operation_is_binding(o->kind)                               ? move_binding(tx, o->binding_id, binding, err)
            : o->kind == OP_UPDATE && end == OPERATION_SUCCEEDED ? take_over(tx, o, err)
                                                                 : move_instance(tx, o->instance_id, instance, err)) &&
           store_commit(&tx, err);
}
