/* What is told of workloads that are not ready: how bad it is, since when, in which words. */
#include "base/mem.h"
#include "base/yaml.h"
#include "kube/object.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1767225600 /* 2026-01-01T00:00:00Z */

static json_t *parse(const char *yaml)
{
    Error err = {0};
    json_t *value = NULL;
    if (!yaml_parse(yaml, strlen(yaml), "t", &value, &err))
        fail_msg("%s: %s", yaml, err.text);
    return value;
}

#define POD(name, status) "{kind: Pod, metadata: {name: " name "}, status: " status "}"
#define STATE(fields) "{phase: Running, conditions: [{type: Ready, status: 'False'}], containerStatuses: [{name: kafka, image: 'x:1', ready: false, " fields "}]}"
#define SCHEDULED(at) "{type: PodScheduled, status: 'True', lastTransitionTime: '" at "'}"
#define CREATING(at) "{phase: Pending, conditions: [" SCHEDULED(at) "], containerStatuses: [{name: kafka, ready: false, state: {waiting: {reason: ContainerCreating}}}]}"
#define EVENT(of_kind, of_name, of_type, of_reason, first, last, text) \
    "{involvedObject: {kind: " of_kind ", name: " of_name "}, type: " of_type ", reason: " of_reason ", firstTimestamp: '" first \
    "', lastTimestamp: '" last "', message: '" text "'}"

static void trouble_is(const char *pods_yaml, const char *expected, Severity expected_severity)
{
    CLEANUP_JSON json_t *pods = parse(pods_yaml);
    CLEANUP_STR Str out = STR_INIT;
    int lasted = 0;
    Severity severity = workload_trouble(&(Workload){.pods = pods, .now = NOW}, &out, &lasted);
    assert_string_equal(str_text(&out), expected);
    if (severity != expected_severity)
        fail_msg("%s: severity is %d", expected, severity);
}

/* The same with set, claims and events, which may be NULL; `expected_seconds`: how long it has lasted. */
static void stuck_is(const char *const yaml[4], const char *expected, int expected_seconds)
{
    CLEANUP_JSON json_t *set = yaml[0] ? parse(yaml[0]) : NULL, *pods = parse(yaml[1]), *claims = yaml[2] ? parse(yaml[2]) : NULL;
    CLEANUP_JSON json_t *events = yaml[3] ? parse(yaml[3]) : NULL;
    CLEANUP_STR Str out = STR_INIT;
    int lasted = 0;
    Severity severity = workload_trouble(&(Workload){set, pods, claims, events, NOW}, &out, &lasted);
    assert_string_equal(str_text(&out), expected);
    assert_int_equal(severity, *expected ? TROUBLE_STUCK : TROUBLE_NONE);
    assert_int_equal(lasted, expected_seconds);
}

static void test_no_trouble(void **state)
{
    (void)state;
    trouble_is("[]", "", TROUBLE_NONE);
    trouble_is("[" POD("a", "{phase: Pending}") "]", "", TROUBLE_NONE);
    trouble_is("[" POD("a", STATE("state: {waiting: {reason: ContainerCreating}}")) "]", "", TROUBLE_NONE);
    trouble_is("[" POD("a", STATE("state: {running: {}}, restartCount: 0")) "]", "", TROUBLE_NONE);
    trouble_is("[" POD("a", STATE("state: {terminated: {exitCode: 0, reason: Completed}}")) "]", "", TROUBLE_NONE);
    trouble_is("[" POD("a", "{phase: Succeeded}") "]", "", TROUBLE_NONE);
    trouble_is("[" POD("a", "{phase: Running, conditions: [{type: Ready, status: 'True'}], containerStatuses: "
                            "[{name: k, ready: true, state: {running: {}}, restartCount: 9, lastState: {terminated: {exitCode: 1}}}]}") "]",
               "", TROUBLE_NONE);
    trouble_is("[{metadata: {name: a, deletionTimestamp: x}, status: {phase: Failed}}]", "", TROUBLE_NONE);
}

static void test_images_and_configuration(void **state)
{
    (void)state;
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: ErrImagePull, message: 'dial tcp: time-out'}}")) "]",
               "kafka-1: image x:1 cannot be pulled (ErrImagePull: dial tcp: time-out)", TROUBLE_STUCK);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: ImagePullBackOff, message: 'docker.io/x:1: not found'}}")) "]",
               "kafka-1: image x:1 cannot be pulled (ImagePullBackOff: docker.io/x:1: not found)", TROUBLE_FATAL);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: ImagePullBackOff, message: 'lookup docker.invalid: no such host'}}")) "]",
               "kafka-1: image x:1 cannot be pulled (ImagePullBackOff: lookup docker.invalid: no such host)", TROUBLE_STUCK);
