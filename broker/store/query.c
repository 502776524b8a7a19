/* Prepared statements with parameters, alone or several in one round trip. */
#include "store/db.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A statement never has more parameters than QUERY_PARAMETERS; a defect otherwise. */
static int next_parameter(Query *q)
{
    if (q->count >= QUERY_PARAMETERS)
        abort();
    return q->count++;
}

void query_text(Query *q, const char *value)
{
    q->values[next_parameter(q)] = value;
}

void query_int(Query *q, int64_t value)
{
    int i = next_parameter(q);
    snprintf(q->numbers[i], sizeof(q->numbers[i]), "%" PRId64, value);
    q->values[i] = q->numbers[i];
}

void query_json(Query *q, const json_t *value)
{
    int i = next_parameter(q);
    q->owned[i] = value && !json_is_null(value) ? json_text(value) : NULL;
    q->values[i] = q->owned[i];
}

void query_bytes(Query *q, const void *value, size_t n)
{
    int i = next_parameter(q);
    q->values[i] = value;
    q->lengths[i] = (int)n;
    q->formats[i] = 1;
}

void query_free(Query *q)
{
    for (int i = 0; i < q->count; i++)
        free(q->owned[i]);
}

int result_count(PGresult *result)
{
    return (int)strtol(PQcmdTuples(result), NULL, 10);
}

static bool succeeded(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

bool conn_prepare(Conn *c, StatementId id, Error *err)
{
    if (c->prepared[id])
        return true;
    CLEANUP_RESULT PGresult *result = PQprepare(c->pg, statements[id].name, statements[id].sql, 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return conn_error(c, result, statements[id].name, err);
    c->prepared[id] = true;
    return true;
}

static bool run_one(Conn *c, const Query *q, PGresult **ret, Error *err)
{
    CLEANUP_RESULT PGresult *result =
        PQexecPrepared(c->pg, statements[q->id].name, q->count, q->values, q->lengths, q->formats, 0);
    if (!succeeded(result))
        return conn_error(c, result, statements[q->id].name, err);
    if (ret)
        *ret = TAKE(result);
    return true;
}

static bool send_all(Conn *c, const Query *const *queries, int n)
{
    for (int i = 0; i < n; i++) {
        const Query *q = queries[i];
        if (!PQsendQueryPrepared(c->pg, statements[q->id].name, q->count, q->values, q->lengths, q->formats, 0))
            return false;
    }
    return PQpipelineSync(c->pg);
}

/* Reads the result of each query and the NULL that ends it; after a failure the others answer "aborted". */
static bool receive_all(Conn *c, const Query *const *queries, int n, PGresult **ret, Error *err)
{
    bool ok = true;
    CLEANUP_RESULT PGresult *last = NULL;
    for (int i = 0; i < n; i++) {
        PQclear(last);
        last = PQgetResult(c->pg);
        if (ok && !succeeded(last))
            ok = conn_error(c, last, statements[queries[i]->id].name, err);
        PGresult *end = last ? PQgetResult(c->pg) : NULL;
        if (end || PQstatus(c->pg) != CONNECTION_OK) {
            PQclear(end);
            return ok ? conn_error(c, NULL, statements[queries[i]->id].name, err) : false;
        }
    }
    CLEANUP_RESULT PGresult *sync = PQgetResult(c->pg);
    if (ok && PQresultStatus(sync) != PGRES_PIPELINE_SYNC)
        ok = conn_error(c, NULL, "pipeline", err);
    if (ok && ret)
        *ret = TAKE(last);
    return ok;
}

bool conn_run(Conn *c, const Query *const *queries, int n, PGresult **ret, Error *err)
{
    for (int i = 0; i < n; i++)
        if (!conn_prepare(c, queries[i]->id, err))
            return false;
    if (n == 1)
        return run_one(c, queries[0], ret, err);
    if (!PQenterPipelineMode(c->pg) || !send_all(c, queries, n))
        return conn_error(c, NULL, statements[queries[n - 1]->id].name, err);
    CLEANUP_RESULT PGresult *last = NULL;
    if (!receive_all(c, queries, n, &last, err)) {
        PQexitPipelineMode(c->pg); /* where this fails, store_release closes the connection */
        return false;
    }
    if (!PQexitPipelineMode(c->pg))
        return conn_error(c, NULL, "pipeline", err);
    if (ret)
        *ret = TAKE(last);
    return true;
}

bool store_run(Store *store, const Query *q, PGresult **ret, Error *err)
{
    Conn *c;
    if (!store_acquire(store, &c, err))
        return false;
    bool ok = conn_run(c, &q, 1, ret, err);
    store_release(store, c);
    return ok;
}
