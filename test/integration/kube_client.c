/*
 * Runs the Kubernetes client against a real API server and prints a line per check. Started by test_kube_client.py:
 *   kube_client objects KUBECONFIG NAMESPACE         every call on objects in a namespace that it makes and deletes
 *   kube_client pods KUBECONFIG NAMESPACE IMAGE      port-forward to a ZooKeeper pod, events, troubled pods
 *   kube_client reads KUBECONFIG COUNT               COUNT reads by one client
 *   kube_client expect KUBECONFIG ERROR              one read that must end with this kind of error ("none" = success)
 *   kube_client deadline KUBECONFIG                  a server that never answers
 *   kube_client list KUBECONFIG COUNT                a list of ConfigMaps that must have COUNT items
 */
#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "kube/kube.h"
#include "kube/object.h"
#include "net/http_client.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WAIT_MS = 120000, PAGED = 503, ZOOKEEPER_PORT = 2181, SILENT_PORT = 2199 };

typedef struct Run {
    Kube *kube;
    const char *ns, *image;
    int failed;
} Run;

static void check(Run *run, bool ok, const char *name, const char *detail)
{
    printf("%s %s%s%s\n", ok ? "ok" : "FAIL", name, ok || !detail ? "" : ": ", ok || !detail ? "" : detail);
    fflush(stdout);
    run->failed += !ok;
}

/* A call that must succeed. */
static bool must(Run *run, bool ok, const char *name, const Error *err)
{
    check(run, ok, name, err->text);
    return ok;
}

/* A call that must fail with one kind, and whose text must have `part`. */
static void must_fail(Run *run, bool ok, const Error *err, ErrorKind kind, const char *part, const char *name)
{
    CLEANUP_FREE char *detail = xasprintf("wanted %s with \"%s\", got %s: %s", error_kind_name(kind), part,
                                          ok ? "success" : error_kind_name(err->kind), ok ? "" : err->text);
    check(run, !ok && err->kind == kind && strstr(err->text, part), name, detail);
}