#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: ErrImagePull, message: 'failed to pull " LONG ": failed to resolve " LONG ": Head: no such host'}}")) "]",
               "kafka-1: image x:1 cannot be pulled (ErrImagePull: failed to resolve " LONG ": Head: no such host)", TROUBLE_STUCK);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: InvalidImageName}}")) "]",
               "kafka-1: image x:1 cannot be pulled (InvalidImageName)", TROUBLE_FATAL);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: CreateContainerConfigError, message: \"secret\\nx not found\"}}")) "]",
               "kafka-1: container kafka cannot start (CreateContainerConfigError: secret x not found)", TROUBLE_FATAL);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: RunContainerError, message: m}}")) "]",
               "kafka-1: container kafka cannot start (RunContainerError: m)", TROUBLE_STUCK);
    trouble_is("[" POD("a", "{phase: Pending, initContainerStatuses: [{name: i, image: y, ready: false, state: {waiting: {reason: ErrImageNeverPull}}}]}") "]",
               "a: image y cannot be pulled (ErrImageNeverPull)", TROUBLE_FATAL);
    trouble_is("[" POD("a", "{phase: Failed, reason: Evicted, message: disk}") "]", "a: failed (Evicted: disk)", TROUBLE_PASSING);
}

static void test_crashes(void **state)
{
    (void)state;
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: CrashLoopBackOff}}, restartCount: 3, lastState: {terminated: {exitCode: 1, reason: Error}}")) "]",
               "kafka-1: container kafka exited with code 1 (Error), 3 restarts", TROUBLE_FATAL);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: CrashLoopBackOff}}, restartCount: 1, lastState: {terminated: {exitCode: 1, reason: Error}}")) "]",
               "kafka-1: container kafka exited with code 1 (Error), 1 restart", TROUBLE_PASSING);
    trouble_is("[" POD("kafka-1", STATE("state: {terminated: {exitCode: 137, reason: OOMKilled}}, restartCount: 2")) "]",
               "kafka-1: container kafka exited with code 137 (OOMKilled), 2 restarts", TROUBLE_PASSING);
    trouble_is("[" POD("kafka-1", STATE("state: {running: {}}, restartCount: 5, lastState: {terminated: {exitCode: 137, reason: OOMKilled}}")) "]",
               "kafka-1: container kafka exited with code 137 (OOMKilled), 5 restarts", TROUBLE_PASSING);
    trouble_is("[" POD("kafka-1", STATE("state: {waiting: {reason: CrashLoopBackOff}}, restartCount: 4")) "]",
               "kafka-1: container kafka is in a crash loop, 4 restarts", TROUBLE_FATAL);
}

static void last_words_are(const char *message, const char *expected)
{
    CLEANUP_JSON json_t *pods = parse("[" POD("k", STATE("state: {terminated: {exitCode: 1}}, restartCount: 0")) "]");
    CLEANUP_STR Str out = STR_INIT;
    int lasted;
    json_object_set_new(json_at(pods, "0.status.containerStatuses.0.state.terminated"), "message", json_string(message));
    assert_int_equal(workload_trouble(&(Workload){.pods = pods, .now = NOW}, &out, &lasted), TROUBLE_PASSING);
    assert_string_equal(str_text(&out), expected);
}

#define EXITED "k: container kafka exited with code 1 (Error), 0 restarts"

static void test_last_words(void **state)
{
    (void)state;
    last_words_are("", EXITED);
    last_words_are("a\nToo small maximum heap\n\n", EXITED "; its last words: Too small maximum heap");
    last_words_are("ERROR fatal\nConfigException: bad value\n\tat Config.parse(Config.java:1)\n\t... 4 more\n",
                   EXITED "; its last words: ConfigException: bad value");
    last_words_are("first\nssl.keystore.Password = hunter2\nclient-SECRET: x\nsasl.jaas.config = y\n-----BEGIN PRIVATE KEY-----\n",
                   EXITED "; its last words: first");
    last_words_are("the password is x", EXITED);
}

