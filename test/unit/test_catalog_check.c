/* Each rule of the catalog's check: one change of what is good, the one fault that it makes. */
#include "domain/catalog_check.h"

#include "base/str.h"
#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fault_checks.h"

/* What is changed: value NULL takes the member away. fault NULL: still good. */
typedef struct Row {
    const char *path, *value, *fault;
} Row;

static void change(json_t *tree, const Row *row)
{
    const char *dot = strrchr(row->path, '.'), *name = dot ? dot + 1 : row->path;
    CLEANUP_FREE char *up = xstrndup(row->path, dot ? (size_t)(dot - row->path) : 0);
    json_t *parent = json_at(tree, up), *value = NULL;
    assert_true(json_is_object(parent));
    if (!row->value) {
        assert_int_equal(json_object_del(parent, name), 0);
        return;
    }
    assert_true(json_parse(row->value, strlen(row->value), &value, NULL));
    json_object_set_new(parent, name, value);
}

static void expect(const Faults *f, const Row *row)
{
    if (row->fault)
        assert_fault(f, row->fault);
    if (f->count != (row->fault != NULL))
        fail_msg("%s = %s: %zu faults, such as %s", row->path, row->value ? row->value : "(none)", f->count, f->count ? f->at[0].text : "");
}

static json_t *load(const char *path)
{
    json_t *tree = NULL;
    Error err = {0};
    if (!yaml_load(path, &tree, &err))
        fail_msg("%s", err.text);
    return tree;
}

