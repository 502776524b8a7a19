/* PostgreSQL: a pool, transactions that roll back by themselves, and the statements of every table. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "domain/types.h"

#include <stdint.h>

/* Pool of connections; shared by all threads. */
typedef struct Store Store;
/* A connection with an open transaction; its release rolls back. */
typedef struct Tx Tx;

/*
 * Opens no connection yet. conninfo: libpq connection string or URI (never logged). At most `connections` (1..256) at once; a caller waits up to
 * wait_ms for a free one. Broken connections are replaced. false: ERR_INVALID (conninfo does not parse).
 */
MUST_CHECK bool store_open(const char *conninfo, int connections, int wait_ms, Store **ret, Error *err);
Store *store_close(Store *store);
DEFINE_CLEANUP(Store *, store_close)

/* Reachable, and the schema is the one this program knows. false: ERR_RETRY (away), ERR_INVALID (schema older/newer: says which and what to do). */
MUST_CHECK bool store_ready(Store *store, Error *err);

/* Applies migrations from `folder` (NNNN-name.sql) under an advisory lock, each in a transaction, with checksums of what was applied. Calls `each` per migration
 * applied (may be NULL). false: ERR_INVALID (changed or missing file, database newer than the folder), ERR_RETRY. */
MUST_CHECK bool store_migrate(Store *store, const char *folder, void (*each)(const char *name), Error *err);

/* Whether `folder` holds the migrations that this program knows, by their names. false: ERR_INVALID. */
MUST_CHECK bool store_check_migrations(const char *folder, Error *err);
/* How many migrations this program knows. */
int store_schema_version(void);
/* Prepares every statement of the store against the schema. false: ERR_RETRY, or ERR_INTERNAL naming the statement. */
MUST_CHECK bool store_check_statements(Store *store, Error *err);

/* Database errors: connection lost, too many connections, serialization, shutdown = ERR_RETRY; else ERR_INTERNAL with SQLSTATE, never with values. */
MUST_CHECK bool store_begin(Store *store, Tx **ret, Error *err);
/* Commits and releases *tx (NULL afterwards in any case). */
MUST_CHECK bool store_commit(Tx **tx, Error *err);
Tx *tx_free(Tx *tx); /* rolls back; NULL accepted */
DEFINE_CLEANUP(Tx *, tx_free)

/* --- instances and bindings (accept side) --- */

/* Locks the id until the transaction ends (it need not exist), then reads its row. All changes of an instance and its bindings happen under this lock. */
MUST_CHECK bool store_lock_instance(Tx *tx, const char *id, Instance *ret, Error *err);
MUST_CHECK bool store_get_instance(Store *store, const char *id, Instance *ret, Error *err);
/* `need`: what it takes of quotas. */
MUST_CHECK bool store_insert_instance(Tx *tx, const Instance *i, const Amounts *need, Error *err);
MUST_CHECK bool store_set_instance_context(Tx *tx, const char *id, const json_t *context, Error *err);
MUST_CHECK bool store_set_instance_state(Tx *tx, const char *id, InstanceState state, Error *err);
/* By binding id alone (ids are unique world-wide): the caller compares instance_id. */
MUST_CHECK bool store_find_binding(Tx *tx, const char *id, Binding *ret, Error *err);
MUST_CHECK bool store_get_binding(Store *store, const char *instance_id, const char *id, Binding *ret, Error *err);
/* It expires after lifetime_seconds (0 = never) and is to be renewed renew_seconds (0..lifetime_seconds) before that. */
MUST_CHECK bool store_insert_binding(Tx *tx, const Binding *b, int lifetime_seconds, int renew_seconds, Error *err);
MUST_CHECK bool store_set_binding_state(Tx *tx, const char *id, BindingState state, Error *err);

/* --- operations (accept side) --- */

typedef struct NewOperation {
    OperationKind kind;
    const char *instance_id;
    const char *binding_id;           /* or NULL */
    int deadline_seconds;
    const char *originating_identity; /* header value as sent, or NULL */
    const char *request_identity;     /* or NULL */
    const json_t *request;            /* of an update, else NULL; see store_operation_request */
} NewOperation;

/* Inserts it runnable and notifies the workers at commit. ret_id holds a UUID. ERR_BUSY when another open operation holds the same instance (or binding). */
MUST_CHECK bool store_insert_operation(Tx *tx, const NewOperation *o, char ret_id[37], Error *err);
/*
 * Ends the open operation on the instance itself (binding_id NULL) or on that binding as failed with `description` and fences its worker out; none
 * open is fine. The next operation on the instance is not claimed before that worker has let go or its lease has run out.
 */
MUST_CHECK bool store_cancel_operation(Tx *tx, const char *instance_id, const char *binding_id, const char *description, Error *err);
/* The newest operation on the instance itself (binding_id NULL) or on that binding; also after their rows are gone. */
typedef struct LastOperation {
    const char *instance_id, *binding_id;
    Error *err;
    Operation operation; /* the caller's to clear */
    bool ok;             /* else `err` is set */
} LastOperation;
/* Fills in `operation`, or `err`, and `ok` of each, in one round trip; n >= 1. */
void store_last_operations(Store *store, LastOperation *asked, size_t n);
MUST_CHECK bool store_last_operation_tx(Tx *tx, const char *instance_id, const char *binding_id, Operation *ret, Error *err);
/*
 * What an update was accepted with (new reference; NULL for other kinds): `ask` is for the accepting side; when the update succeeds, `parameters` and
 * `context`, where present, replace those of the instance.
 */
