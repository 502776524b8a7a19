/*
 * Plays the worker: takes the next operation and ends it as told, so that a test decides when and how.
 *
 *   osb_worker < orders       environment: CPBROKER_DATABASE, CPBROKER_SEAL_KEYS
 *
 * Orders, one a line; each is answered with a line:
 *   claim [MS]                takes the next operation (waits up to MS, 5000 when left out): "provision", "bind", … or "none"
 *   describe SECONDS TEXT     writes progress and advice for the next poll: "done" or "lost"
 *   end succeeded|failed TEXT ends it; a bind that succeeds leaves credentials: "done" or "lost"
 *   drain                     takes and ends well all that is due now: how many
 *   slot N                    from here on orders are about hand N of 0..15, each of which holds one operation and is a worker of its own: "done"
 *   sql STATEMENT             runs it: its rows, parted by ";", their columns by "|"
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "pki/seal.h"
#include "store/store.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#define LEASE_SECONDS 30
#define CLAIM_MS 5000
#define SLOTS 16

typedef struct Worker {
    Store *store;
    SealKeys *keys;
    PGconn *sql;
    Operation hands[SLOTS], *held; /* held: that of the current slot */
    char owner[32];
} Worker;

static const char *claim(Worker *w, int ms, Error *err)
{
    for (int64_t end = clock_ms() + ms;; clock_sleep_ms(20)) {
        operation_clear(w->held);
        if (!store_claim(w->store, w->owner, LEASE_SECONDS, w->held, err))
            return NULL;
        if (w->held->found)
            return operation_kind_name(w->held->kind);
        if (clock_ms() >= end)
            return "none";
    }
}

static bool put_credentials(Worker *w, Error *err)
{
    const SecretRef ref = {w->held->instance_id, w->held->binding_id, "credentials"};
    CLEANUP_FREE char *context = seal_context(ref.instance_id, ref.binding_id, ref.name);
    CLEANUP_JSON json_t *document = json_pack("{s:{s:s, s:s}, s:[{s:s, s:[s], s:s}]}", "credentials", "username", ref.binding_id, "password",
                                              "p", "endpoints", "host", "127.0.0.1", "ports", "9092", "protocol", "tcp");
    CLEANUP_FREE char *text = json_text(document);
    uint8_t *sealed;
    size_t n;
    bool kept;
    seal(w->keys, context, text, strlen(text), &sealed, &n);
    bool ok = store_secret_put(w->store, &ref, &(SecretValue){seal_key_id(w->keys), sealed, n}, &kept, err);
    free(sealed);
    return ok;
}

static const char *end(Worker *w, const char *order, Error *err)
{
    bool succeeded = strncmp(order, "succeeded ", 10) == 0;
    const char *text = strchr(order, ' ');
    if (succeeded && w->held->kind == OP_BIND && !put_credentials(w, err))
        return err->kind == ERR_GONE ? "lost" : NULL;
    if (store_finish(w->store, w->held, succeeded ? OPERATION_SUCCEEDED : OPERATION_FAILED, text ? text + 1 : "", err))
        return "done";
    if (err->kind != ERR_LOST)
        return NULL;
    return store_let_go(w->store, w->held, w->owner, err) ? "lost" : NULL;
}

static const char *describe(Worker *w, const char *order, Error *err)
{
    char *text;
    long seconds = strtol(order, &text, 10);
    if (store_describe(w->store, w->held, text + 1, (int)seconds, err))
        return "done";
    return err->kind == ERR_LOST ? "lost" : NULL;
}

static const char *drain(Worker *w, Str *out, Error *err)
{
    int count = 0;
    for (;; count++) {
        const char *kind = claim(w, 0, err), *ended = kind && w->held->found ? end(w, "succeeded all is well", err) : kind;
        if (!ended)
            return NULL;
        if (!w->held->found)
            break;
    }
    str_appendf(out, "%d", count);
    return str_text(out);
}

static const char *run_sql(Worker *w, const char *statement, Str *out, Error *err)
{
    PGresult *result = PQexec(w->sql, statement);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        error_set(err, ERR_INTERNAL, "%.*s", (int)strcspn(PQerrorMessage(w->sql), "\n"), PQerrorMessage(w->sql));
    for (int row = 0; row < PQntuples(result); row++)
        for (int column = 0; column < PQnfields(result); column++)
            str_appendf(out, "%s%s", column > 0 ? "|" : row > 0 ? ";" : "", PQgetvalue(result, row, column));
    PQclear(result);
    return err->kind == ERR_NONE ? str_text(out) : NULL;
}

static const char *use_slot(Worker *w, const char *number)
{
    long n = strtol(number, NULL, 10) & (SLOTS - 1);
    w->held = &w->hands[n];
    snprintf(w->owner, sizeof(w->owner), "osb-worker-%ld", n);
    return "done";
}

static const char *obey(Worker *w, char *order, Str *out, Error *err)
{
    const char *word = strsep(&order, " "), *rest = order ? order : "";
    if (strcmp(word, "claim") == 0)
        return claim(w, *rest ? (int)strtol(rest, NULL, 10) : CLAIM_MS, err);
    if (strcmp(word, "describe") == 0)
        return describe(w, rest, err);
    if (strcmp(word, "end") == 0)
        return end(w, rest, err);
    if (strcmp(word, "drain") == 0)
        return drain(w, out, err);
    if (strcmp(word, "slot") == 0)
        return use_slot(w, rest);
    if (strcmp(word, "sql") == 0)
        return run_sql(w, rest, out, err);
    error_set(err, ERR_INVALID, "unknown order");
    return NULL;
}

int main(void)
{
    Worker w = {0};
    Error err = {0};
    char *line = NULL;
    size_t size = 0;
    w.sql = PQconnectdb(getenv("CPBROKER_DATABASE"));
    if (!store_open(getenv("CPBROKER_DATABASE"), 2, 5000, &w.store, &err) || !seal_keys_parse(getenv("CPBROKER_SEAL_KEYS"), &w.keys, &err)) {
        fprintf(stderr, "osb_worker: %s\n", err.text);
        return 1;
    }
    use_slot(&w, "0");
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (getline(&line, &size, stdin) > 0) {
        CLEANUP_STR Str out = STR_INIT;
        err = (Error){0};
        line[strcspn(line, "\n")] = '\0';
        const char *answer = obey(&w, line, &out, &err);
        printf("%s\n", answer ? answer : err.text);
    }
    for (int i = 0; i < SLOTS; i++)
        operation_clear(&w.hands[i]);
    free(line);
    PQfinish(w.sql);
    seal_keys_free(w.keys);
    store_close(w.store);
    return 0;
}
