/* Values of the manifests. */
#include "jobs/values.h"

#include "base/str.h"
#include "jobs/quota.h"

#include <stdio.h>
#include <string.h>

static json_t *labels(const char *ns, const char *name, const char *component)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "app.kubernetes.io/name", name, "app.kubernetes.io/instance", ns,
                     "app.kubernetes.io/component", component, "app.kubernetes.io/part-of", "confluent-platform",
                     "app.kubernetes.io/managed-by", "cpbroker");
}

static json_t *selector(const char *ns, const char *name)
{
    return json_pack("{s:s, s:s}", "app.kubernetes.io/name", name, "app.kubernetes.io/instance", ns);
}

/* Required: a node takes one pod of the role. Preferred: the scheduler tries. */
static json_t *affinity(const char *ns, const char *name, bool required)
{
    json_t *term = json_pack("{s:s, s:{s:o}}", "topologyKey", "kubernetes.io/hostname", "labelSelector", "matchLabels",
                             selector(ns, name));
    if (required)
        return json_pack("{s:{s:[o]}}", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution", term);
    return json_pack("{s:{s:[{s:i, s:o}]}}", "podAntiAffinity", "preferredDuringSchedulingIgnoredDuringExecution",
                     "weight", 100, "podAffinityTerm", term);
}

static void set_text(json_t *o, const char *key, char *text)
{
    json_object_set_new(o, key, json_string(text));
    free(text);
}

static void set_heap(json_t *role)
{
    const char *heap = json_string_at(role, "heap", "");
    set_text(role, "heap_options", xasprintf("-Xms%s -Xmx%s", heap, heap));
}

/* Names, ids and certificates of the quorum's members: node ids 9000+ordinal share one id space with the brokers. */
static json_t *quorum_nodes(const ValuesInput *in, const char *role, const char *headless)
{
    json_t *nodes = json_array();
    for (int i = 0; i < in->plan->quorum_size; i++) {
        json_t *node = json_pack("{s:i, s:i}", "index", i, "id", 9000 + i);
        set_text(node, "host", xasprintf("%s-%d.%s.%s.svc", role, i, headless, in->ns));
        const json_t *pem = json_array_get(json_object_get(in->facts, "quorum_pem"), (size_t)i);
        if (pem)
            json_object_set(node, "pem", (json_t *)pem);
        json_array_append_new(nodes, node);
    }
    return nodes;
}

static void set_kraft(json_t *values, const ValuesInput *in)
{
    CLEANUP_STR Str voters = STR_INIT;
    for (int i = 0; i < in->plan->quorum_size; i++)
        str_appendf(&voters, "%s%d@ctl-%d.ctl-hs.%s.svc:9074", i ? "," : "", 9000 + i, i, in->ns);
    json_object_set_new(json_object_get(values, "quorum"), "voters", json_string(str_text(&voters)));
    json_object_set_new(values, "kraft",
                        json_pack("{s:s, s:s, s:s, s:s, s:s}", "broker_roles", "broker", "listener_names", "CTRL", "voters",
                                  str_text(&voters), "store_type", "PEM", "truststore", "/mnt/ca/ca.crt"));
}

static void set_zookeeper(json_t *values, const ValuesInput *in)
{
    CLEANUP_STR Str connect = STR_INIT;
    json_t *zk = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "client_socket", "org.apache.zookeeper.ClientCnxnSocketNetty",
                           "ssl_client", "true", "store_type", "PEM", "truststore", "/mnt/ca/ca.crt", "set_acl", "true",
                           "protocol_version", json_string_at(in->plan->spec, "kafka_version", ""));
    for (int i = 0; i < in->plan->quorum_size; i++) {
        char key[32];
        snprintf(key, sizeof(key), "server_%d", i + 1);
        set_text(zk, key, xasprintf("zk-%d.zk-hs.%s.svc:2888:3888:participant", i, in->ns));
        str_appendf(&connect, "%szk-%d.zk-hs.%s.svc:2182", i ? "," : "", i, in->ns);
    }
    str_append(&connect, "/kafka");
    json_object_set_new(zk, "connect", json_string(str_text(&connect)));
    json_object_set_new(values, "zookeeper", zk);
}

static json_t *kafka_nodes(const ValuesInput *in)
{
    bool zookeeper = in->plan->quorum == QUORUM_ZOOKEEPER;
    json_t *nodes = json_array();
    for (int i = 0; i < in->plan->brokers; i++) {
        json_t *node = json_pack("{s:i}", "index", i);
        char path[64], keystore[64];
        set_text(node, "host", xasprintf("kafka-%d.kafka-hs.%s.svc", i, in->ns));
        json_object_set_new(node, zookeeper ? "broker_id" : "node_id", json_integer(i));
        snprintf(keystore, sizeof(keystore), "/mnt/tls/%d.pem", i);
        json_object_set_new(node, zookeeper ? "zookeeper_keystore" : "controller_keystore", json_string(keystore));
        snprintf(path, sizeof(path), "external.%d.host", i);
        if (json_at(in->facts, path))
            json_object_set(node, "external_host", json_at(in->facts, path));
        snprintf(path, sizeof(path), "external.%d.port", i);
        if (json_at(in->facts, path))
            json_object_set(node, "external_port", json_at(in->facts, path));
        snprintf(path, sizeof(path), "kafka_pem.%d", i);
        if (json_at(in->facts, path))
            json_object_set(node, "pem", json_at(in->facts, path));
        json_array_append_new(nodes, node);
    }
    return nodes;
}

