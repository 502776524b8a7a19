/*
 * Last operations, the most frequent read by far: whoever comes while another reader is at the database waits for its turn, and the next turn
 * reads for all who wait in one round trip. A reader that is alone reads at once.
 */
#include "store/db.h"

#include "base/mem.h"
#include "base/str.h"

#define POLLS_MAX 256 /* of one turn */

typedef struct Poll {
    const char *instance_id, *binding_id;
    Operation *ret;
    Error err;
    bool ok, done;
    pthread_cond_t turn; /* done, or nobody is reading */
    struct Poll *next;
} Poll;

void polls_init(Polls *p)
{
    *p = (Polls){.end = &p->first};
    pthread_mutex_init(&p->lock, NULL);
}

void polls_destroy(Polls *p)
{
    pthread_mutex_destroy(&p->lock);
}

static void read_one(Store *store, Poll *poll)
{
    CLEANUP_QUERY Query q = QUERY(SQL_LAST_OPERATION);
    query_text(&q, poll->instance_id);
    query_text(&q, poll->binding_id);
    CLEANUP_RESULT PGresult *result = NULL;
    poll->ok = store_run(store, &q, &result, &poll->err) && row_operation(result, poll->ret, &poll->err);
}

/* One element of an array literal (PostgreSQL, Array Input and Output Syntax). */
static void put_element(Str *array, const char *text)
{
    str_append(array, array->len ? ",\"" : "{\"");
    for (const char *c = text ? text : ""; *c; c++) {
        if (*c == '"' || *c == '\\')
            str_append_char(array, '\\');
        str_append_char(array, *c);
    }
    str_append_char(array, '"');
}

static bool run_many(Store *store, Poll *const *polls, int count, PGresult **ret, Error *err)
{
    CLEANUP_STR Str instances = STR_INIT, bindings = STR_INIT;
    CLEANUP_QUERY Query q = QUERY(SQL_LAST_OPERATIONS);
    for (int i = 0; i < count; i++) {
        put_element(&instances, polls[i]->instance_id);
        put_element(&bindings, polls[i]->binding_id);
    }
    str_append_char(&instances, '}');
    str_append_char(&bindings, '}');
    query_text(&q, str_text(&instances));
    query_text(&q, str_text(&bindings));
    return store_run(store, &q, ret, err);
}

static void read_many(Store *store, Poll *const *polls, int count)
{
    Error err;
    CLEANUP_RESULT PGresult *result = NULL;
    bool ok = run_many(store, polls, count, &result, &err);
    for (int i = 0; i < count; i++) {
        polls[i]->ok = ok;
        if (ok)
            *polls[i]->ret = (Operation){0};
        else
            polls[i]->err = err;
    }
    for (int row = 0; ok && row < PQntuples(result); row++) {
        Poll *p = polls[row_int_at(result, row, 15) - 1];
        p->ok = row_operation_at(result, row, p->ret, &p->err);
    }
}

/* Reads for everybody in the queue; called with the lock, which is let go meanwhile. */
static void read_all(Store *store, Polls *group)
{
    Poll *batch[POLLS_MAX];
    int count = 0;
    while (group->first && count < POLLS_MAX) {
        batch[count++] = group->first;
        group->first = group->first->next;
    }
    if (!group->first)
        group->end = &group->first;
    group->reading = true;
    pthread_mutex_unlock(&group->lock);
    if (count == 1)
        read_one(store, batch[0]);
    else
        read_many(store, batch, count);
    pthread_mutex_lock(&group->lock);
    group->reading = false;
    for (int i = 0; i < count; i++) {
        batch[i]->done = true;
        pthread_cond_signal(&batch[i]->turn);
    }
    if (group->first)
        pthread_cond_signal(&group->first->turn);
}

bool store_last_operation(Store *store, const char *instance_id, const char *binding_id, Operation *ret, Error *err)
{
    Polls *group = store_polls(store);
    Poll me = {.instance_id = instance_id, .binding_id = binding_id, .ret = ret};
    pthread_cond_init(&me.turn, NULL);
    pthread_mutex_lock(&group->lock);
    *group->end = &me;
    group->end = &me.next;
    while (!me.done) {
        if (group->reading)
            pthread_cond_wait(&me.turn, &group->lock);
        else
            read_all(store, group);
    }
    pthread_mutex_unlock(&group->lock);
    pthread_cond_destroy(&me.turn);
    if (!me.ok && err)
        *err = me.err;
    return me.ok;
}