static void test_scheduling(void **state)
{
    (void)state;
    static const char pods[] = "[" POD("kafka-1", "{phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, "
                               "lastTransitionTime: '2025-12-31T23:58:00Z', message: '0/1 nodes are available: 1 Insufficient memory. "
                               "preemption: 0/1 nodes are available: 1 No preemption victims.'}]}") "]";
    stuck_is((const char *[]){NULL, pods, NULL, NULL}, "kafka-1 cannot be scheduled: 0/1 nodes are available: 1 Insufficient memory.", 120);
    stuck_is((const char *[]){NULL, "[" POD("a", "{conditions: [{type: PodScheduled, status: 'False', reason: SchedulingGated}]}") "]", NULL, NULL},
             "a cannot be scheduled: no reason given", INT_MAX);
}

static void test_probe(void **state)
{
    (void)state;
    static const char young[] = "[" POD("a", STATE("state: {running: {startedAt: '2025-12-31T23:59:31Z'}}")) "]";
    static const char old[] = "[" POD("a", STATE("state: {running: {startedAt: '2025-12-31T23:59:00Z'}}")) "]";
    static const char middle[] = "[" POD("a", STATE("state: {running: {startedAt: '2025-12-31T23:59:21Z'}}")) "]";
    static const char oldest[] = "[" POD("a", STATE("state: {running: {startedAt: '2025-12-31T23:50:00Z'}}")) "]";
    static const char again[] = "[" POD("a", STATE("state: {running: {startedAt: '2025-12-31T23:59:00Z'}}, restartCount: 1, lastState: {terminated: {exitCode: 3}}")) "]";
    static const char events[] = "[" EVENT("Pod", "a", "Warning", "Unhealthy", "2025-12-31T23:59:10Z", "2025-12-31T23:59:58Z",
                                           "Readiness probe failed: connection refused") "]";
    stuck_is((const char *[]){NULL, young, NULL, events}, "", 0);
    stuck_is((const char *[]){NULL, middle, NULL, NULL}, "a: container kafka has been running for 30 seconds and is not ready", 0);
    stuck_is((const char *[]){NULL, old, NULL, NULL}, "a: container kafka has been running for 1 minute and is not ready", 0);
    stuck_is((const char *[]){NULL, oldest, NULL, NULL}, "a: container kafka has been running for 10 minutes and is not ready", 360);
    stuck_is((const char *[]){NULL, old, NULL, events},
             "a: container kafka has been running for 1 minute and is not ready (Readiness probe failed: connection refused)", 0);
    stuck_is((const char *[]){NULL, again, NULL, NULL}, "a: container kafka exited with code 3 (Error), 1 restart", 0);
}

/* The newest event of a pod decides; trouble lasts since the first warning, at most since the pod has a node. */
static void test_events_of_pods(void **state)
{
    (void)state;
    static const char pods[] = "[" POD("a", CREATING("2025-12-31T23:50:00Z")) "]";
    static const char image[] = "[" POD("a", "{phase: Pending, conditions: [" SCHEDULED("2025-12-31T23:50:00Z") "], containerStatuses: "
                                             "[{name: kafka, image: 'x:1', ready: false, state: {waiting: {reason: ErrImagePull, message: reset}}}]}") "]";
    static const char mount[] = EVENT("Pod", "a", "Warning", "FailedMount", "2025-12-31T23:59:10Z", "2025-12-31T23:59:50Z", "no such disk");
    static const char pulling[] = EVENT("Pod", "a", "Normal", "Pulling", "2025-12-31T23:59:55Z", "2025-12-31T23:59:55Z", "Pulling image");
    static const char scheduling[] = EVENT("Pod", "a", "Warning", "FailedScheduling", "2025-12-31T23:40:00Z", "2025-12-31T23:40:00Z", "full");
    CLEANUP_FREE char *mounting = xasprintf("[%s, %s]", scheduling, mount), *passed = xasprintf("[%s, %s]", mount, pulling);
    CLEANUP_FREE char *other = xasprintf("[%s]", EVENT("Pod", "b", "Warning", "FailedMount", "2025-12-31T23:59:10Z", "2025-12-31T23:59:50Z", "x"));
    stuck_is((const char *[]){NULL, pods, NULL, mounting}, "a: cannot be set up (FailedMount: no such disk)", 50);
    stuck_is((const char *[]){NULL, pods, NULL, passed}, "", 0);
    stuck_is((const char *[]){NULL, pods, NULL, other}, "", 0);
    stuck_is((const char *[]){NULL, image, NULL, NULL}, "a: image x:1 cannot be pulled (ErrImagePull: reset)", 600);
    stuck_is((const char *[]){NULL, image, NULL, mounting}, "a: image x:1 cannot be pulled (ErrImagePull: reset)", 50);
}

