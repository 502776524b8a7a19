/* Transactions: begun together with the first statement, rolled back unless committed. */
#include "store/db.h"

#include "base/failpoint.h"
#include "base/mem.h"

#include <string.h>

#define MAX_BATCH 4

struct Tx {
    Store *store;
    Conn *conn;
    bool begun;
    bool failed; /* a statement failed: the server would answer a commit by rolling back */
};

bool store_begin(Store *store, Tx **ret, Error *err)
{
    Conn *c;
    if (!store_acquire(store, &c, err))
        return false;
    Tx *tx = xcalloc(1, sizeof(*tx));
    *tx = (Tx){.store = store, .conn = c};
    *ret = tx;
    return true;
}

Tx *tx_free(Tx *tx)
{
    if (!tx)
        return NULL;
    /* Where the rollback fails the connection is not idle, so it is closed, and the server rolls back. */
    if (PQtransactionStatus(tx->conn->pg) != PQTRANS_IDLE && PQstatus(tx->conn->pg) == CONNECTION_OK)
        (void)!conn_command(tx->conn, "rollback", NULL);
    store_release(tx->store, tx->conn);
    free(tx);
    return NULL;
}

bool tx_run_all(Tx *tx, const Query *const *queries, int n, PGresult **ret, Error *err)
{
    const Query begin = QUERY(SQL_BEGIN);
    const Query *all[MAX_BATCH + 1] = {&begin};
    if (n > MAX_BATCH)
        return error_set(err, ERR_INTERNAL, "database: %d statements in one batch, at most %d", n, MAX_BATCH);
    memcpy(all + 1, queries, (size_t)n * sizeof(*queries));
    int skip = tx->begun ? 1 : 0;
    bool ok = !tx->failed ? conn_run(tx->conn, all + skip, n + 1 - skip, ret, err)
                          : error_set(err, ERR_INTERNAL, "database: a statement of this transaction has failed before");
    tx->begun = true;
    tx->failed = !ok;
    return ok;
}

bool tx_run(Tx *tx, const Query *q, PGresult **ret, Error *err)
{
    return tx_run_all(tx, &q, 1, ret, err);
}

bool store_commit(Tx **tx, Error *err)
{
    CLEANUP(tx_free) Tx *t = TAKE(*tx);
    if (t->failed)
        return error_set(err, ERR_INTERNAL, "database: the transaction was rolled back because a statement in it had failed");
    if (!t->begun)
        return true;
    FAILPOINT("store.commit.before");
    if (!conn_command(t->conn, "commit", err))
        return false;
    FAILPOINT("store.commit.after");
    return true;
}
