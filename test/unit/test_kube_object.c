/* Kinds, paths, names; readiness by kind. */
#include "base/mem.h"
#include "base/yaml.h"
#include "kube/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *yaml)
{
    Error err = {0};
    json_t *value = NULL;
    if (!yaml_parse(yaml, strlen(yaml), "t", &value, &err))
        fail_msg("%s: %s", yaml, err.text);
    return value;
}

static void path_is(const char *kind, const char *ns, const char *name, const char *expected)
{
    CLEANUP_FREE char *path = object_path(kind, ns, name);
    if (!expected)
        assert_null(path);
    else
        assert_string_equal(path, expected);
}

static void test_paths(void **state)
{
    (void)state;
    path_is("Namespace", NULL, "osb-1", "/api/v1/namespaces/osb-1");
    path_is("Namespace", NULL, NULL, "/api/v1/namespaces");
    path_is("Node", "ignored", NULL, "/api/v1/nodes");
    path_is("Pod", "osb-1", "kafka-0", "/api/v1/namespaces/osb-1/pods/kafka-0");
    path_is("Pod", NULL, NULL, "/api/v1/pods");
    path_is("Pod", NULL, "kafka-0", NULL);
    path_is("StatefulSet", "a", "b", "/apis/apps/v1/namespaces/a/statefulsets/b");
    path_is("PodDisruptionBudget", "a", NULL, "/apis/policy/v1/namespaces/a/poddisruptionbudgets");
    path_is("NetworkPolicy", "a", "b", "/apis/networking.k8s.io/v1/namespaces/a/networkpolicies/b");
    path_is("StorageClass", NULL, "x", "/apis/storage.k8s.io/v1/storageclasses/x");
    path_is("ClusterRole", NULL, "a:b", "/apis/rbac.authorization.k8s.io/v1/clusterroles/a%3Ab");
    path_is("Secret", "a/../b", "c?d;e", "/api/v1/namespaces/a%2F..%2Fb/secrets/c%3Fd%3Be");
    path_is("Gadget", "a", "b", NULL);
    path_is(NULL, "a", "b", NULL);
    assert_string_equal(object_api_version("Job"), "batch/v1");
    assert_null(object_api_version("jobs"));
    assert_true(object_namespaced("Job"));
    assert_false(object_namespaced("PersistentVolume"));
    assert_false(object_namespaced("Gadget"));
}

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "0", "a-b", "123456789012345678901234567890123456789012345678901234567890123"};
    static const char *const bad[] = {"", "-a", "a-", "A", "a.b", "a_b", "a b", "\xc3\xa9",
                                      "1234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(object_name_valid(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(object_name_valid(bad[i]));
    assert_false(object_name_valid(NULL));
}

#define SET(generation, observed, updated, ready, current) \
    "{kind: StatefulSet, metadata: {generation: " #generation "}, spec: {replicas: 3}, status: {observedGeneration: " #observed \
    ", updatedReplicas: " #updated ", readyReplicas: " #ready ", currentRevision: " current ", updateRevision: r2}}"