static void test_missing_pods(void **state)
{
    (void)state;
    static const char set[] = "{kind: StatefulSet, metadata: {name: kafka, creationTimestamp: '2025-12-31T23:57:00Z'}, spec: {replicas: 3}}";
    static const char refused[] = "[" EVENT("StatefulSet", "kafka", "Warning", "FailedCreate", "2025-12-31T23:58:00Z", "2025-12-31T23:59:00Z",
                                            "exceeded quota: cp") "]";
    stuck_is((const char *[]){set, "[" POD("kafka-0", "{}") "]", NULL, refused}, "2 of 3 pods do not exist: exceeded quota: cp", 120);
    stuck_is((const char *[]){set, "[]", NULL, "[]"}, "3 of 3 pods do not exist", 180);
    stuck_is((const char *[]){set, "[]", NULL, NULL}, "", 0);
    stuck_is((const char *[]){set, "[" POD("a", "{}") "," POD("b", "{}") "," POD("c", "{}") "]", NULL, refused}, "", 0);
}

#define CLAIM(phase) "[{kind: PersistentVolumeClaim, metadata: {name: d, creationTimestamp: '2025-12-31T23:59:20Z'}, status: {phase: " phase "}}]"

static void test_claims(void **state)
{
    (void)state;
    static const char none[] = "[" EVENT("PersistentVolumeClaim", "d", "Warning", "ProvisioningFailed", "2025-12-31T23:59:20Z",
                                         "2025-12-31T23:59:50Z", "storageclass x not found") "]";
    static const char first[] = "[" EVENT("PersistentVolumeClaim", "d", "Normal", "WaitForFirstConsumer", "2025-12-31T23:59:20Z",
                                          "2025-12-31T23:59:50Z", "waiting") "]";
    stuck_is((const char *[]){NULL, "[]", CLAIM("Pending"), none}, "volume claim d has no volume: storageclass x not found", 40);
    stuck_is((const char *[]){NULL, "[]", CLAIM("Pending"), "[]"}, "volume claim d has no volume", 40);
    stuck_is((const char *[]){NULL, "[]", CLAIM("Pending"), first}, "", 0);
    stuck_is((const char *[]){NULL, "[]", CLAIM("Bound"), none}, "", 0);
}

static void test_many_and_long(void **state)
{
    (void)state;
    trouble_is("[" POD("a", "{phase: Failed}") "," POD("b", "{phase: Running}") "," POD("c", "{phase: Failed}") "," POD("d", "{phase: Failed}") "," POD("e", "{phase: Failed}") "]",
               "a: failed (no reason given); c: failed (no reason given); d: failed (no reason given); and 1 more", TROUBLE_PASSING);
    trouble_is("[" POD("a", STATE("state: {waiting: {reason: InvalidImageName}}")) "," POD("b", "{phase: Failed}") "]",
               "a: image x:1 cannot be pulled (InvalidImageName); b: failed (no reason given)", TROUBLE_FATAL);
    CLEANUP_JSON json_t *pods = parse("[" POD("a", STATE("state: {waiting: {reason: RunContainerError, message: m}}")) "]");
    CLEANUP_STR Str out = STR_INIT, message = STR_INIT;
    int lasted;
    for (int i = 0; i < 300; i++)
        str_append(&message, "\xe2\x82\xac");
    json_object_set_new(json_at(pods, "0.status.containerStatuses.0.state.waiting"), "message", json_string(str_text(&message)));
    assert_int_equal(workload_trouble(&(Workload){.pods = pods, .now = NOW}, &out, &lasted), TROUBLE_STUCK);
    assert_in_range(out.len, 200, 300);
    CLEANUP_JSON json_t *utf8 = json_string(str_text(&out)); /* NULL if a character was cut */
    assert_non_null(utf8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_trouble), cmocka_unit_test(test_images_and_configuration),
        cmocka_unit_test(test_crashes),    cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_scheduling), cmocka_unit_test(test_probe),
        cmocka_unit_test(test_events_of_pods), cmocka_unit_test(test_missing_pods),
        cmocka_unit_test(test_claims),     cmocka_unit_test(test_many_and_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
