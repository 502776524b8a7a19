/* Connections to an instance's Kafka and ZooKeeper. */
#include "jobs/link.h"

#include "base/clock.h"
#include "jobs/facts.h"
#include "net/stream.h"

#include <stdio.h>

#define CALL_MS 10000
#define INTERNAL_PORT 9071
#define REPLICATION_PORT 9072
#define ZOOKEEPER_WORD_PORT 2181

/* TLS to a port of pod kafka-<i> under its stable name; admin adds the client certificate. */
static bool open_broker(Job *job, int i, int port, int64_t deadline, Stream **ret, Error *err)
{
    char pod[32];
    snprintf(pod, sizeof(pod), "kafka-%d", i);
    CLEANUP_FREE char *name = xasprintf("%s.kafka-hs.%s.svc", pod, job->instance.ns);
    bool admin = port == REPLICATION_PORT;
    const TlsOptions tls = {.ca_pem = json_string_at(job->facts, "ca.cert", ""),
                            .cert_pem = admin ? json_string_at(job->facts, "admin.cert", NULL) : NULL,
                            .key_pem = admin ? json_string_at(job->facts, "admin.key", NULL) : NULL,
                            .server_name = name};
    Stream *raw = NULL;
    if (!kube_portforward(job->kube, &(KubePort){job->instance.ns, pod, port}, deadline, &raw, err) ||
        !tls_stream_new(&raw, &tls, deadline, ret, err))
        return error_wrap(err, "%s port %d", pod, port);
    return true;
}

static bool dial(void *context, int broker_id, int64_t deadline_ms, Stream **ret, Error *err)
{
    return open_broker(context, broker_id, REPLICATION_PORT, deadline_ms, ret, err);
}

bool link_admin(Job *job, KafkaAdmin **ret, Error *err)
{
    if (job->admin) {
        *ret = job->admin;
        return true;
    }
    if (!facts_load(job, err))
        return false;
    int count = facts_brokers(job);
    int *ids = xcalloc((size_t)count, sizeof(*ids));
    for (int i = 0; i < count; i++)
        ids[i] = i;
    const KafkaDial how = {dial, job};
    *ret = job->admin = kafka_admin_new(&how, ids, (size_t)count, CALL_MS);
    free(ids);
    return true;
}

bool link_login(Job *job, int i, const char *user, const char *password, Error *err)
{
    int64_t deadline = clock_ms() + CALL_MS;
    Stream *stream = NULL;
    CLEANUP(kafka_close) KafkaConnection *c = NULL;
    return facts_load(job, err) && open_broker(job, i, INTERNAL_PORT, deadline, &stream, err) &&
           kafka_connect(&stream, "cpbroker-login-check", deadline, &c, err) &&
           kafka_login_scram(c, "SCRAM-SHA-512", user, password, deadline, err);
}

bool link_external(Job *job, int i, Error *err)
{
    char path[40], port[16];
    int64_t deadline = clock_ms() + CALL_MS;
    snprintf(path, sizeof(path), "external.%d", i);
    const json_t *address = json_at(job->facts, path);
    const char *host = json_string_at(address, "host", "");
    snprintf(port, sizeof(port), "%d", (int)json_int_at(address, "port", 0));
    const TlsOptions tls = {.ca_pem = json_string_at(job->facts, "ca.cert", ""), .server_name = host};
    Stream *raw = NULL, *stream = NULL;
    if (!tcp_stream_new(host, port, deadline, &raw, err) || !tls_stream_new(&raw, &tls, deadline, &stream, err))
        return error_wrap(err, "external listener of kafka-%d at %s:%s", i, host, port);
    stream_free(stream);
    return true;
}

bool link_zookeeper(Job *job, int i, const char *word, char **ret, Error *err)
{
    char pod[32], block[1024];
    int64_t deadline = clock_ms() + CALL_MS;
    snprintf(pod, sizeof(pod), "zk-%d", i);
    CLEANUP(stream_free) Stream *stream = NULL;
    CLEANUP_STR Str answer = STR_INIT;
    if (!kube_portforward(job->kube, &(KubePort){job->instance.ns, pod, ZOOKEEPER_WORD_PORT}, deadline, &stream, err) ||
        !stream_write(stream, word, 4, deadline, err))
        return error_wrap(err, "%s", pod);
    for (size_t n = 1; n > 0 && answer.len < 8192;) {
        if (!stream_read(stream, block, sizeof(block), &n, deadline, err))
            return error_wrap(err, "%s", pod);
        str_append_n(&answer, block, n);
    }
    *ret = str_take(&answer);
    return true;
}
