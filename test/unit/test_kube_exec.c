/* Credential plugins and token files: answers, time limit, bad output, environment, caching to expiry and renewal. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "kube/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* The caller frees. */
static char *in_folder(const char *name)
{
    return xasprintf("/tmp/test_kube_exec.%d%s%s", getpid(), *name ? "/" : "", name);
}

static void write_file(const char *name, const char *text)
{
    CLEANUP_FREE char *path = in_folder(name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(path, 0700);
}

/* A cluster whose user is the plugin script `body`. */
static KubeCluster *cluster_with(const char *body)
{
    Error err = {0};
    KubeCluster *cluster = NULL;
    CLEANUP_FREE char *folder = in_folder("");
    CLEANUP_FREE char *script = xasprintf("#!/bin/sh\ncd %s\necho run >> runs\n%s\n", folder, body);
    CLEANUP_FREE char *config = xasprintf(
        "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
        "clusters: [{name: k, cluster: {server: 'https://h', certificate-authority-data: Q0E=}}]\n"
        "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: %s/plugin, args: [first],"
        " env: [{name: PLUGIN_SETTING, value: given}]}}}]\n", folder);
    CLEANUP_FREE char *path = in_folder("config"), *runs = in_folder("runs");
    write_file("plugin", script);
    write_file("config", config);
    unlink(runs);
    if (!kube_cluster_load(path, &cluster, &err))
        fail_msg("%s", err.text);
    return cluster;
}

static int runs(void)
{
    Error err = {0};
    CLEANUP_STR Str text = STR_INIT;
    CLEANUP_FREE char *path = in_folder("runs");
    return file_read(path, 10000, &text, &err) ? (int)(text.len / 4) : 0;
}

#define ANSWER(status) "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{" status "}}'"

static void token_is(KubeCluster *cluster, const char *token, unsigned long *ret_generation)
{
    Error err = {0};
    CLEANUP(credential_free) Credential c = {0};
    if (!cluster_credential(cluster, &c, ret_generation, &err))
        fail_msg("%s", err.text);
    assert_string_equal(c.token, token);
}

static void refused(const char *body, ErrorKind kind, const char *part)
{
    CLEANUP(kube_cluster_free) KubeCluster *cluster = cluster_with(body);
    Error err = {0};
    Credential c = {0};
    unsigned long generation = 0;
    cluster->config.exec->timeout_ms = 400;
    int64_t start = clock_ms();
    if (cluster_credential(cluster, &c, &generation, &err))
        fail_msg("accepted: %s", body);
    assert_in_range(clock_ms() - start, 0, 3000);
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, part) || !strstr(err.text, "/plugin"))
        fail_msg("\"%s\" not in \"%s\"", part, err.text);
    assert_null(strstr(err.text, "hunter2"));
}

static void test_refused(void **state)
{
    (void)state;
    refused("echo hunter2; exit 3", ERR_RETRY, "exit code 3");
    refused("kill -9 $$", ERR_RETRY, "signal 9");
    refused("sleep 20", ERR_RETRY, "did not end in time");
    refused("sleep 20 & exit 0", ERR_RETRY, "did not end in time");
    refused("exec >/dev/null; sleep 20", ERR_RETRY, "did not end in time");
    refused("head -c 2000000 /dev/zero", ERR_RETRY, "more than 1 MiB");
    refused("echo hunter2", ERR_DENIED, "not JSON");
    refused("echo '{}'", ERR_DENIED, "not an ExecCredential");
    refused("echo '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"hunter2\"}}'",
            ERR_DENIED, "not an ExecCredential of client.authentication.k8s.io/v1");
    refused(ANSWER(""), ERR_DENIED, "neither status.token nor both");
    refused(ANSWER("\"clientKeyData\":\"hunter2\""), ERR_DENIED, "neither status.token nor both");
    refused(ANSWER("\"token\":\"hunter2 x\""), ERR_DENIED, "characters that no token has");
    refused(ANSWER("\"token\":\"hunter2\",\"expirationTimestamp\":\"tomorrow\""), ERR_DENIED, "RFC 3339");
}

static void test_not_startable(void **state)
{
    (void)state;
    CLEANUP(kube_cluster_free) KubeCluster *cluster = cluster_with("true");
    CLEANUP_FREE char *path = in_folder("plugin");
    Error err = {0};
    Credential c = {0};
    unsigned long generation = 0;
    unlink(path);
    assert_false(cluster_credential(cluster, &c, &generation, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_non_null(strstr(err.text, "cannot be started"));
}

static void test_no_expiry_is_kept(void **state)
{
    (void)state;
    CLEANUP(kube_cluster_free) KubeCluster *cluster = cluster_with(ANSWER("\"token\":\"t'$(wc -l < runs)'\""));
    unsigned long generation = 0;
    token_is(cluster, "t1", &generation);
    token_is(cluster, "t1", &generation);
    assert_int_equal(runs(), 1);
    /* 401 for this generation makes a new one; 401 for an older one, seen by another thread, does not. */
    assert_true(cluster_credential_refused(cluster, generation));
    token_is(cluster, "t2", &generation);
    assert_true(cluster_credential_refused(cluster, generation - 1));
    token_is(cluster, "t2", &generation);
    assert_int_equal(runs(), 2);
}

static void expiring(const char *stamp, int expected_runs)
{
    CLEANUP_FREE char *body = xasprintf(ANSWER("\"token\":\"t\",\"expirationTimestamp\":\"%s\""), stamp);
    CLEANUP(kube_cluster_free) KubeCluster *cluster = cluster_with(body);
    unsigned long generation = 0;
    for (int i = 0; i < 3; i++)
        token_is(cluster, "t", &generation);
    assert_int_equal(runs(), expected_runs);
}

static void *read_many(void *argument)
{
    KubeCluster *cluster = argument;
    for (int i = 0; i < 200; i++) {
        CLEANUP(credential_free) Credential c = {0};
        Error err = {0};
        unsigned long generation = 0;
        if (!cluster_credential(cluster, &c, &generation, &err) || c.token[0] != 't')
            return argument;
        if (i == 100)
            cluster_credential_refused(cluster, 1);
    }
    return NULL;
}

static void test_threads_share_one_credential(void **state)
{
    (void)state;
    CLEANUP(kube_cluster_free) KubeCluster *cluster = cluster_with(ANSWER("\"token\":\"t\""));
    pthread_t threads[8];
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_many, cluster), 0);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(runs(), 2); /* the first, and one more although all refused the first */
}