/* A manifest from YAML with %s = the namespace. */
static json_t *object(const Run *run, const char *yaml)
{
    Error err = {0};
    json_t *value = NULL;
    Str text = STR_INIT;
    for (const char *p = yaml; *p; p++) {
        if (strncmp(p, "NS", 2) == 0 || strncmp(p, "IMAGE", 5) == 0) {
            str_append(&text, *p == 'N' ? run->ns : run->image);
            p += *p == 'N' ? 1 : 4;
        } else {
            str_append_char(&text, *p);
        }
    }
    if (!yaml_parse(str_text(&text), text.len, yaml, &value, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    str_free(&text);
    return value;
}

static bool apply(Run *run, const char *yaml, json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *value = object(run, yaml);
    return kube_apply(run->kube, value, ret, err);
}

/* Applies until a passing refusal (a new namespace) is over. */
static bool apply_patiently(Run *run, const char *yaml, Error *err)
{
    int64_t end = clock_ms() + 20000;
    while (!apply(run, yaml, NULL, err)) {
        if (err->kind != ERR_RETRY || clock_ms() > end)
            return false;
        clock_sleep_ms(200);
    }
    return true;
}

#define NAMESPACE "{apiVersion: v1, kind: Namespace, metadata: {name: NS, labels: {l: '1'}}}"
#define CONFIG "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: NS, labels: {l: '1'}}, data: {a: b}}"
#define SECRET "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: NS}, data: {a: aHVudGVyMg==}}"
#define SERVICE "{apiVersion: v1, kind: Service, metadata: {name: np, namespace: NS}, spec: {type: NodePort, selector: {a: b}, ports: [{name: p, port: 9092}]}}"
#define SET(more) "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: set, namespace: NS}, spec: {replicas: 0, serviceName: np" more \
    ", selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: x, image: 'none:1'}]}}}}"
#define QUOTA "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: NS}, spec: {hard: {services.nodeports: '3'}}}"

static void idempotent(Run *run, const char *yaml, const char *name)
{
    CLEANUP_JSON json_t *first = NULL, *second = NULL;
    Error err = {0};
    if (!must(run, apply(run, yaml, &first, &err) && apply(run, yaml, &second, &err), name, &err))
        return;
    const char *version = json_string_at(first, "metadata.resourceVersion", "");
    check(run, *version && strcmp(version, json_string_at(second, "metadata.resourceVersion", "")) == 0,
          "  applied again, its resourceVersion is the same", version);
}

/* The controller writes a status of its own into a new StatefulSet. */
static bool settled(Run *run, Error *err)
{
    const KubeRef ref = {"StatefulSet", run->ns, "set"};
    for (int64_t end = clock_ms() + WAIT_MS; clock_ms() < end; clock_sleep_ms(100)) {
        CLEANUP_JSON json_t *set = NULL;
        if (!kube_get(run->kube, &ref, &set, err))
            return false;
        if (object_ready(set))
            return true;
    }
    return error_set(err, ERR_RETRY, "the StatefulSet does not get ready");
}

static void check_apply(Run *run)
{
    CLEANUP_JSON json_t *service = NULL, *dry = object(run, "{apiVersion: v1, kind: ConfigMap, metadata: {name: dry, namespace: NS}}");
    CLEANUP_JSON json_t *none = NULL, *dry_result = NULL;
    Error err = {0};
    idempotent(run, NAMESPACE, "apply Namespace");
    idempotent(run, CONFIG, "apply ConfigMap");
    idempotent(run, SECRET, "apply Secret");
    must(run, apply(run, SET(""), NULL, &err) && settled(run, &err), "a StatefulSet of none gets ready", &err);
    idempotent(run, SET(""), "apply StatefulSet");
    must(run, apply_patiently(run, QUOTA, &err) && apply_patiently(run, SERVICE, &err), "apply Service right after its quota, with patience", &err);
    idempotent(run, SERVICE, "apply Service");
    must(run, kube_get(run->kube, &(KubeRef){"Service", run->ns, "np"}, &service, &err), "get Service", &err);
    check(run, json_int_at(service, "spec.ports.0.nodePort", 0) > 0 && object_ready(service), "the Service has a node port and is ready", NULL);
    must(run, kube_apply_dry_run(run->kube, dry, &dry_result, &err) && json_at(dry_result, "metadata.uid"), "dry run answers with the object", &err);
    must_fail(run, kube_get(run->kube, &(KubeRef){"ConfigMap", run->ns, "dry"}, &none, &err), &err, ERR_NOT_FOUND, "get ConfigMap", "dry run stores nothing");
}

static void apply_refused(Run *run, const char *yaml, ErrorKind kind, const char *part, const char *name)
{
    Error err = {0};
    bool ok = apply(run, yaml, NULL, &err);
    must_fail(run, ok, &err, kind, part, name);
    if (strstr(err.text, "hunter2") || strstr(err.text, "aHVudGVyMg"))
        check(run, false, "  the text quotes no value of a Secret", err.text);
}

static void check_refusals(Run *run)
{
    CLEANUP_JSON json_t *none = NULL;
    Error err = {0};
    apply_refused(run, "{apiVersion: v1, kind: Service, metadata: {name: bad, namespace: NS}, spec: {ports: [{port: 70000}]}}", ERR_INVALID, "422 Invalid: ", "422 is invalid, with the server's message");
    apply_refused(run, "{apiVersion: v1, kind: ConfigMap, metadata: {name: bad, namespace: NS}, dada: {a: b}}", ERR_INVALID, "dada", "an unknown field is refused and named");
    apply_refused(run, SET(", podManagementPolicy: Parallel"), ERR_INVALID, "422", "an immutable field of a StatefulSet is 422");
    apply_refused(run, "{apiVersion: v1beta1, kind: Service, metadata: {name: bad, namespace: NS}}", ERR_INVALID, "apiVersion is v1beta1, must be v1", "a foreign apiVersion is not sent");
    apply_refused(run, "{apiVersion: v1, kind: Gadget, metadata: {name: bad, namespace: NS}}", ERR_INVALID, "unknown kind", "an unknown kind is not sent");
    apply_refused(run, "{apiVersion: v1, kind: ConfigMap, metadata: {name: bad}}", ERR_INVALID, "namespace", "a missing namespace is not sent");
    apply_refused(run, "{apiVersion: v1, kind: ConfigMap, metadata: {name: bad, namespace: NS-absent}}", ERR_NOT_FOUND, "404 NotFound", "apply into an absent namespace is not found");
    apply_refused(run, "{apiVersion: v1, kind: Secret, metadata: {name: bad, namespace: NS}, data: {a: 'hunter2$'}}", ERR_INVALID, "apply Secret", "a bad value of a Secret is refused");
    apply_refused(run, "{apiVersion: v1, kind: Secret, metadata: {name: bad, namespace: NS}, data: {'a hunter': aHVudGVyMg==}}", ERR_INVALID, "422 Invalid (fields data[a hunter])", "a bad key of a Secret is named");
    must_fail(run, kube_get(run->kube, &(KubeRef){"Pod", run->ns, "absent"}, &none, &err), &err, ERR_NOT_FOUND, "404 NotFound", "get of an absent Pod");
    must_fail(run, kube_get(run->kube, &(KubeRef){"Pod", run->ns, NULL}, &none, &err), &err, ERR_INVALID, "needs a name", "get without a name is not sent");
}

static void check_lists(Run *run)
{
    CLEANUP_JSON json_t *all = NULL, *some = NULL, *none = NULL, *after = NULL, *everywhere = NULL;
    Error err = {0};
    bool ok = true;
    for (int i = 0; ok && i < PAGED; i++) {
        CLEANUP_FREE char *yaml = xasprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: page-%d, namespace: NS, labels: {paged: 'a'}}}", i);
        ok = apply(run, yaml, NULL, &err);
    }
    const KubeRef maps = {"ConfigMap", run->ns, NULL}, anywhere = {"ConfigMap", NULL, NULL};
    must(run, ok && kube_list(run->kube, &maps, NULL, &all, &err), "list ConfigMaps over two pages", &err);
    check(run, json_array_size(all) >= PAGED + 1 && strcmp(json_string_at(all, "502.kind", ""), "ConfigMap") == 0, "  all items, each with its kind", NULL);
    must(run, kube_list(run->kube, &maps, "paged in (a,b),l!=1", &some, &err), "list by a label selector", &err);
    check(run, json_array_size(some) == PAGED, "  only the items that match", NULL);
    must(run, kube_list(run->kube, &maps, "l=1,paged", &none, &err) && json_array_size(none) == 0, "list of nothing is empty", &err);
    must(run, kube_list(run->kube, &anywhere, NULL, &everywhere, &err) && json_array_size(everywhere) > json_array_size(all),
         "list over all namespaces", &err);
    must(run, kube_delete_collection(run->kube, &maps, &(KubeDelete){.grace_seconds = -1}, &err) &&
                  kube_list(run->kube, &maps, "paged", &after, &err) && json_array_size(after) == 0, "delete all ConfigMaps", &err);
    must_fail(run, kube_delete_collection(run->kube, &anywhere, NULL, &err), &err, ERR_INVALID, "only within a namespace", "delete all without a namespace is not sent");
}

