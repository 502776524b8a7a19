/*
 * Plays the worker for test_osb_basic.py: takes the next operation and ends it as told, so that a test decides when and how.
 *
 *   osb_worker < orders       environment: CPBROKER_DATABASE, CPBROKER_SEAL_KEYS
 *
 * Orders, one a line; each is answered with a line:
 *   claim                     takes the next operation (waits up to 5 s): "provision", "bind", … or "none"
 *   describe SECONDS TEXT     writes progress and advice for the next poll
 *   end succeeded|failed TEXT ends it; a bind that succeeds leaves credentials: "done" or "lost"
 */
#include "base/clock.h"
#include "base/mem.h"
#include "pki/seal.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

#define LEASE_SECONDS 30
#define CLAIM_MS 5000

typedef struct Worker {
    Store *store;
    SealKeys *keys;
    Operation held;
} Worker;

static const char *claim(Worker *w, Error *err)
{
    operation_clear(&w->held);
    for (int64_t end = clock_ms() + CLAIM_MS; clock_ms() < end; clock_sleep_ms(20)) {
        if (!store_claim(w->store, "osb-worker", LEASE_SECONDS, &w->held, err))
            return NULL;
        if (w->held.found)
            return operation_kind_name(w->held.kind);
    }
    return "none";
}

static bool put_credentials(Worker *w, Error *err)
{
    const SecretRef ref = {w->held.instance_id, w->held.binding_id, "credentials"};
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
    if (succeeded && w->held.kind == OP_BIND && !put_credentials(w, err))
        return err->kind == ERR_GONE ? "lost" : NULL;
    if (store_finish(w->store, &w->held, succeeded ? OPERATION_SUCCEEDED : OPERATION_FAILED, text ? text + 1 : "", err))
        return "done";
    if (err->kind != ERR_LOST)
        return NULL;
    return store_let_go(w->store, &w->held, "osb-worker", err) ? "lost" : NULL;
}

static const char *obey(Worker *w, const char *order, Error *err)
{
    if (strcmp(order, "claim") == 0)
        return claim(w, err);
    if (strncmp(order, "end ", 4) == 0)
        return end(w, order + 4, err);
    char *text;
    long seconds = strncmp(order, "describe ", 9) == 0 ? strtol(order + 9, &text, 10) : 0;
    if (seconds > 0)
        return store_describe(w->store, &w->held, text + 1, (int)seconds, err) ? "done" : NULL;
    error_set(err, ERR_INVALID, "unknown order");
    return NULL;
}

int main(void)
{
    Worker w = {0};
    Error err = {0};
    char line[1024];
    if (!store_open(getenv("CPBROKER_DATABASE"), 2, 5000, &w.store, &err) || !seal_keys_parse(getenv("CPBROKER_SEAL_KEYS"), &w.keys, &err)) {
        fprintf(stderr, "osb_worker: %s\n", err.text);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        const char *answer = obey(&w, line, &err);
        printf("%s\n", answer ? answer : err.text);
    }
    operation_clear(&w.held);
    seal_keys_free(w.keys);
    store_close(w.store);
    return 0;
}
