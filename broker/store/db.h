/* Inside of the store: connections, statements with parameters, rows. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "store/statements.h"
#include "store/store.h"

#include <libpq-fe.h>
#include <pthread.h>

DEFINE_CLEANUP(PGresult *, PQclear)
#define CLEANUP_RESULT CLEANUP(PQclear)

/* One connection and which statements it has prepared. */
typedef struct Conn {
    PGconn *pg;
    bool prepared[STATEMENT_COUNT];
} Conn;

/* --- connections (store/connection.c) --- */

/* Connects and sets the session up; `statement_timeout_ms` 0 = none. false: ERR_RETRY. */
MUST_CHECK bool conn_open(const char *conninfo, int statement_timeout_ms, Conn **ret, Error *err);
Conn *conn_close(Conn *c);
DEFINE_CLEANUP(Conn *, conn_close)
/* Whether an idle connection still lives, without a round trip: a server that went away has closed the socket. */
bool conn_alive(Conn *c);
/* Runs SQL text without parameters (several statements allowed). */
MUST_CHECK bool conn_command(Conn *c, const char *sql, Error *err);
/* Sets `err` from a failed result (NULL: from the connection). `what` names the statement. Returns false. */
bool conn_error(Conn *c, const PGresult *result, const char *what, Error *err);

/* --- the pool (store/pool.c) --- */

/* Waits for a free connection and takes it. false: ERR_RETRY. */
MUST_CHECK bool store_acquire(Store *store, Conn **ret, Error *err);
/* Gives it back; a broken one, or one inside a transaction, is closed instead. */
void store_release(Store *store, Conn *c);
/* Borrowed. */
const char *store_conninfo(const Store *store);

/* --- statements (store/query.c) --- */

#define QUERY_PARAMETERS 14

/* A statement with its parameters, filled in order. Do not copy: values may point into it. */
typedef struct Query {
    StatementId id;
    int count;
    const char *values[QUERY_PARAMETERS];
    int lengths[QUERY_PARAMETERS];
    int formats[QUERY_PARAMETERS];
    char numbers[QUERY_PARAMETERS][24];
    char *owned[QUERY_PARAMETERS];
} Query;

#define QUERY(statement) ((Query){.id = (statement)})

/* Borrowed until the query ran; NULL is SQL null. */
void query_text(Query *q, const char *value);
void query_int(Query *q, int64_t value);
void query_json(Query *q, const json_t *value);
void query_bytes(Query *q, const void *value, size_t n);
void query_free(Query *q);
static inline UNUSED void query_free_cleanup(Query *q)
{
    query_free(q);
}
#define CLEANUP_QUERY CLEANUP(query_free)

/* Prepares the statement on this connection unless done. */
MUST_CHECK bool conn_prepare(Conn *c, StatementId id, Error *err);
/*
 * Runs `n` statements in one round trip, each after the one before ended (and with a snapshot of its own); *ret (may be NULL) = the last result.
 * false: kinds of store.h, and ERR_CONFLICT (unique_violation), ERR_GONE (foreign_key_violation).
 */
MUST_CHECK bool conn_run(Conn *c, const Query *const *queries, int n, PGresult **ret, Error *err);
/* One statement as a transaction of its own. */
MUST_CHECK bool store_run(Store *store, const Query *q, PGresult **ret, Error *err);
/* Statements inside the transaction; the first call also begins it, in the same round trip. */
MUST_CHECK bool tx_run_all(Tx *tx, const Query *const *queries, int n, PGresult **ret, Error *err);
MUST_CHECK bool tx_run(Tx *tx, const Query *q, PGresult **ret, Error *err);
/* Rows that the statement returned or changed. */
int result_count(PGresult *result);

/* --- rows (store/rows.c): row 0 of the result, or "absent" when it has none --- */

MUST_CHECK bool row_instance(const PGresult *r, Instance *ret, Error *err);
MUST_CHECK bool row_binding(const PGresult *r, Binding *ret, Error *err);
MUST_CHECK bool row_operation(const PGresult *r, Operation *ret, Error *err);
/* A row of the result that exists. */
MUST_CHECK bool row_operation_at(const PGresult *r, int row, Operation *ret, Error *err);
int64_t row_int_at(const PGresult *r, int row, int column);
/* A column of row 0; 0 for null. */
int64_t row_int(const PGresult *r, int column);

#endif