/* Waits until the object is gone. */
static bool gone(Run *run, const KubeRef *ref, Error *err)
{
    for (int64_t end = clock_ms() + WAIT_MS; clock_ms() < end; clock_sleep_ms(300)) {
        CLEANUP_JSON json_t *found = NULL;
        if (!kube_get(run->kube, ref, &found, err))
            return err->kind == ERR_NOT_FOUND;
    }
    return error_set(err, ERR_RETRY, "%s is still there", ref->name);
}

static void check_delete(Run *run)
{
    CLEANUP_JSON json_t *ns = NULL, *held = NULL;
    const KubeRef service = {"Service", run->ns, "np"}, space = {"Namespace", NULL, run->ns};
    Error err = {0};
    must_fail(run, kube_delete(run->kube, &service, &(KubeDelete){"00000000-0000-0000-0000-000000000000", NULL, -1}, &err), &err, ERR_CONFLICT, "409 Conflict", "delete with a foreign uid is a conflict");
    must(run, kube_get(run->kube, &service, &held, &err), "  and deletes nothing", &err);
    must(run, kube_delete(run->kube, &service, NULL, &err) && gone(run, &service, &err), "delete", &err);
    must(run, kube_delete(run->kube, &service, NULL, &err), "delete of an absent object is success", &err);
    must(run, apply(run, "{apiVersion: v1, kind: ConfigMap, metadata: {name: held, namespace: NS, finalizers: [example.com/hold]}}", NULL, &err) &&
              kube_get(run->kube, &space, &ns, &err) && object_ready(ns), "the namespace is ready", &err);
    const KubeDelete options = {json_string_at(ns, "metadata.uid", ""), "Foreground", -1};
    must(run, kube_delete(run->kube, &space, &options, &err), "delete Namespace with its uid", &err);
    must(run, kube_delete(run->kube, &space, &options, &err), "delete it again while it terminates", &err);
    apply_refused(run, CONFIG, ERR_RETRY, "403 Forbidden", "apply into a terminating namespace may be tried again");
    must(run, apply(run, "{apiVersion: v1, kind: ConfigMap, metadata: {name: held, namespace: NS, finalizers: []}}", NULL, &err) &&
              gone(run, &space, &err), "the namespace goes when its last finalizer does", &err);
}

static void objects(Run *run)
{
    CLEANUP_FREE char *version = NULL;
    Error err = {0};
    must(run, kube_version(run->kube, &version, &err) && version[0] == '1' && version[1] == '.', "version", &err);
    check_apply(run);
    check_refusals(run);
    check_lists(run);
    check_delete(run);
}