static json_t *kafka_values(const ValuesInput *in)
{
    const Plan *p = in->plan;
    bool zookeeper = p->quorum == QUORUM_ZOOKEEPER, modern = json_string_at(p->spec, "kafka_version", "")[0] != '3';
    json_t *kafka = json_deep_copy(json_object_get(p->spec, "kafka"));
    int factor = p->brokers < 3 ? p->brokers : 3;
    json_object_set_new(kafka, "replication_factor", json_integer(factor));
    json_object_set_new(kafka, "min_insync_replicas", json_integer(factor > 1 ? factor - 1 : 1));
    json_object_set_new(kafka, "protocol_map",
                        json_string(zookeeper ? "INTERNAL:SASL_SSL,REPLICATION:SSL,EXTERNAL:SASL_SSL"
                                              : "INTERNAL:SASL_SSL,REPLICATION:SSL,EXTERNAL:SASL_SSL,CTRL:SSL"));
    json_object_set_new(kafka, "authorizer",
                        json_string(zookeeper ? "kafka.security.authorizer.AclAuthorizer"
                                              : "org.apache.kafka.metadata.authorizer.StandardAuthorizer"));
    json_object_set_new(kafka, "log4j_options",
                        json_string(modern ? "-Dlog4j2.configurationFile=/mnt/config/log4j2.yaml"
                                           : "-Dlog4j.configuration=file:/mnt/config/log4j.properties"));
    set_heap(kafka);
    json_object_set_new(kafka, "nodes", kafka_nodes(in));
    return kafka;
}

static void set_names(json_t *values, const char *ns, const Plan *p)
{
    static const struct {
        const char *role, *name, *component;
    } roles[] = {{"kafka", "kafka", "broker"}, {"controller", "controller", "controller"}, {"zookeeper", "zookeeper", "zookeeper"}};
    bool required = strcmp(json_string_at(p->spec, "anti_affinity", ""), "required") == 0;
    json_t *l = json_object(), *s = json_object(), *a = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        json_object_set_new(l, roles[i].role, labels(ns, roles[i].name, roles[i].component));
        json_object_set_new(s, roles[i].role, selector(ns, roles[i].name));
        json_object_set_new(a, roles[i].role, affinity(ns, roles[i].name, required));
    }
    json_object_set_new(values, "labels", l);
    json_object_set_new(values, "selectors", s);
    json_object_set_new(values, "affinity", a);
}

/* Who the namespace is for, as people call it; at most 255 bytes each, as annotations are bounded. */
static json_t *people_names(const json_t *context)
{
    json_t *out = json_object();
    for (const char *const *key = context_names; *key; key++) {
        const char *name = json_string_at(context, *key, "");
        json_object_set_new(out, *key, json_stringn(name, utf8_prefix(name, 255)));
    }
    return out;
}

bool values_build(const ValuesInput *in, json_t **ret, Error *err)
{
    const Plan *p = in->plan;
    bool zookeeper = p->quorum == QUORUM_ZOOKEEPER;
    CLEANUP_JSON json_t *values = json_object();
    json_t *quota = NULL;
    if (!quota_build(p, &quota, err))
        return error_wrap(err, "plan %s", p->name);
    json_object_set_new(values, "quota", quota);
    json_object_set_new(values, "ns", json_string(in->ns));
    json_object_set_new(values, "names", people_names(in->context));
    json_object_set_new(values, "instance_id", json_string(in->instance_id));
    json_object_set_new(values, "monitoring_namespace", json_string(in->monitoring_namespace));
    json_object_set_new(values, "plan",
                        json_pack("{s:s, s:s, s:s, s:I}", "id", p->id, "name", p->name, "kafka_version",
                                  json_string_at(p->spec, "kafka_version", ""), "reauthentication_ms",
                                  json_int_at(p->spec, "reauthentication_ms", 0)));
    /* Copies: the plan is shared by all workers, and a reference count is a write. */
    json_object_set_new(values, "images", json_deep_copy(json_object_get(p->spec, "images")));
    if (json_is_string(json_object_get(p->spec, "storage_class")))
        json_object_set_new(values, "storage_class", json_deep_copy(json_object_get(p->spec, "storage_class")));
    json_t *quorum = json_deep_copy(json_object_get(p->spec, "quorum"));
    set_heap(quorum);
    json_object_set_new(quorum, "nodes", zookeeper ? quorum_nodes(in, "zk", "zk-hs") : quorum_nodes(in, "ctl", "ctl-hs"));
    json_object_set_new(values, "quorum", quorum);
    json_object_set_new(values, "kafka", kafka_values(in));
    set_names(values, in->ns, p);
    if (zookeeper)
        set_zookeeper(values, in);
    else
        set_kraft(values, in);
    if (in->facts) {
        json_object_set(values, "cluster_id", json_object_get(in->facts, "cluster_id"));
        json_object_set(values, "ca", json_at(in->facts, "ca.cert"));
    }
    *ret = TAKE(values);
    return true;
}

json_t *values_sample_facts(const Plan *plan, const char *ns)
{
    json_t *external = json_array(), *kafka = json_array(), *quorum = json_array();
    for (int i = 0; i < plan->brokers; i++) {
        json_array_append_new(external, json_pack("{s:s, s:i}", "host", "192.0.2.10", "port", 30000 + i));
        CLEANUP_FREE char *pem = xasprintf("(private key and certificate of kafka-%d.kafka-hs.%s.svc)\n", i, ns);
        json_array_append_new(kafka, json_string(pem));
    }
    for (int i = 0; i < plan->quorum_size; i++)
        json_array_append_new(quorum, json_string("(private key and certificate)\n"));
    return json_pack("{s:s, s:{s:s}, s:o, s:o, s:o}", "cluster_id", "AAAAAAAAAAAAAAAAAAAAAA", "ca", "cert",
                     "(certificate of the instance's CA)\n", "external", external, "kafka_pem", kafka, "quorum_pem", quorum);
}