static void test_offering_file(void **state)
{
    (void)state;
    static const Row rows[] = {
        {"name", "5", NULL}, /* that is for the served body to say */
        {"plan_updateable", "true", "c: plan_updateable must be false"},
        {"dashboard", "{}", "c: dashboard is not known; known are id, name"},
        {"bindings_retrieveable", "true", "c: bindings_retrieveable is not known: did you mean \"bindings_retrievable\"?"},
        {"plans", NULL, "c: plans must name at least one plan"},
        {"plans", "[]", "c: plans must name at least one plan"},
        {"plans", "{\"a\":1}", "c: plans must name at least one plan"},
        {"plans", "[\"developer\",\"developer\"]", "c: plans[1] is \"developer\" again"},
        {"plans", "[\"developer\",7]", "c: plans[1] must be the name of a file"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_JSON json_t *offering = load("catalog/catalog.yml");
        CLEANUP(faults_clear) Faults f = {0};
        faults_in(&f, "c");
        change(offering, &rows[i]);
        catalog_check_offering(offering, &f);
        expect(&f, &rows[i]);
    }
}

static void check_plans(const char *plan_name, const Row *rows, size_t count)
{
    CLEANUP_JSON json_t *definitions = load("catalog/parameters.yml");
    CLEANUP_FREE char *path = xasprintf("catalog/plans/%s.yml", plan_name);
    for (size_t i = 0; i < count; i++) {
        CLEANUP_JSON json_t *plan = load(path);
        CLEANUP(faults_clear) Faults f = {0};
        faults_in(&f, "p");
        change(plan, &rows[i]);
        catalog_check_plan(plan_name, plan, definitions, NULL, &f);
        expect(&f, &rows[i]);
    }
}

static void test_plan_file(void **state)
{
    (void)state;
    static const Row rows[] = {
        {"metadata", "{\"anything\":{\"deep\":[1]}}", NULL},
        {"bindable", "\"yes\"", NULL},
        {"retired", "true", NULL},
        {"retired", "\"yes\"", "p: retired must be true or false"},
        {"fre", "true", "p: fre is not known: did you mean \"free\"?"},
        {"name", "\"other\"", "p: name must be \"developer\", as the file's"},
        {"deadlines", NULL, "p: deadlines is missing; it must be a mapping"},
        {"deadlines", "5", "p: deadlines must be a mapping"},
        {"deadlines.bind", NULL, "p: deadlines.bind must be a number from 10 to 604800"},
        {"deadlines.update", "\"300\"", "p: deadlines.update must be a number"},
        {"deadlines.unbind", "9", "p: deadlines.unbind must be a number"},
        {"deadlines.provision", "604801", "p: deadlines.provision must be a number"},
        {"deadlines.deprovison", "100", "p: deadlines.deprovison is not known: did you mean \"deprovision\"?"},
        {"parameters", NULL, NULL},
        {"parameters", "[]", "p: parameters must be a mapping"},
        {"parameters.create", "\"kafka_config\"", "p: parameters.create must be a list of names"},
        {"parameters.bind", "[\"topic\"]", "p: parameters.bind[0]: \"topic\" is not defined in parameters.yml: did you mean \"topics\"?"},
        {"parameters.bind", "[\"topics\",5]", "p: parameters.bind[1] must be the name of a parameter"},
        {"parameters.unbind", "[]", "p: parameters.unbind is not known"},
        {"bindings", "{\"lifetime_seconds\":3600,\"renew_seconds\":3599}", NULL},
        {"bindings", "{\"lifetime_seconds\":60}", NULL},
        {"bindings", "5", "p: bindings must be a mapping"},
        {"bindings", "{\"lifetime_seconds\":59}", "p: bindings.lifetime_seconds must be a number from 60 to 315360000"},
        {"bindings", "{\"lifetime_seconds\":9000000000}", "p: bindings.lifetime_seconds must be"},
        {"bindings", "{\"lifetime_seconds\":\"60\"}", "p: bindings.lifetime_seconds must be"},
        {"bindings", "{\"lifetime_seconds\":3600,\"renew_seconds\":3600}", "p: bindings.renew_seconds must be a number from 1 on, below"},
        {"bindings", "{\"lifetime_seconds\":3600,\"renew_seconds\":0}", "p: bindings.renew_seconds must be"},
        {"bindings", "{\"renew_seconds\":60}", "p: bindings.renew_seconds needs lifetime_seconds"},
        {"bindings", "{\"lifetime\":60}", "p: bindings.lifetime is not known"},
    };
    check_plans("developer", rows, ARRAY_SIZE(rows));
}

static void test_spec(void **state)
{
    (void)state;
    static const Row rows[] = {
        {"spec", "null", "p: spec must be a mapping"},
        {"spec.kafka", NULL, "p: spec.kafka must be a mapping"},
        {"spec.quorum.replicas", "2", "p: spec.quorum.replicas must be 1, 3 or 5"},
        {"spec.quorum.replicas", "7", "p: spec.quorum.replicas must be 1, 3 or 5"},
        {"spec.quorum.replicas", "\"3\"", "p: spec.quorum.replicas must be 1, 3 or 5"},
        {"spec.quorum.kind", "\"etcd\"", "p: spec.quorum.kind must be kraft or zookeeper"},
        {"spec.kafka_version", "4.1", "p: spec.kafka_version must be \"3.9\" or \"4.1\", in quotes"},
        {"spec.kafka_version", "\"4.1\"", "p: spec.quorum.kind zookeeper needs kafka_version \"3.9\""},
        {"spec.quorum.log_storage", NULL, "p: spec.quorum.log_storage is missing"},
        {"spec.images.zookeeper", NULL, "p: spec.images.zookeeper must be the name of an image"},
        {"spec.images.kafka", "\" \"", "p: spec.images.kafka must be the name of an image"},
        {"spec.images.conect", "\"x\"", "p: spec.images.conect is not known; known are kafka, zookeeper"},
        {"spec.kafka.replicas", "0", "p: spec.kafka.replicas must be a number from 1 to 99"},
        {"spec.kafka.cpu", "1", "p: spec.kafka.cpu must be a text: put it in quotes"},
        {"spec.kafka.memory", "\"4 GB\"", "p: spec.kafka.memory must be a quantity: \"4 GB\""},
        {"spec.kafka.heap", "\"1.5g\"", "p: spec.kafka.heap must be a JVM size"},
        {"spec.kafka.memroy", "\"4Gi\"", "p: spec.kafka.memroy is not known: did you mean \"memory\"?"},
        {"spec.kafka.offsets_partitions", "1001", "p: spec.kafka.offsets_partitions must be a number from 1 to 1000"},
        {"spec.anti_affinity", "true", "p: spec.anti_affinity must be required or preferred"},
        {"spec.external_access", "\"load_balancer\"", "p: spec.external_access must be node_port"},
        {"spec.reauthentication_ms", "999", "p: spec.reauthentication_ms must be a number from 1000 to 86400000"},
        {"spec.stuck_seconds", "29", "p: spec.stuck_seconds must be a number from 30 to 3600"},
        {"spec.stuck_seconds", "30", NULL},
        {"spec.storage_class", "\"fast\"", NULL},
        {"spec.storage_class", "5", "p: spec.storage_class must be the name of a storage class"},
        {"spec.zone", "\"a\"", "p: spec.zone is not known"},
    };
    check_plans("bare-minimum", rows, ARRAY_SIZE(rows));
}

#define ID "6c1c3f0e-6f0a-4f3e-9f57-0f5d9c2f7a"
#define SCHEMA "{\"parameters\":{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\"type\":\"object\"}}"
#define PLAN(n, members)                                                                                                         \
    "{\"id\":\"" ID "1" n "\",\"name\":\"plan-" n "\",\"description\":\"d\",\"free\":true,\"bindable\":true,\"metadata\":{},"    \
    "\"plan_updateable\":false,\"binding_rotatable\":true,\"maximum_polling_duration\":60,"                                      \
    "\"maintenance_info\":{\"version\":\"1.0.0\",\"description\":\"d\"},\"schemas\":{\"service_instance\":{\"create\":" SCHEMA \
    ",\"update\":" SCHEMA "},\"service_binding\":{\"create\":" SCHEMA "}}" members "}"
#define BODY                                                                                                                     \
    "{\"services\":[{\"id\":\"" ID "11\",\"name\":\"kafka\",\"description\":\"d\",\"bindable\":true,\"plan_updateable\":false,"  \
    "\"instances_retrievable\":true,\"bindings_retrievable\":true,\"allow_context_updates\":true,\"tags\":[\"kafka\"],"          \
    "\"metadata\":{\"displayName\":\"Kafka\"},\"plans\":[" PLAN("2", "") "," PLAN("3", "") "]}]}"

static json_t *body_of(const char *text)
{
    json_t *body = NULL;
    assert_true(json_parse(text, strlen(text), &body, NULL));
    return body;
}

/* The body for every version, as the catalog checks it. */
static void check_body(const json_t *body, Faults *f)
{
    CLEANUP_JSON json_t *paths = json_pack("[s,s]", "p2", "p3");
    const CatalogFiles files = {"c", paths};
    for (int minor = 13; minor <= 17; minor++)
        catalog_check_served(body, minor, &files, f);
}

#define S "services.0."
#define P "services.0.plans.1."

static void test_served_offering(void **state)
{
    (void)state;
    static const Row rows[] = {
        {S "id", "\"" ID "99\"", NULL},
        {S "id", NULL, "c: id is missing; it must be a GUID"},
        {S "id", "\"kafka\"", "c: id must be a GUID"},
        {S "name", "\"\"", "c: name must be lower-case letters"},
        {S "name", "\"Kafka\"", "c: name must be lower-case letters"},
        {S "name", "\"-1-\"", "c: name must be lower-case letters"},
        {S "name", "\"a234567890123456789012345678901234567890123456789012345678901234\"", "c: name must be lower-case letters, digits and '-', at most 63"},
        {S "description", "\" \\t\"", "c: description must be a text that is not blank"},
        {S "description", "[]", "c: description must be a text"},
        {S "bindable", "\"true\"", "c: bindable must be true or false"},
        {S "bindable", NULL, "c: bindable is missing"},
        {S "plan_updateable", "0", "c: plan_updateable must be true or false"},
        {S "instances_retrievable", NULL, "c: instances_retrievable is missing"},
        {S "bindings_retrievable", "null", "c: bindings_retrievable must be true or false"},
        {S "allow_context_updates", "1", "c: allow_context_updates must be true or false"},
        {S "tags", "null", "c: tags must be a list of texts"},
        {S "tags", "[\"a\",5]", "c: tags[1] must be a text"},
        {S "requires", "[\"syslog_drain\",\"route_forwarding\",\"volume_mount\"]", NULL},
        {S "requires", "null", "c: requires must be a list"},
        {S "requires", "[\"syslog\"]", "c: requires[0] must be syslog_drain, route_forwarding or volume_mount"},
        {S "metadata", "[]", "c: metadata must be a mapping"},
        {S "metadata.shareable", "\"yes\"", "c: metadata.shareable must be true or false"},
        {S "metadata.documentationUrl", "5", "c: metadata.documentationUrl must be a text"},
        {S "metadata.supportUrl", "[]", "c: metadata.supportUrl must be a text"},
        {S "metadata.providerDisplayName", "{}", "c: metadata.providerDisplayName must be a text"},
        {S "metadata.other", "{\"deep\":[1]}", NULL},
        {S "dashboard_client", "5", "c: dashboard_client must be a mapping"},
        {S "dashboard_client", "{\"id\":\"i\",\"secret\":\"s\",\"redirect_uri\":\"https://x\"}", NULL},
        {S "dashboard_client", "{\"id\":\"i\",\"secret\":\"hush\"}", "c: dashboard_client.redirect_uri is missing"},
        {S "dashboard_client", "{\"id\":\"i\",\"secret\":\" \",\"redirect_uri\":\"https://x\"}", "c: dashboard_client.secret must be a text"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_JSON json_t *body = body_of(BODY);
        CLEANUP(faults_clear) Faults f = {0};
        change(body, &rows[i]);
        check_body(body, &f);
        expect(&f, &rows[i]);
    }
}

static void test_served_plan(void **state)
{
    (void)state;
    static const Row rows[] = {
        {P "id", "\"" ID "12\"", "p3: id is that of p2; each id must be there once"},
        {P "id", "\"6C1C3F0E-6F0A-4F3E-9F57-0F5D9C2F7A12\"", "p3: id is that of p2"},
        {P "id", "\"" ID "11\"", "p3: id is that of the offering in c"},
        {P "id", "\"3\"", "p3: id must be a GUID"},
        {P "name", "\"plan-2\"", "p3: name is that of p2; each plan needs its own"},
        {P "name", "7", "p3: name must be lower-case letters"},
        {P "description", NULL, "p3: description is missing"},
        {P "free", NULL, "p3: free is missing; it must be true or false"},
        {P "free", "\"yes\"", "p3: free must be true or false"},
        {P "bindable", "\"no\"", "p3: bindable must be true or false"},
        {P "plan_updateable", "\"no\"", "p3: plan_updateable must be true or false"},
        {P "binding_rotatable", "1", "p3: binding_rotatable must be true or false"},
        {P "maximum_polling_duration", "1.5", "p3: maximum_polling_duration must be a whole number"},
        {P "maximum_polling_duration", "\"60\"", "p3: maximum_polling_duration must be a whole number"},
        {P "metadata", "\"x\"", "p3: metadata must be a mapping"},
        {P "metadata.bullets", "\"x\"", "p3: metadata.bullets must be a list of texts"},
        {P "metadata.bullets", "[\"x\",1]", "p3: metadata.bullets[1] must be a text"},
        {P "metadata.displayName", "3.9", "p3: metadata.displayName must be a text"},
        {P "metadata.costs", "[{\"amount\":{\"eur\":9.5,\"usd\":10},\"unit\":\"MONTHLY\"}]", NULL},
        {P "metadata.costs", "{}", "p3: metadata.costs must be a list"},
        {P "metadata.costs", "[9.5]", "p3: metadata.costs[0] must be a mapping of amount and unit"},
        {P "metadata.costs", "[{\"amount\":{\"eur\":9.5}}]", "p3: metadata.costs[0].unit is missing"},
        {P "metadata.costs", "[{\"amount\":9.5,\"unit\":\"MONTHLY\"}]", "p3: metadata.costs[0].amount must be a mapping"},
        {P "metadata.costs", "[{\"amount\":{},\"unit\":\"MONTHLY\"}]", "p3: metadata.costs[0].amount must name a currency"},
        {P "metadata.costs", "[{\"amount\":{\"eur\":\"9.5\"},\"unit\":\"MONTHLY\"}]", "p3: metadata.costs[0].amount.eur must be a number"},
        {P "maintenance_info", NULL, NULL},
        {P "maintenance_info", "\"1.0.0\"", "p3: maintenance_info must be a mapping"},
        {P "maintenance_info.version", NULL, "p3: maintenance_info.version is missing"},
        {P "maintenance_info.description", NULL, "p3: maintenance_info.description is missing"},
        {P "maintenance_info.date", "\"today\"", "p3: maintenance_info.date is not known; known are version, description"},
        {P "schemas", NULL, "p3: schemas is missing"},
        {P "schemas", "[]", "p3: schemas must be a mapping"},
        {P "schemas.service_instance.create.parameters.type", "\"array\"", "p3: parameters.create: the schema must have $schema and the type object"},
        {P "schemas.service_instance.update.parameters.$schema", NULL, "p3: parameters.update: the schema must have $schema"},
        {P "schemas.service_binding.create", "{}", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_JSON json_t *body = body_of(BODY);
        CLEANUP(faults_clear) Faults f = {0};
        change(body, &rows[i]);
        check_body(body, &f);
        expect(&f, &rows[i]);
    }
}

/* Texts at the limit, and one beyond it; what has to be beyond 255 characters is in parts. */
static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *before, *after, *fault;
        size_t most; /* letters between before and after */
    } rows[] = {
        {S "description", "\"", "\"", "c: description has 256 characters, at most 255", 255},
        {S "metadata.longDescription", "\"", "\"", "c: metadata.longDescription has 256 characters", 255},
        {S "metadata.own", "{\"list\":[\"", "\"]}", "c: metadata.own.list[0] has 256 characters", 255},
        {P "description", "\"", "\"", "p3: description has 256 characters", 255},
        {P "metadata.bullets", "[\"x\",\"", "\"]", "p3: metadata.bullets[1] has 256 characters", 255},
        {P "maintenance_info.description", "\"", "\"", "p3: maintenance_info.description has 256 characters", 255},
        /* {"$schema":…,"type":"object","x":""} */
        {P "schemas.service_instance.create.parameters.x", "\"", "\"", "p3: parameters.create: the schema has 65537 bytes, at most 65536", 65460},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (size_t more = 0; more < 2; more++) {
            CLEANUP_JSON json_t *body = body_of(BODY);
            CLEANUP(faults_clear) Faults f = {0};
            CLEANUP_STR Str value = STR_INIT;
            str_append(&value, rows[i].before);
            for (size_t n = 0; n < rows[i].most + more; n++)
                str_append(&value, rows[i].most == 255 ? "ä" : "a"); /* characters, not bytes */
            str_append(&value, rows[i].after);
            const Row row = {rows[i].path, str_text(&value), more ? rows[i].fault : NULL};
            change(body, &row);
            check_body(body, &f);
            expect(&f, &row);
        }
}

/* A picture may be long, many tags may not. */
static void test_pictures_and_tags(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *body = body_of(BODY), *tags = json_array();
    CLEANUP(faults_clear) Faults f = {0};
    CLEANUP_STR Str picture = STR_INIT, tag = STR_INIT;
    for (int i = 0; i < 1024; i++)
        str_append(&picture, "abc");
    str_append_n(&tag, str_text(&picture), 128);
    json_object_set_new(json_at(body, S "metadata"), "imageUrl", json_string(str_text(&picture)));
    for (int i = 0; i < 16; i++)
        json_array_append_new(tags, json_string(str_text(&tag)));
    json_object_set(json_at(body, "services.0"), "tags", tags);
    check_body(body, &f);
    assert_no_fault(&f);
    json_array_append_new(tags, json_string("a"));
    check_body(body, &f);
    assert_int_equal(f.count, 1);
    assert_fault(&f, "c: tags have 2049 characters in all, at most 2048");
}

static void test_versions(void **state)
{
    (void)state;
    static const char *const good[] = {"0.0.0", "1.2.3", "10.20.30", "1.0.0-alpha.1", "1.0.0-0.3.7", "1.0.0-x-y-z.--", "1.0.0+001", "1.0.0-rc.1+build.5",
                                       "1.0.0+21AF26D3---117B344092BD", "1.0.0-0A.is.legal", "99999999999999999999999.999999999999999999.99999999999999999"};
    static const char *const bad[] = {"", "1", "1.2", "1.2.3.4", "01.2.3", "1.02.3", "1.2.03", "1.2.3-", "1.2.3-01", "1.2.3-a..b", "1.2.3+", "1.2.3+a+b",
                                      "v1.2.3", "1.2.3 ", "1.2.x", "-1.2.3", "1.2.3-ä", "1.0.0-.a", "1.0.0-a."};
    for (size_t i = 0; i < ARRAY_SIZE(good) + ARRAY_SIZE(bad); i++) {
        bool fits = i < ARRAY_SIZE(good);
        CLEANUP_FREE char *value = xasprintf("\"%s\"", fits ? good[i] : bad[i - ARRAY_SIZE(good)]);
        CLEANUP_JSON json_t *body = body_of(BODY);
        CLEANUP(faults_clear) Faults f = {0};
        const Row row = {P "maintenance_info.version", value, fits ? NULL : "p3: maintenance_info.version must be a semantic version"};
        change(body, &row);
        check_body(body, &f);
        expect(&f, &row);
    }
}

static void test_definitions(void **state)
{
    (void)state;
    static const Row rows[] = {
        {"new", "{\"type\":\"integer\"}", NULL},
        {"new", "5", "d: new is 5 (an integer); it must be a schema (an object)"},
        {"a-b", "{\"type\":\"int\"}", "d: [\"a-b\"].type is \"int\" (a string); it must be one of"},
        {"topics.required", "[]", "d: topics.required is []"},
        {"topics.items.$ref", "\"http://elsewhere/x.json\"", "d: topics.items[\"$ref\"] is \"http://elsewhere/x.json\""},
        {"lifetime_seconds.exclusiveMinimum", "60", "d: lifetime_seconds.exclusiveMinimum is 60 (an integer); it must be true or false"},
        {"lifetime_seconds.minumum", "60", "d: lifetime_seconds.minumum is no keyword that is known here: did you mean \"minimum\"?"},
        {"groups.definitions", "{}", "d: groups.definitions is not at the root"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_JSON json_t *definitions = load("catalog/parameters.yml");
        CLEANUP(faults_clear) Faults f = {0};
        faults_in(&f, "d");
        change(definitions, &rows[i]);
        assert_int_equal(catalog_check_definitions(definitions, &f), rows[i].fault == NULL);
        expect(&f, &rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_offering_file), cmocka_unit_test(test_plan_file),     cmocka_unit_test(test_spec),
                                       cmocka_unit_test(test_served_offering), cmocka_unit_test(test_served_plan), cmocka_unit_test(test_lengths),
                                       cmocka_unit_test(test_pictures_and_tags), cmocka_unit_test(test_versions),  cmocka_unit_test(test_definitions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
