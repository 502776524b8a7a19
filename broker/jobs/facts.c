/* Making of an instance's facts: cluster id, CA, and a certificate for every component. */
#include "jobs/facts.h"

#include "base/digest.h"
#include "jobs/vault.h"
#include "pki/pki.h"

#include <arpa/inet.h>
#include <string.h>

#define CA_DAYS 3650
#define LEAF_DAYS 365

int facts_brokers(const Job *job)
{
    return (int)json_array_size(json_object_get(job->facts, "external"));
}

bool job_zookeeper(const Job *job)
{
    return job->plan && job->plan->quorum == QUORUM_ZOOKEEPER;
}

bool facts_load(Job *job, Error *err)
{
    return job->facts || vault_get(job, NULL, "facts", &job->facts, err);
}

/* 16 random bytes as Kafka writes them; never with a leading '-', which command lines take for an option (KAFKA-15754). */
static json_t *new_cluster_id(void)
{
    for (;;) {
        uint8_t bytes[16];
        random_bytes(bytes, sizeof(bytes));
        CLEANUP_FREE char *id = base64url_encode(bytes, sizeof(bytes));
        if (id[0] != '-')
            return json_string(id);
    }
}

static json_t *identity_json(const Identity *id)
{
    return json_pack("{s:s, s:s}", "key", id->key_pem, "cert", id->cert_pem);
}

typedef struct Names {
    const char *common_name;
    const char *role;     /* pod name without ordinal */
    const char *headless; /* its service */
    const char *external; /* address or name, or NULL */
    int ordinal;
} Names;

/* SANs: the pod's names, the bootstrap service (brokers), the external name or address. */
static bool leaf_pem(const Job *job, const Identity *ca, const Names *n, char **ret, Error *err)
{
    const char *ns = job->instance.ns;
    CLEANUP_FREE char *pod = xasprintf("%s-%d.%s.%s.svc", n->role, n->ordinal, n->headless, ns);
    CLEANUP_FREE char *full = xasprintf("%s.cluster.local", pod);
    CLEANUP_FREE char *brief = xasprintf("%s-%d.%s", n->role, n->ordinal, n->headless);
    CLEANUP_FREE char *bootstrap = xasprintf("kafka-bootstrap.%s.svc", ns);
    CLEANUP_FREE char *bootstrap_full = xasprintf("kafka-bootstrap.%s.svc.cluster.local", ns);
    unsigned char address[16];
    bool is_address = n->external && (inet_pton(AF_INET, n->external, address) == 1 || inet_pton(AF_INET6, n->external, address) == 1);
    bool broker = strcmp(n->role, "kafka") == 0;
    const char *dns[7] = {pod, full, brief};
    size_t count = 3;
    if (broker) {
        dns[count++] = bootstrap;
        dns[count++] = bootstrap_full;
    }
    if (n->external && !is_address)
        dns[count++] = n->external;
    const char *const ips[] = {is_address ? n->external : NULL, NULL};
    const LeafRequest request = {.common_name = n->common_name, .dns_names = dns, .ip_addresses = ips, .days = LEAF_DAYS,
                                 .server = true, .client = true};
    CLEANUP_IDENTITY Identity leaf = {0};
    if (!pki_leaf_new(ca, &request, &leaf, err))
        return error_wrap(err, "certificate of %s", pod);
    *ret = pki_pem_keystore(&leaf);
    return true;
}

static bool append_leaf(const Job *job, const Identity *ca, const Names *n, json_t *out, Error *err)
{
    CLEANUP_SECRET char *pem = NULL;
    if (!leaf_pem(job, ca, n, &pem, err))
        return false;
    json_array_append_new(out, json_string(pem));
    return true;
}

static bool make_leaves(const Job *job, const Identity *ca, const json_t *external, json_t *facts, Error *err)
{
    json_t *kafka = json_array(), *quorum = json_array();
    json_object_set_new(facts, "kafka_pem", kafka);
    json_object_set_new(facts, "quorum_pem", quorum);
    for (int i = 0; i < job->plan->brokers; i++) {
        const char *host = json_string_value(json_object_get(json_array_get(external, (size_t)i), "host"));
        if (!append_leaf(job, ca, &(Names){"kafka", "kafka", "kafka-hs", host, i}, kafka, err))
            return false;
    }
    for (int i = 0; i < job->plan->quorum_size; i++) {
        const Names names = job_zookeeper(job) ? (Names){"zookeeper", "zk", "zk-hs", NULL, i}
                                               : (Names){"controller", "ctl", "ctl-hs", NULL, i};
        if (!append_leaf(job, ca, &names, quorum, err))
            return false;
    }
    return true;
}

static bool make_admin(const Job *job, const Identity *ca, json_t *facts, Error *err)
{
    static const char *const none[] = {NULL};
    CLEANUP_FREE char *dns = xasprintf("osb-admin.%s.svc", job->instance.ns);
    const char *const names[] = {dns, NULL};
    const LeafRequest request = {.common_name = "osb-admin", .dns_names = names, .ip_addresses = none, .days = LEAF_DAYS, .client = true};
    CLEANUP_IDENTITY Identity admin = {0};
    if (!pki_leaf_new(ca, &request, &admin, err))
        return error_wrap(err, "certificate of osb-admin");
    json_object_set_new(facts, "admin", identity_json(&admin));
    return true;
}

bool facts_make(Job *job, const json_t *external, Error *err)
{
    if (facts_load(job, err))
        return true;
    if (err->kind != ERR_NOT_FOUND)
        return false;
    CLEANUP_JSON json_t *facts = json_object();
    CLEANUP_IDENTITY Identity ca = {0};
    CLEANUP_FREE char *name = xasprintf("cpbroker %.48s", job->instance.ns);
    if (!pki_ca_new(name, CA_DAYS, &ca, err))
        return false;
    json_object_set_new(facts, "cluster_id", new_cluster_id());
    json_object_set_new(facts, "ca", identity_json(&ca));
    json_object_set(facts, "external", (json_t *)external);
    return make_admin(job, &ca, facts, err) && make_leaves(job, &ca, external, facts, err) &&
           vault_put(job, NULL, "facts", facts, &job->facts, err);
}
