/* Credentials of a binding as applications get them. */
#include "jobs/access.h"

#include "base/digest.h"
#include "jobs/facts.h"
#include "pki/pki.h"

#include <stdio.h>
#include <string.h>

char *access_user(const char *binding_id)
{
    size_t n = strlen(binding_id);
    if (n <= 64 && strspn(binding_id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n)
        return xasprintf("b-%s", binding_id);
    CLEANUP_FREE char *hex = sha256_hex(binding_id, n);
    return xasprintf("b-%.40s", hex);
}

typedef struct Right {
    const char *name;
    const KafkaOperation operations[4]; /* ended by 0 */
} Right;

static const Right topic_rights[] = {
    {"read", {KAFKA_OP_READ, KAFKA_OP_DESCRIBE, KAFKA_OP_DESCRIBE_CONFIGS, 0}},
    {"write", {KAFKA_OP_WRITE, KAFKA_OP_DESCRIBE, 0}},
    {"create", {KAFKA_OP_CREATE, KAFKA_OP_DESCRIBE, 0}},
    {"admin", {KAFKA_OP_ALL, 0}},
    {NULL, {0}},
};
static const Right group_rights[] = {
    {"read", {KAFKA_OP_READ, KAFKA_OP_DESCRIBE, 0}},
    {"admin", {KAFKA_OP_ALL, 0}},
    {NULL, {0}},
};

static void add_acl(Acls *acls, const KafkaAcl *acl)
{
    for (size_t i = 0; i < acls->count; i++) /* rights overlap */
        if (acls->rows[i].resource == acl->resource && acls->rows[i].operation == acl->operation &&
            acls->rows[i].pattern == acl->pattern && strcmp(acls->rows[i].name, acl->name) == 0)
            return;
    acls->rows = xrealloc(acls->rows, (acls->count + 1) * sizeof(*acls->rows));
    acls->rows[acls->count++] = *acl;
}

/* The rules of one list; without the list, everything of that kind. */
static void add_list(Acls *acls, KafkaResource resource, const json_t *list, const Right *rights)
{
    size_t i, k;
    json_t *entry, *word;
    if (!list)
        add_acl(acls, &(KafkaAcl){resource, "*", KAFKA_LITERAL, KAFKA_OP_ALL});
    json_array_foreach(list, i, entry)
    {
        const char *prefix = json_string_value(json_object_get(entry, "prefix"));
        KafkaAcl acl = {.resource = resource, .pattern = prefix ? KAFKA_PREFIXED : KAFKA_LITERAL,
                        .name = prefix ? prefix : json_string_at(entry, "name", "")};
        json_array_foreach(json_object_get(entry, "rights"), k, word)
        {
            const Right *right = rights;
            while (right->name && strcmp(right->name, json_string_value(word)) != 0)
                right++;
            for (const KafkaOperation *o = right->operations; *o; o++) {
                acl.operation = *o;
                add_acl(acls, &acl);
            }
        }
    }
}

void access_acls(const json_t *parameters, Acls *ret)
{
    add_list(ret, KAFKA_TOPIC, json_object_get(parameters, "topics"), topic_rights);
    add_list(ret, KAFKA_GROUP, json_object_get(parameters, "groups"), group_rights);
    add_acl(ret, &(KafkaAcl){KAFKA_TRANSACTIONAL_ID, "*", KAFKA_LITERAL, KAFKA_OP_ALL});
    add_acl(ret, &(KafkaAcl){KAFKA_CLUSTER, "kafka-cluster", KAFKA_LITERAL, KAFKA_OP_DESCRIBE});
    add_acl(ret, &(KafkaAcl){KAFKA_CLUSTER, "kafka-cluster", KAFKA_LITERAL, KAFKA_OP_IDEMPOTENT_WRITE});
}

void acls_free(Acls *acls)
{
    free(acls->rows);
    *acls = (Acls){0};
}

static char *bootstrap_servers(const json_t *external)
{
    Str out = STR_INIT;
    size_t i;
    json_t *e;
    json_array_foreach((json_t *)external, i, e)
    {
        const char *host = json_string_at(e, "host", "");
        bool v6 = strchr(host, ':') != NULL;
        str_appendf(&out, "%s%s%s%s:%d", i ? "," : "", v6 ? "[" : "", host, v6 ? "]" : "", (int)json_int_at(e, "port", 0));
    }
    return str_take(&out);
}

static json_t *endpoints(const json_t *external)
{
    json_t *out = json_array(), *e;
    size_t i;
    json_array_foreach((json_t *)external, i, e)
    {
        char port[16];
        snprintf(port, sizeof(port), "%d", (int)json_int_at(e, "port", 0));
        json_array_append_new(out, json_pack("{s:s, s:[s], s:s}", "host", json_string_at(e, "host", ""), "ports", port,
                                             "protocol", "tcp"));
    }
    return out;
}

static void set_text(json_t *o, const char *key, char *text)
{
    json_object_set_new(o, key, json_string(text));
    secret_string_free(text);
}

/* Texts that applications use as they are: JAAS line, client.properties, URI. */
static void set_texts(json_t *c, const char *user, const char *password, const char *store_password)
{
    const char *servers = json_string_at(c, "bootstrap_servers", "");
    CLEANUP_SECRET char *jaas = xasprintf(
        "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";", user, password);
    json_object_set_new(c, "sasl_jaas_config", json_string(jaas));
    set_text(c, "uri", xasprintf("kafka+ssl://%s:%s@%s", user, password, servers));
    set_text(c, "client_properties",
             xasprintf("bootstrap.servers=%s\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=%s\n"
                       "ssl.truststore.type=PKCS12\nssl.truststore.location=truststore.p12\nssl.truststore.password=%s\n",
                       servers, jaas, store_password));
}

bool access_document(Job *job, json_t **ret, Error *err)
{
    const json_t *external = json_object_get(job->facts, "external");
    const char *ca = json_string_at(job->facts, "ca.cert", "");
    CLEANUP_FREE char *user = access_user(job->binding.id);
    CLEANUP_SECRET char *password = random_text(32);
    CLEANUP_SECRET char *store_password = random_text(24);
    uint8_t *store = NULL;
    size_t n = 0;
    if (!pki_truststore_p12(ca, store_password, &store, &n, err))
        return false;
    CLEANUP_FREE char *store_text = base64_encode(store, n);
    free(store);
    json_t *c = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "security_protocol", "SASL_SSL", "sasl_mechanism",
                          "SCRAM-SHA-512", "username", user, "password", password, "ca_certificate", ca, "truststore",
                          store_text, "truststore_type", "PKCS12", "truststore_password", store_password);
    set_text(c, "bootstrap_servers", bootstrap_servers(external));
    set_texts(c, user, password, store_password);
    *ret = json_pack("{s:o, s:o}", "credentials", c, "endpoints", endpoints(external));
    return true;
}