static void test_expiry(void **state)
{
    (void)state;
    char stamp[64];
    time_t later = time(NULL) + 3600;
    struct tm tm;
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&later, &tm));
    expiring(stamp, 1);
    expiring("2020-01-01T00:00:00Z", 3);
    time_t soon = time(NULL) + 5; /* within the leeway */
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&soon, &tm));
    expiring(stamp, 3);
}

static void test_environment(void **state)
{
    (void)state;
    setenv("CPBROKER_DATABASE_URL", "hunter2", 1);
    setenv("PLUGIN_SETTING", "inherited", 1);
    CLEANUP(kube_cluster_free) KubeCluster *cluster =
        cluster_with("case $KUBERNETES_EXEC_INFO in *ExecCredential*) info=yes;; esac\n" ANSWER("\"token\":\"'$1-$PLUGIN_SETTING-${CPBROKER_DATABASE_URL:-none}-$info'\""));
    unsigned long generation = 0;
    token_is(cluster, "first-given-none-yes", &generation);
    unsetenv("CPBROKER_DATABASE_URL");
    unsetenv("PLUGIN_SETTING");
}

static void test_certificate(void **state)
{
    (void)state;
    CLEANUP(kube_cluster_free) KubeCluster *cluster = cluster_with(ANSWER("\"clientCertificateData\":\"C\",\"clientKeyData\":\"K\""));
    CLEANUP(credential_free) Credential c = {0};
    Error err = {0};
    unsigned long generation = 0;
    assert_true(cluster_credential(cluster, &c, &generation, &err));
    assert_null(c.token);
    assert_string_equal(c.cert_pem, "C");
    assert_string_equal(c.key_pem, "K");
}

static void test_token_file(void **state)
{
    (void)state;
    KubeCluster *cluster = NULL;
    Error err = {0};
    Credential c = {0};
    unsigned long generation = 0;
    CLEANUP_FREE char *path = in_folder("config"), *token = in_folder("token");
    write_file("config", "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                         "clusters: [{name: k, cluster: {server: 'https://h', certificate-authority-data: Q0E=}}]\n"
                         "users: [{name: u, user: {tokenFile: token}}]\n");
    write_file("token", "one\n");
    assert_true(kube_cluster_load(path, &cluster, &err));
    token_is(cluster, "one", &generation);
    write_file("token", "two\n");
    token_is(cluster, "one", &generation); /* read again after 60 s … */
    assert_in_range(cluster->renew_at_ms - clock_ms(), 50000, 60000);
    assert_true(cluster_credential_refused(cluster, generation)); /* … or when the server refuses it */
    token_is(cluster, "two", &generation);
    write_file("token", "\n");
    cluster_credential_refused(cluster, generation);
    assert_false(cluster_credential(cluster, &c, &generation, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    unlink(token);
    assert_false(cluster_credential(cluster, &c, &generation, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    kube_cluster_free(cluster);
}

static void test_times(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T00:00:00ZZ", "2024-01-01T00:00:00+1:00",
                                      "2024-01-01T00:00:00+01:00x", "2024-01-01T00:00:00.Z", "2024-13-01T00:00:00Z"};
    int64_t t = 0;
    assert_true(rfc3339_parse("1970-01-02T00:00:00Z", &t));
    assert_int_equal(t, 86400);
    assert_true(rfc3339_parse("1970-01-02T00:00:00.123456+01:30", &t));
    assert_int_equal(t, 86400 - 5400);
    assert_true(rfc3339_parse("1970-01-01T23:00:00-01:00", &t));
    assert_int_equal(t, 86400);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (rfc3339_parse(bad[i], &t))
            fail_msg("%s accepted", bad[i]);
}

static int make_folder(void **state)
{
    (void)state;
    CLEANUP_FREE char *folder = in_folder("");
    return mkdir(folder, 0700);
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"plugin", "config", "runs", "token"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *path = in_folder(names[i]);
        unlink(path);
    }
    CLEANUP_FREE char *folder = in_folder("");
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_not_startable), cmocka_unit_test(test_no_expiry_is_kept),
        cmocka_unit_test(test_expiry),      cmocka_unit_test(test_environment),   cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_threads_share_one_credential), cmocka_unit_test(test_token_file),  cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
