/* Manifests of every plan: what must be in them, and what must never be. */
#include "base/json.h"
#include "jobs/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const json_t *find(const json_t *objects, const char *kind, const char *name)
{
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)objects, i, o) if (strcmp(json_string_at(o, "kind", ""), kind) == 0 &&
                                                    strcmp(json_string_at(o, "metadata.name", ""), name) == 0) return o;
    return NULL;
}

static json_t *render(const char *plan_name, const char *const *kinds)
{
    Error err = {0};
    CLEANUP(catalog_free) Catalog *c = NULL;
    CLEANUP(templates_free) Templates *t = NULL;
    CLEANUP_JSON json_t *values = NULL;
    json_t *objects = NULL;
    assert_true(catalog_load("catalog", NULL, NULL, &c, NULL));
    if (!templates_load("k8s", &t, &err))
        fail_msg("%s", err.text);
    const Plan *p = catalog_plan_named(c, plan_name);
    CLEANUP_JSON json_t *facts = values_sample_facts(p, "cp-x");
    const ValuesInput in = {.instance_id = "Some Instance", .ns = "cp-x", .monitoring_namespace = "monitoring", .plan = p, .facts = facts};
    if (!values_build(&in, &values, &err) || !manifests_render(t, p, values, kinds, &objects, &err))
        fail_msg("%s", err.text);
    return objects;
}

static bool has_line(const json_t *map, const char *key, const char *line)
{
    const char *text = json_string_value(json_object_get(json_object_get(map, "data"), key));
    assert_non_null(text);
    size_t n = strlen(line);
    for (const char *p = text; (p = strstr(p, line)); p++)
        if ((p == text || p[-1] == '\n') && (p[n] == '\n' || !p[n]))
            return true;
    return false;
}

static void test_kraft(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *objects = render("standard", NULL);
    const json_t *cfg = find(objects, "ConfigMap", "cfg-kafka"), *ctl = find(objects, "ConfigMap", "cfg-controller");
    const json_t *set = find(objects, "StatefulSet", "kafka");
    assert_true(has_line(cfg, "server-2.properties", "node.id=2"));
    assert_true(has_line(cfg, "server-2.properties", "process.roles=broker"));
    assert_true(has_line(cfg, "server-1.properties",
                         "advertised.listeners=INTERNAL://kafka-1.kafka-hs.cp-x.svc:9071,REPLICATION://kafka-1.kafka-hs.cp-x.svc:9072,EXTERNAL://192.0.2.10:30001"));
    assert_true(has_line(cfg, "server-0.properties", "min.insync.replicas=2"));
    assert_null(strstr(json_string_value(json_object_get(json_object_get(cfg, "data"), "server-0.properties")), "zookeeper"));
    assert_null(json_object_get(json_object_get(cfg, "data"), "server-3.properties"));
    assert_true(has_line(ctl, "server-1.properties", "node.id=9001"));
    assert_true(has_line(ctl, "server-0.properties",
                         "controller.quorum.voters=9000@ctl-0.ctl-hs.cp-x.svc:9074,9001@ctl-1.ctl-hs.cp-x.svc:9074,9002@ctl-2.ctl-hs.cp-x.svc:9074"));
    assert_int_equal(json_int_at(set, "spec.replicas", 0), 3);
    assert_string_equal(json_string_at(set, "spec.updateStrategy.type", ""), "OnDelete");
    assert_string_equal(json_string_at(set, "spec.template.spec.containers.0.terminationMessagePolicy", ""), "FallbackToLogsOnError");
    assert_non_null(json_at(set, "spec.template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution"));
    assert_null(find(objects, "StatefulSet", "zk"));
    assert_non_null(find(objects, "Service", "kafka-2-ext"));
    assert_null(find(objects, "Service", "kafka-3-ext"));
}

static void test_zookeeper(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *objects = render("bare-minimum", NULL);
    const json_t *cfg = find(objects, "ConfigMap", "cfg-kafka"), *zk = find(objects, "ConfigMap", "cfg-zookeeper");
    assert_true(has_line(cfg, "server-0.properties", "broker.id=0"));
    assert_true(has_line(cfg, "server-0.properties", "inter.broker.protocol.version=3.9"));
    assert_true(has_line(cfg, "server-0.properties",
                         "zookeeper.connect=zk-0.zk-hs.cp-x.svc:2182,zk-1.zk-hs.cp-x.svc:2182,zk-2.zk-hs.cp-x.svc:2182/kafka"));
    assert_null(strstr(json_string_value(json_object_get(json_object_get(cfg, "data"), "server-0.properties")), "process.roles"));
    assert_true(has_line(zk, "zoo-2.cfg", "server.3=zk-2.zk-hs.cp-x.svc:2888:3888:participant"));
    assert_null(strstr(json_string_value(json_object_get(json_object_get(zk, "data"), "zoo-0.cfg")), "server.4"));
    assert_int_equal(json_array_size(json_at(find(objects, "StatefulSet", "zk"), "spec.volumeClaimTemplates")), 2);
    assert_null(find(objects, "StatefulSet", "ctl"));
}