static void test_readiness(void **state)
{
    (void)state;
    static const struct {
        const char *object;
        bool ready;
    } rows[] = {
        {SET(2, 2, 3, 3, "r2"), true},
        {SET(2, 3, 3, 3, "r2"), true},
        {SET(3, 2, 3, 3, "r2"), false},
        {SET(2, 2, 2, 3, "r2"), false},
        {SET(2, 2, 3, 2, "r2"), false},
        {SET(2, 2, 3, 3, "r1"), false},
        {SET(2, 2, 4, 4, "r2"), false},
        {"{kind: StatefulSet, metadata: {generation: 1}, spec: {replicas: 0}}", false},
        {"{kind: StatefulSet, metadata: {generation: 1}, spec: {replicas: 0}, status: {observedGeneration: 1}}", true},
        {"{kind: StatefulSet, metadata: {generation: 1, deletionTimestamp: x}, spec: {replicas: 0}, status: {observedGeneration: 1}}", false},
        {"{kind: StatefulSet, metadata: {generation: 1}, spec: {replicas: 1, updateStrategy: {type: OnDelete}},"
         " status: {observedGeneration: 1, updatedReplicas: 1, readyReplicas: 1, currentRevision: a, updateRevision: b}}", true},
        {"{kind: StatefulSet, metadata: {generation: 1}, spec: {replicas: 1, updateStrategy: {type: OnDelete}},"
         " status: {observedGeneration: 1, updatedReplicas: 0, readyReplicas: 1, currentRevision: a, updateRevision: b}}", false},
        {"{kind: Deployment, metadata: {generation: 1}, spec: {replicas: 2}, status: {observedGeneration: 1, updatedReplicas: 2, availableReplicas: 2, replicas: 2}}", true},
        {"{kind: Deployment, metadata: {generation: 1}, spec: {replicas: 2}, status: {observedGeneration: 1, updatedReplicas: 2, availableReplicas: 2, replicas: 3}}", false},
        {"{kind: Deployment, metadata: {generation: 1}, spec: {replicas: 2}, status: {observedGeneration: 1, updatedReplicas: 2, availableReplicas: 1, replicas: 2}}", false},
        {"{kind: Service, spec: {type: ClusterIP, clusterIP: 10.0.0.1}}", true},
        {"{kind: Service, spec: {clusterIP: None}}", true},
        {"{kind: Service, spec: {type: ClusterIP}}", false},
        {"{kind: Service, spec: {type: NodePort, clusterIP: 10.0.0.1, ports: [{port: 1, nodePort: 30001}]}}", true},
        {"{kind: Service, spec: {type: NodePort, clusterIP: 10.0.0.1, ports: [{port: 1, nodePort: 30001}, {port: 2}]}}", false},
        {"{kind: Service, spec: {type: LoadBalancer, clusterIP: 10.0.0.1, ports: []}}", false},
        {"{kind: Service, spec: {type: LoadBalancer, clusterIP: 10.0.0.1}, status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}}", true},
        {"{kind: Service, spec: {type: LoadBalancer, clusterIP: 10.0.0.1}, status: {loadBalancer: {ingress: [{hostname: h}]}}}", true},
        {"{kind: Service, spec: {type: ExternalName}}", true},
        {"{kind: PersistentVolumeClaim, status: {phase: Bound}}", true},
        {"{kind: PersistentVolumeClaim, status: {phase: Pending}}", false},
        {"{kind: PersistentVolumeClaim}", false},
        {"{kind: PersistentVolume, status: {phase: Available}}", true},
        {"{kind: PersistentVolume, status: {phase: Released}}", false},
        {"{kind: Namespace, status: {phase: Active}}", true},
        {"{kind: Namespace, status: {phase: Terminating}}", false},
        {"{kind: Pod, status: {phase: Running, conditions: [{type: Initialized, status: 'True'}, {type: Ready, status: 'True'}]}}", true},
        {"{kind: Pod, status: {phase: Running, conditions: [{type: Ready, status: 'False'}]}}", false},
        {"{kind: Pod, status: {phase: Succeeded}}", true},
        {"{kind: Node, status: {conditions: [{type: Ready, status: Unknown}]}}", false},
        {"{kind: Node, status: {conditions: [{type: Ready, status: 'True'}]}}", true},
        {"{kind: Job, status: {conditions: [{type: Complete, status: 'True'}]}}", true},
        {"{kind: Job, status: {conditions: [{type: Failed, status: 'True'}]}}", false},
        {"{kind: ConfigMap}", true},
        {"{kind: ConfigMap, metadata: {deletionTimestamp: x}}", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_JSON json_t *object = parse(rows[i].object);
        if (object_ready(object) != rows[i].ready)
            fail_msg("%s is %s ready", rows[i].object, rows[i].ready ? "not" : "wrongly");
    }
}

static void test_counts(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *set = parse(SET(1, 1, 3, 2, "r2")), *fresh = parse("{kind: StatefulSet, spec: {}}");
    int ready = -1, wanted = -1;
    statefulset_counts(set, &ready, &wanted);
    assert_int_equal(ready, 2);
    assert_int_equal(wanted, 3);
    statefulset_counts(set, NULL, NULL);
    statefulset_counts(fresh, &ready, &wanted);
    assert_int_equal(ready, 0);
    assert_int_equal(wanted, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_readiness),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