#define POD(name, image, command) "{apiVersion: v1, kind: Pod, metadata: {name: " name ", namespace: NS}, spec: {restartPolicy: Always," \
    " terminationGracePeriodSeconds: 0, containers: [{name: main, image: '" image "', imagePullPolicy: IfNotPresent, command: [bash, -ec, '" command "']}]}}"
#define ZOOKEEPER "printf \"%s\\\\n\" dataDir=/tmp/zk clientPort=2181 admin.enableServer=false 4lw.commands.whitelist=* > /tmp/zoo.cfg;" \
    " LOG_DIR=/tmp exec zookeeper-server-start /tmp/zoo.cfg"

/* What the pod's server answers to ZooKeeper's "ruok". */
static bool ask(Run *run, char answer[5], Error *err)
{
    CLEANUP(stream_free) Stream *stream = NULL;
    int64_t deadline = clock_ms() + 5000;
    memset(answer, 0, 5);
    size_t n = 1;
    char rest;
    return kube_portforward(run->kube, &(KubePort){run->ns, "zk", ZOOKEEPER_PORT}, deadline, &stream, err) &&
           stream_write(stream, "ruok", 4, deadline, err) && stream_read_all(stream, answer, 4, deadline, err) &&
           stream_read(stream, &rest, 1, &n, deadline, err) &&
           (n == 0 || error_set(err, ERR_INTERNAL, "no end of the stream"));
}

static void check_portforward(Run *run)
{
    CLEANUP(stream_free) Stream *silent = NULL, *absent = NULL, *late = NULL;
    char answer[5] = "", byte;
    Error err = {0};
    size_t n = 0;
    bool ok = false;
    for (int64_t end = clock_ms() + WAIT_MS; !ok && clock_ms() < end; clock_sleep_ms(500))
        ok = ask(run, answer, &err) || err.kind != ERR_RETRY;
    ok = strcmp(answer, "imok") == 0;
    must(run, ok, "port-forward: ask and answer, then the end of the stream", &err);
    ok = kube_portforward(run->kube, &(KubePort){run->ns, "zk", SILENT_PORT}, clock_ms() + 5000, &silent, &err) &&
         stream_read(silent, &byte, 1, &n, clock_ms() + 5000, &err);
    must_fail(run, ok, &err, ERR_RETRY, "zk:2199", "port-forward: nothing listens");
    printf("     (%s)\n", err.text);
    ok = kube_portforward(run->kube, &(KubePort){run->ns, "absent", SILENT_PORT}, clock_ms() + 5000, &absent, &err);
    must_fail(run, ok, &err, ERR_NOT_FOUND, "404", "port-forward: absent pod");
    ok = kube_portforward(run->kube, &(KubePort){run->ns, "zk", ZOOKEEPER_PORT}, clock_ms() - 1, &late, &err);
    must_fail(run, ok, &err, ERR_RETRY, "used up", "port-forward: nothing is sent after the deadline");
    CLEANUP(stream_free) Stream *idle = NULL;
    int64_t start = clock_ms();
    ok = kube_portforward(run->kube, &(KubePort){run->ns, "zk", ZOOKEEPER_PORT}, start + 5000, &idle, &err) &&
         stream_read(idle, &byte, 1, &n, clock_ms() + 300, &err);
    must_fail(run, ok, &err, ERR_RETRY, "zk:2181", "port-forward: a read ends at its deadline");
    check(run, clock_ms() - start < 3000, "  in time", NULL);
}

static void check_pods(Run *run)
{
    CLEANUP_STR Str why = STR_INIT;
    CLEANUP_JSON json_t *events = NULL, *others = NULL;
    Error err = {0};
    bool fatal = false, image = false, crash = false;
    int lasted = 0;
    for (int64_t end = clock_ms() + WAIT_MS; !(image && crash && fatal) && clock_ms() < end; clock_sleep_ms(500)) {
        CLEANUP_JSON json_t *pods = NULL;
        str_clear(&why);
        if (!kube_list(run->kube, &(KubeRef){"Pod", run->ns, NULL}, NULL, &pods, &err))
            continue;
        fatal = workload_trouble(&(Workload){.pods = pods, .now = time(NULL)}, &why, &lasted) == TROUBLE_FATAL;
        image = strstr(str_text(&why), "image cpbroker.invalid/none:1 cannot be pulled") != NULL;
        crash = strstr(str_text(&why), "container main exited with code 7 (Error), 3 restarts") != NULL;
    }
    check(run, image, "an image that cannot be had is told", str_text(&why));
    check(run, crash && fatal, "a crash loop is told, and fatal after three restarts", str_text(&why));
    printf("     (%s)\n", str_text(&why));
    must(run, kube_events(run->kube, run->ns, "crash", &events, &err) && json_array_size(events) > 0 &&
              kube_events(run->kube, run->ns, "nobody", &others, &err) && json_array_size(others) == 0, "events of one pod", &err);
}

