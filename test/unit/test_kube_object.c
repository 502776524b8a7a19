/* Kinds, paths, names; readiness by kind; what is told of troubled pods. */
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

#define POD(name, status) "{metadata: {name: " name "}, status: " status "}"
#define STATE(fields) "{phase: Running, conditions: [{type: Ready, status: 'False'}], containerStatuses: [{name: kafka, image: 'x:1', ready: false, " fields "}]}"

static void trouble_is(const char *pods_yaml, const char *expected, bool expected_fatal)
{
    CLEANUP_JSON json_t *pods = parse(pods_yaml);
    CLEANUP_STR Str out = STR_INIT;
    bool fatal = false, found = pods_trouble(pods, &out, &fatal);
    assert_string_equal(str_text(&out), expected);
    assert_int_equal(found, *expected != '\0');
    if (fatal != expected_fatal)
        fail_msg("%s: fatal is %d", expected, fatal);
}

static void test_no_trouble(void **state)
{
    (void)state;
    trouble_is("[]", "", false);
    trouble_is("[" POD("a", "{phase: Pending}") "]", "", false);
    trouble_is("[" POD("a", STATE("state: {waiting: {reason: ContainerCreating}}")) "]", "", false);
    trouble_is("[" POD("a", STATE("state: {running: {}}, restartCount: 0")) "]", "", false);
    trouble_is("[" POD("a", STATE("state: {terminated: {exitCode: 0, reason: Completed}}")) "]", "", false);
    trouble_is("[" POD("a", "{phase: Succeeded}") "]", "", false);
    trouble_is("[" POD("a", "{phase: Running, conditions: [{type: Ready, status: 'True'}], containerStatuses: "
                            "[{name: k, ready: true, state: {running: {}}, restartCount: 9, lastState: {terminated: {exitCode: 1}}}]}") "]",
               "", false);
    trouble_is("[{metadata: {name: a, deletionTimestamp: x}, status: {phase: Failed}}]", "", false);
}

static void test_trouble(void **state)
{
    (void)state;
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: ErrImagePull, message: 'dial tcp: time-out'}}")) "]",
               "kafka-1: image x:1 cannot be pulled (ErrImagePull: dial tcp: time-out)", false);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: ImagePullBackOff, message: 'docker.io/x:1: not found'}}")) "]",
               "kafka-1: image x:1 cannot be pulled (ImagePullBackOff: docker.io/x:1: not found)", true);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: InvalidImageName}}")) "]",
               "kafka-1: image x:1 cannot be pulled (InvalidImageName)", true);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: CrashLoopBackOff}}, restartCount: 3, lastState: {terminated: {exitCode: 1, reason: Error}}")) "]",
               "kafka-1: container kafka exited with code 1 (Error), 3 restarts", true);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: CrashLoopBackOff}}, restartCount: 1, lastState: {terminated: {exitCode: 1, reason: Error}}")) "]",
               "kafka-1: container kafka exited with code 1 (Error), 1 restart", false);
    trouble_is("[" POD("kafka-1", STATE("state: {terminated: {exitCode: 137, reason: OOMKilled}}, restartCount: 2")) "]",
               "kafka-1: container kafka exited with code 137 (OOMKilled), 2 restarts", false);
    trouble_is("[" POD("kafka-1", STATE("state: {running: {}}, restartCount: 5, lastState: {terminated: {exitCode: 137, reason: OOMKilled}}")) "]",
               "kafka-1: container kafka exited with code 137 (OOMKilled), 5 restarts", false);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: CrashLoopBackOff}}, restartCount: 4")) "]",
               "kafka-1: container kafka is in a crash loop, 4 restarts", true);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: CreateContainerConfigError, message: \"secret\\nx not found\"}}")) "]",
               "kafka-1: container kafka cannot start (CreateContainerConfigError: secret x not found)", true);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: RunContainerError, message: m}}")) "]",
               "kafka-1: container kafka cannot start (RunContainerError: m)", false);
    trouble_is("[" POD("kafka-1", "{phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: 0/3 nodes}]}") "]",
               "kafka-1: cannot be scheduled: 0/3 nodes", false);
    trouble_is("[" POD("a", "{phase: Failed, reason: Evicted, message: disk}") "]", "a: failed (Evicted: disk)", false);
    trouble_is("[" POD("a", "{phase: Pending, initContainerStatuses: [{name: i, image: y, ready: false, state: {waiting: {reason: ErrImageNeverPull}}}]}") "]",
               "a: image y cannot be pulled (ErrImageNeverPull)", true);
}

static void test_many_and_long(void **state)
{
    (void)state;
    trouble_is("[" POD("a", "{phase: Failed}") "," POD("b", "{phase: Running}") "," POD("c", "{phase: Failed}") "," POD("d", "{phase: Failed}") "," POD("e", "{phase: Failed}") "]",
               "a: failed (no reason given); c: failed (no reason given); d: failed (no reason given); and 1 more", false);
    CLEANUP_JSON json_t *pods = parse("[" POD("a", STATE("state: {waiting: {reason: RunContainerError, message: m}}")) "]");
    CLEANUP_STR Str out = STR_INIT, message = STR_INIT;
    bool fatal = false;
    for (int i = 0; i < 300; i++)
        str_append(&message, "\xe2\x82\xac");
    json_object_set_new(json_at(pods, "0.status.containerStatuses.0.state.waiting"), "message", json_string(str_text(&message)));
    assert_true(pods_trouble(pods, &out, &fatal));
    assert_in_range(out.len, 200, 300);
    CLEANUP_JSON json_t *utf8 = json_string(str_text(&out)); /* NULL if a character was cut */
    assert_non_null(utf8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),      cmocka_unit_test(test_names),   cmocka_unit_test(test_readiness),
        cmocka_unit_test(test_counts),     cmocka_unit_test(test_no_trouble), cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_many_and_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