static void check_pod(const json_t *set)
{
    const json_t *pod = json_at(set, "spec.template.spec"), *container = json_at(pod, "containers.0");
    assert_true(json_is_false(json_object_get(pod, "automountServiceAccountToken")));
    assert_true(json_is_false(json_object_get(pod, "enableServiceLinks")));
    assert_true(json_bool_at(pod, "securityContext.runAsNonRoot", false));
    assert_int_equal(json_int_at(pod, "securityContext.runAsUser", 0), 1000);
    assert_string_equal(json_string_at(pod, "securityContext.seccompProfile.type", ""), "RuntimeDefault");
    assert_true(json_bool_at(container, "securityContext.readOnlyRootFilesystem", false));
    assert_true(json_is_false(json_at(container, "securityContext.allowPrivilegeEscalation")));
    assert_string_equal(json_string_at(container, "securityContext.capabilities.drop.0", ""), "ALL");
    assert_null(json_object_get(container, "livenessProbe"));
    assert_non_null(json_object_get(container, "readinessProbe"));
    assert_null(json_at(container, "resources.limits.cpu"));
    assert_int_equal(strlen(json_string_value(json_object_get(json_at(set, "spec.template.metadata.annotations"), "osb/cfg-hash"))), 16);
}

static void test_every_plan(void **state)
{
    (void)state;
    static const char *const plans[] = {"developer", "bare-minimum", "standard"};
    for (size_t p = 0; p < ARRAY_SIZE(plans); p++) {
        CLEANUP_JSON json_t *objects = render(plans[p], NULL);
        CLEANUP_FREE char *text = json_text(objects);
        size_t i;
        json_t *o;
        assert_null(strstr(text, "${{"));
        assert_non_null(strstr(text, "O=${HOSTNAME##*-}"));
        assert_null(strstr(text, "cpbroker/each"));
        json_array_foreach(objects, i, o)
        {
            const json_t *labels = json_at(o, "metadata.labels");
            assert_string_equal(json_string_value(json_object_get(labels, "app.kubernetes.io/managed-by")), "cpbroker");
            assert_string_equal(json_string_value(json_object_get(labels, "app.kubernetes.io/instance")), "cp-x");
            if (strcmp(json_string_at(o, "kind", ""), "StatefulSet") == 0)
                check_pod(o);
        }
        assert_string_equal(json_string_at(json_array_get(objects, 0), "kind", ""), "Namespace");
        assert_non_null(find(objects, "NetworkPolicy", "default-deny"));
        assert_non_null(find(objects, "ResourceQuota", "plan"));
    }
}

/* Services are applied before any address is known, so they must render without facts. */
static void test_services_without_facts(void **state)
{
    (void)state;
    static const char *const kinds[] = {"Service", NULL};
    Error err = {0};
    CLEANUP(catalog_free) Catalog *c = NULL;
    CLEANUP(templates_free) Templates *t = NULL;
    CLEANUP_JSON json_t *values = NULL;
    CLEANUP_JSON json_t *objects = NULL;
    assert_true(catalog_load("catalog", NULL, NULL, &c, NULL) && templates_load("k8s", &t, &err));
    const Plan *p = catalog_plan_named(c, "developer");
    const ValuesInput in = {.instance_id = "i", .ns = "cp-x", .monitoring_namespace = "monitoring", .plan = p};
    assert_true(values_build(&in, &values, &err));
    if (!manifests_render(t, p, values, kinds, &objects, &err))
        fail_msg("%s", err.text);
    assert_int_equal(json_array_size(objects), 4);
    static const char *const maps[] = {"ConfigMap", NULL};
    json_t *none = NULL;
    assert_false(manifests_render(t, p, values, maps, &none, &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kraft), cmocka_unit_test(test_zookeeper), cmocka_unit_test(test_every_plan),
                                       cmocka_unit_test(test_services_without_facts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
