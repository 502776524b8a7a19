/* Connections of the administration, and the choice of the broker that a call goes to. */
#include "kafka/admin_own.h"

#include "base/clock.h"
#include "base/mem.h"
#include "kafka/errors.h"

#include <string.h>

#define CLIENT_ID "cpbroker"

enum { CONTROLLER_PAUSE_MS = 100, CONTROLLER_CONNECTS = 3 };

typedef struct Link {
    int broker_id;
    KafkaConnection *connection; /* NULL = not open */
} Link;

struct KafkaAdmin {
    KafkaDial dial;
    int timeout_ms;
    int *expected;
    size_t expected_count;
    Link *links;
    size_t link_count;
    int controller; /* -1 = ask Metadata */
};

typedef struct Call {
    KafkaApi api;
    const json_t *request;
    int64_t deadline_ms;
} Call;

KafkaAdmin *kafka_admin_new(const KafkaDial *dial, const int *broker_ids, size_t count, int call_timeout_ms)
{
    KafkaAdmin *a = xcalloc(1, sizeof(*a));
    a->dial = *dial;
    a->timeout_ms = call_timeout_ms;
    a->expected = xcalloc(count, sizeof(*a->expected));
    if (count)
        memcpy(a->expected, broker_ids, count * sizeof(*a->expected));
    a->expected_count = count;
    a->controller = -1;
    return a;
}

KafkaAdmin *kafka_admin_free(KafkaAdmin *a)
{
    if (!a)
        return NULL;
    for (size_t i = 0; i < a->link_count; i++)
        kafka_close(a->links[i].connection);
    free(a->links);
    free(a->expected);
    free(a);
    return NULL;
}

int kafka_admin_timeout_ms(const KafkaAdmin *a)
{
    return a->timeout_ms;
}

int kafka_admin_expected(const KafkaAdmin *a, size_t i)
{
    return i < a->expected_count ? a->expected[i] : -1;
}

static Link *find_link(KafkaAdmin *a, int broker_id)
{
    for (size_t i = 0; i < a->link_count; i++)
        if (a->links[i].broker_id == broker_id)
            return &a->links[i];
    a->links = xrealloc(a->links, (a->link_count + 1) * sizeof(*a->links));
    a->links[a->link_count] = (Link){broker_id, NULL};
    return &a->links[a->link_count++];
}

static bool open_link(KafkaAdmin *a, Link *link, int64_t deadline_ms, Error *err)
{
    CLEANUP(stream_free) Stream *stream = NULL;
    return a->dial.open(a->dial.context, link->broker_id, deadline_ms, &stream, err) &&
           kafka_connect(&stream, CLIENT_ID, deadline_ms, &link->connection, err);
}

/* A failed call closes the connection unless the request itself was at fault. A kept one may have died unnoticed: once more then. */
static bool call_broker(KafkaAdmin *a, int broker_id, const Call *call, json_t **ret, Error *err)
{
    Link *link = find_link(a, broker_id);
    for (bool kept = true; kept;) {
        kept = link->connection != NULL;
        if (!kept && !open_link(a, link, call->deadline_ms, err))
            break;
        if (kafka_call(link->connection, call->api, call->request, call->deadline_ms, ret, err))
            return true;
        if (err->kind != ERR_INVALID)
            link->connection = kafka_close(link->connection);
        if (err->kind != ERR_RETRY || clock_ms() >= call->deadline_ms)
            break;
    }
    return error_wrap(err, "kafka-%d", broker_id);
}

static bool is_open(KafkaAdmin *a, int broker_id)
{
    return find_link(a, broker_id)->connection != NULL;
}

/* Brokers with an open connection first; each of those left gets an equal share of the time left. */
static bool call_any(KafkaAdmin *a, const Call *call, json_t **ret, Error *err)
{
    size_t left = a->expected_count;
    CLEANUP_FREE char *tried = xcalloc(left, 1);
    error_set(err, ERR_INTERNAL, "no Kafka broker is known");
    for (int open_first = 1; open_first >= 0; open_first--) {
        for (size_t i = 0; i < a->expected_count; i++) {
            if (tried[i] || (open_first && !is_open(a, a->expected[i])))
                continue;
            int64_t now = clock_ms();
            Call share = *call;
            share.deadline_ms = now + (call->deadline_ms - now) / (int64_t)left--;
            tried[i] = true;
            if (call_broker(a, a->expected[i], &share, ret, err))
                return true;
            if (err->kind == ERR_INVALID)
                return false;
        }
    }
    return false;
}

static bool find_controller(KafkaAdmin *a, int64_t deadline_ms, Error *err)
{
    CLEANUP_JSON json_t *request = json_pack("{s:[],s:b}", "Topics", "AllowAutoTopicCreation", 0);
    CLEANUP_JSON json_t *answer = NULL;
    Call call = {KAFKA_METADATA, request, deadline_ms};
    if (!call_any(a, &call, &answer, err))
        return error_wrap(err, "look for the controller");
    a->controller = (int)json_int_at(answer, "ControllerId", -1);
    return a->controller >= 0 || error_set(err, ERR_RETRY, "Kafka has no controller at the moment");
}

static bool call_controller(KafkaAdmin *a, const Call *call, json_t **ret, Error *err)
{
    for (int connects = 1;;) {
        CLEANUP_JSON json_t *answer = NULL;
        bool found = a->controller >= 0 || find_controller(a, call->deadline_ms, err);
        if (found && call_broker(a, a->controller, call, &answer, err)) {
            if (!kafka_has_error(answer, KAFKA_NOT_CONTROLLER)) {
                *ret = TAKE(answer);
                return true;
            }
            kafka_check(KAFKA_NOT_CONTROLLER, NULL, "the controller moves", err);
        } else if (err->kind != ERR_RETRY || ++connects > CONTROLLER_CONNECTS) {
            a->controller = -1;
            return false;
        }
        a->controller = -1;
        if (clock_ms() + CONTROLLER_PAUSE_MS >= call->deadline_ms)
            return false;
        clock_sleep_ms(CONTROLLER_PAUSE_MS);
    }
}

bool kafka_admin_call(KafkaAdmin *a, int broker_id, KafkaApi api, const json_t *request, json_t **ret, Error *err)
{
    Error own = {0}; /* the choice of the next broker reads the kind */
    Call call = {api, request, clock_ms() + a->timeout_ms};
    json_t *answer = NULL;
    bool ok = broker_id == KAFKA_ANY_BROKER          ? call_any(a, &call, &answer, &own)
              : broker_id == KAFKA_CONTROLLER_BROKER ? call_controller(a, &call, &answer, &own)
                                                     : call_broker(a, broker_id, &call, &answer, &own);
    if (!ok) {
        if (err)
            *err = own;
        return false;
    }
    *ret = answer;
    return true;
}