MUST_CHECK bool store_operation_request(Store *store, const char *id, json_t **ret, Error *err);
MUST_CHECK bool store_operation_request_tx(Tx *tx, const char *id, json_t **ret, Error *err);
/* Whether any binding of the instance has an open operation. */
MUST_CHECK bool store_binding_operations_open(Tx *tx, const char *instance_id, bool *ret, Error *err);
MUST_CHECK bool store_get_operation(Store *store, const char *id, Operation *ret, Error *err);

/* --- quotas --- */

/* Locks a scope ("global" with key "", "plan", "organization" or "space" with its id) until the transaction ends, then reads what is used of it. */
MUST_CHECK bool store_lock_usage(Tx *tx, const char *scope, const char *key, Amounts *ret, Error *err);
/* Fills in what instances of a plan take, where it is not known yet (instances of an older release). */
MUST_CHECK bool store_fill_amounts(Store *store, const char *plan_id, const Amounts *need, Error *err);

/* --- housekeeping --- */

typedef struct BindingRef {
    char *instance_id, *binding_id;
} BindingRef;
/* At most `max` bindings that have expired and can be revoked now; the caller frees the array with store_free_bindings(). */
MUST_CHECK bool store_expired_bindings(Store *store, int max, BindingRef **ret, size_t *ret_count, Error *err);
void store_free_bindings(BindingRef *refs, size_t count);
/* Forgets ended operations after `days`, but never the newest one of what still exists; *ret = how many. */
MUST_CHECK bool store_prune(Store *store, int days, int *ret, Error *err);

/* --- operations (worker side). Every write is fenced: it changes only a row with this id, this lease epoch and state 'in progress'; no such row = ERR_LOST --- */

/* Takes the next runnable operation (due, not leased) for `owner` with a lease of lease_seconds; ret->found = false when there is none. FOR UPDATE SKIP LOCKED; epoch + 1. */
MUST_CHECK bool store_claim(Store *store, const char *owner, int lease_seconds, Operation *ret, Error *err);
/* Milliseconds until the next open operation can be claimed: due, no lease, nothing cancelled to wait for (at most max_ms; max_ms when there is none). */
MUST_CHECK bool store_next_due_ms(Store *store, int max_ms, int *ret, Error *err);
/* Extends the lease. */
MUST_CHECK bool store_heartbeat(Store *store, const Operation *o, int lease_seconds, Error *err);
/*
 * Journals that step o->step (o->step_name) of o->step_count begins now, with o->retry_after_seconds as advice to platforms; attempt 0 and a
 * new step_started_at if it is another step than before.
 */
MUST_CHECK bool store_step_begin(Store *store, const Operation *o, Error *err);
/* Journals that the current step is done. */
MUST_CHECK bool store_step_done(Store *store, const Operation *o, const char *note, Error *err);
/* Not ready yet, or an error to be retried (then counts an attempt): stores the description, releases the lease, due again in delay_ms. */
MUST_CHECK bool store_again(Store *store, const Operation *o, const char *description, bool is_retry, int delay_ms, Error *err);
/* Stores the description, keeps the lease. */
MUST_CHECK bool store_describe(Store *store, const Operation *o, const char *description, int retry_after_seconds, Error *err);
/*
 * Ends the operation and moves instance or binding by lifecycle_outcome() in one transaction; removal of an instance removes its bindings and
 * secrets too, success of an update takes over its request. Notifies channel cpbroker_done with the operation id. With OPERATION_FAILED the
 * description says why, and o->update_repeatable is kept.
 */
MUST_CHECK bool store_finish(Store *store, const Operation *o, OperationState end, const char *description, Error *err);
/* After ERR_LOST: `owner` has stopped working on the operation; when it was cancelled, what waits for that may start. */
MUST_CHECK bool store_let_go(Store *store, const Operation *o, const char *owner, Error *err);
/* Releases all leases of `owner` at shutdown. */
MUST_CHECK bool store_release_all(Store *store, const char *owner, Error *err);

/* --- sealed secrets; fenced by nothing, written once --- */

typedef struct SecretRef {
    const char *instance_id;
    const char *binding_id; /* or NULL for the instance's own */
    const char *name;       /* "ca", "cluster", "credentials", … */
} SecretRef;

/* A sealed value and the id of the key that sealed it; borrowed. */
typedef struct SecretValue {
    const char *key_id;
    const void *sealed;
    size_t len;
} SecretValue;

/* Keeps the value that is there (a repeated step must not make a new one). *ret_kept = true when one was there. The row of the instance (and binding) must exist, else ERR_GONE. */
MUST_CHECK bool store_secret_put(Store *store, const SecretRef *ref, const SecretValue *value, bool *ret_kept, Error *err);
/* ERR_NOT_FOUND when absent. Caller frees both. */
MUST_CHECK bool store_secret_get(Store *store, const SecretRef *ref, char **ret_key_id, uint8_t **ret, size_t *ret_len, Error *err);

/* --- waiting --- */

/* A connection of its own that listens to cpbroker_work (new or due work) or cpbroker_done. One thread each. */
typedef struct Listener Listener;
MUST_CHECK bool store_listen(Store *store, const char *channel, Listener **ret, Error *err);
/* Waits up to timeout_ms. *ret_payload = text of one notification (caller frees) or NULL on time-out. Reconnects by itself; false: ERR_RETRY while the database is away. */
MUST_CHECK bool listener_wait(Listener *l, int timeout_ms, char **ret_payload, Error *err);
/* Makes listener_wait return now, from any thread. */
void listener_wake(Listener *l);
Listener *listener_free(Listener *l);
DEFINE_CLEANUP(Listener *, listener_free)

#endif