static void pods(Run *run)
{
    const KubeRef space = {"Namespace", NULL, run->ns};
    Error err = {0};
    if (must(run, apply(run, NAMESPACE, NULL, &err) && apply_patiently(run, POD("crash", "IMAGE", "exit 7"), &err) &&
                      apply_patiently(run, POD("noimage", "cpbroker.invalid/none:1", "true"), &err) &&
                      apply_patiently(run, POD("zk", "IMAGE", ZOOKEEPER), &err), "apply pods", &err)) {
        check_portforward(run);
        check_pods(run);
    }
    must(run, kube_delete(run->kube, &space, NULL, &err) && gone(run, &space, &err), "delete the namespace", &err);
}

static void reads(Run *run, int count)
{
    Error err = {0};
    bool ok = true;
    for (int i = 0; ok && i < count; i++) {
        CLEANUP_JSON json_t *found = NULL;
        ok = kube_get(run->kube, &(KubeRef){"Namespace", NULL, "default"}, &found, &err);
    }
    must(run, ok, "reads", &err);
}

static void expect(Run *run, const char *kind)
{
    CLEANUP_JSON json_t *found = NULL;
    Error err = {0};
    bool ok = kube_get(run->kube, &(KubeRef){"Namespace", NULL, "default"}, &found, &err);
    printf("     (%s)\n", err.text);
    check(run, strcmp(ok ? "none" : error_kind_name(err.kind), kind) == 0, kind, error_kind_name(err.kind));
}

static void deadline(Run *run)
{
    CLEANUP_JSON json_t *found = NULL;
    CLEANUP(stream_free) Stream *stream = NULL;
    const KubeRef ref = {"Namespace", NULL, "default"};
    Error err = {0};
    int64_t start = clock_ms();
    kube_set_deadline(run->kube, start + 500);
    must_fail(run, kube_get(run->kube, &ref, &found, &err), &err, ERR_RETRY, "get Namespace default", "a request ends at the deadline");
    check(run, clock_ms() - start >= 400 && clock_ms() - start < 2000, "  in time", NULL);
    must_fail(run, kube_delete(run->kube, &ref, NULL, &err), &err, ERR_RETRY, "not sent", "none is sent after it");
    kube_set_deadline(run->kube, start = clock_ms() + 500);
    must_fail(run, kube_portforward(run->kube, &(KubePort){"a", "b", 1}, start + 60000, &stream, &err), &err, ERR_RETRY, "a/b:1", "port-forward ends at it too");
    check(run, clock_ms() - start < 2000, "  in time", NULL);
}

static void list_items(Run *run, const char *count)
{
    CLEANUP_JSON json_t *items = NULL;
    Error err = {0};
    bool ok = kube_list(run->kube, &(KubeRef){"ConfigMap", "default", NULL}, NULL, &items, &err);
    CLEANUP_FREE char *got = xasprintf("%zu", json_array_size(items));
    check(run, ok && strcmp(got, count) == 0, "list", ok ? got : err.text);
}

int main(int argc, char **argv)
{
    CLEANUP(kube_cluster_free) KubeCluster *cluster = NULL;
    CLEANUP(kube_free) Kube *kube = NULL;
    Error err = {0};
    const char *mode = argc > 1 ? argv[1] : "";
    http_global_init();
    if (argc < 3 || !kube_cluster_load(argv[2], &cluster, &err) || !kube_new(cluster, &kube, &err)) {
        fprintf(stderr, "kube_client: %s\n", argc < 3 ? "see the comment at its beginning" : err.text);
        return 2;
    }
    Run run = {kube, argc > 3 ? argv[3] : "", argc > 4 ? argv[4] : "", 0};
    if (strcmp(mode, "objects") == 0)
        objects(&run);
    else if (strcmp(mode, "pods") == 0)
        pods(&run);
    else if (strcmp(mode, "reads") == 0)
        reads(&run, (int)strtol(run.ns, NULL, 10));
    else if (strcmp(mode, "expect") == 0)
        expect(&run, run.ns);
    else if (strcmp(mode, "deadline") == 0)
        deadline(&run);
    else if (strcmp(mode, "list") == 0)
        list_items(&run, run.ns);
    else
        return 2;
    return run.failed != 0;
}
