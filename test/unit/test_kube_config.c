/* Kubeconfigs: files beside them, inline data, each source of credentials, and everything that is refused. */
#include "base/mem.h"
#include "base/yaml.h"
#include "kube/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CONFIG(cluster, user) \
    "current-context: c\ncontexts: [{name: other, context: {cluster: x, user: x}}, {name: c, context: {cluster: k, user: u}}]\n" \
    "clusters: [{name: k, cluster: {" cluster "}}]\nusers: [{name: u, user: {" user "}}]\n"
/* base64 of "CA", "CERT", "KEY" */
#define SERVER "server: 'https://api.example:6443', certificate-authority-data: Q0E="

static bool parse(const char *yaml, const char *path, KubeConfig *ret, Error *err)
{
    CLEANUP_JSON json_t *tree = NULL;
    assert_true(yaml_parse(yaml, strlen(yaml), "t", &tree, err));
    return kubeconfig_parse(tree, path, ret, err);
}

static void refused(const char *yaml, const char *part)
{
    Error err = {0};
    KubeConfig config = {0};
    if (parse(yaml, "/etc/kubeconfig", &config, &err))
        fail_msg("accepted: %s", yaml);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.text, "kubeconfig /etc/kubeconfig: "));
    if (!strstr(err.text, part))
        fail_msg("\"%s\" not in \"%s\"", part, err.text);
}

static void test_inline(void **state)
{
    (void)state;
    Error err = {0};
    CLEANUP(kubeconfig_free) KubeConfig c = {0};
    if (!parse(CONFIG(SERVER ", tls-server-name: kubernetes", "client-certificate-data: Q0VSVA==, client-key-data: S0VZ"), "k", &c, &err))
        fail_msg("%s", err.text);
    assert_false(c.plain);
    assert_string_equal(c.host, "api.example");
    assert_string_equal(c.port, "6443");
    assert_string_equal(c.base, "");
    assert_string_equal(c.server_name, "kubernetes");
    assert_string_equal(c.ca_pem, "CA");
    assert_string_equal(c.cert_pem, "CERT");
    assert_string_equal(c.key_pem, "KEY");
    assert_null(c.token);
    assert_null(c.exec);
}

static void test_tokens(void **state)
{
    (void)state;
    Error err = {0};
    CLEANUP(kubeconfig_free) KubeConfig c = {0}, d = {0};
    assert_true(parse(CONFIG(SERVER, "token: abc.def"), "k", &c, &err));
    assert_string_equal(c.token, "abc.def");
    assert_string_equal(c.server_name, "api.example");
    /* tokenFile wins over token, as in client-go. */
    assert_true(parse(CONFIG(SERVER, "token: abc, tokenFile: t/token"), "/x/y/config", &d, &err));
    assert_string_equal(d.token_file, "/x/y/t/token");
    assert_null(d.token);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_kube_config.XXXXXX";
    Error err = {0};
    CLEANUP(kubeconfig_free) KubeConfig c = {0}, d = {0};
    assert_non_null(mkdtemp(folder));
    write_file(folder, "ca.crt", "from file");
    write_file(folder, "u.crt", "cert");
    write_file(folder, "u.key", "key");
    CLEANUP_FREE char *path = xasprintf("%s/config", folder);
    assert_true(parse(CONFIG("server: 'https://h', certificate-authority: ca.crt", "client-certificate: u.crt, client-key: u.key"), path, &c, &err));
    assert_string_equal(c.ca_pem, "from file");
    assert_string_equal(c.cert_pem, "cert");
    assert_string_equal(c.key_pem, "key");
    assert_string_equal(c.port, "443");
    /* Data wins over the file. */
    assert_true(parse(CONFIG("server: 'https://h', certificate-authority: ca.crt, certificate-authority-data: Q0E=", "token: t"), path, &d, &err));
    assert_string_equal(d.ca_pem, "CA");
    static const char *const names[] = {"ca.crt", "u.crt", "u.key"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *file = xasprintf("%s/%s", folder, names[i]);
        unlink(file);
    }
    rmdir(folder);
}

static void test_exec(void **state)
{
    (void)state;
    Error err = {0};
    CLEANUP(kubeconfig_free) KubeConfig c = {0};
    if (!parse(CONFIG(SERVER ", extensions: [{name: client.authentication.k8s.io/exec, extension: {a: 1}}]",
                      "exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/p, args: [a, 'b c'], env: [{name: N, value: v}],"
                      " provideClusterInfo: true, interactiveMode: IfAvailable}"), "k", &c, &err))
        fail_msg("%s", err.text);
    assert_string_equal(c.exec->command, "/bin/p");
    assert_string_equal(c.exec->args[0], "/bin/p");
    assert_string_equal(c.exec->args[2], "b c");
    assert_null(c.exec->args[3]);
    assert_string_equal(c.exec->env[0], "N=v");
    assert_null(c.exec->env[1]);
    CLEANUP_JSON json_t *info = NULL;
    assert_true(json_parse(c.exec->info, strlen(c.exec->info), &info, &err));
    assert_string_equal(json_string_at(info, "kind", ""), "ExecCredential");
    assert_string_equal(json_string_at(info, "apiVersion", ""), "client.authentication.k8s.io/v1");
    assert_false(json_bool_at(info, "spec.interactive", true));
    assert_string_equal(json_string_at(info, "spec.cluster.server", ""), "https://api.example:6443");
    assert_string_equal(json_string_at(info, "spec.cluster.certificate-authority-data", ""), "Q0E=");
    assert_int_equal(json_int_at(info, "spec.cluster.config.a", 0), 1);
}

#define EXEC(version, rest) "exec: {apiVersion: client.authentication.k8s.io/" version ", " rest "}"

static void test_refused(void **state)
{
    (void)state;
    refused("[]", "not a mapping");
    refused("clusters: []", "no current-context");
    refused("current-context: c\ncontexts: []\n", "contexts has no entry \"c\"");
    refused("current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: []\n", "clusters has no entry \"k\"");
    refused("current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {" SERVER "}}]\n",
            "users has no entry \"u\"");
    refused(CONFIG(SERVER ", insecure-skip-tls-verify: true", "token: t"), "clusters[k]: insecure-skip-tls-verify is not supported");
    refused(CONFIG(SERVER ", proxy-url: 'http://p'", "token: t"), "clusters[k]: proxy-url is not supported");
    refused(CONFIG(SERVER, "username: a, password: b"), "users[u]: username is not supported");
    refused(CONFIG(SERVER, "password: b"), "users[u]: password is not supported");
    refused(CONFIG(SERVER, "auth-provider: {name: gcp}"), "users[u]: auth-provider is not supported");
    refused(CONFIG(SERVER, "token: t, as: admin"), "users[u]: as is not supported");
    refused(CONFIG(SERVER, ""), "users[u]: no token");
    refused(CONFIG(SERVER, "client-certificate-data: Q0VSVA=="), "must come together");
    refused(CONFIG(SERVER, "client-key-data: '*', client-certificate-data: Q0VSVA=="), "client-key-data: not base64");
    refused(CONFIG(SERVER, "client-key: absent.key, client-certificate-data: Q0VSVA=="), "client-key: cannot open /etc/absent.key");
    refused(CONFIG(SERVER, "token: \"a\\nb: c\""), "token is empty or has characters");
    refused(CONFIG(SERVER, "token: ''"), "token is empty");
    refused(CONFIG(SERVER, "token: t, " EXEC("v1", "command: /p")), "exec stands beside");
    refused(CONFIG(SERVER, EXEC("v1alpha1", "command: /p")), "exec.apiVersion");
    refused(CONFIG(SERVER, EXEC("v1", "command: p")), "exec.command must be an absolute path");
    refused(CONFIG(SERVER, EXEC("v1", "command: /p, args: [1]")), "exec.args[0]");
    refused(CONFIG(SERVER, EXEC("v1beta1", "command: /p, env: [{name: a}]")), "exec.env[0]");
    refused(CONFIG(SERVER, EXEC("v1", "command: /p, interactiveMode: Always")), "no terminal");
}

static void test_servers(void **state)
{
    (void)state;
    static const struct {
        const char *server, *host, *port, *base;
        bool plain;
    } good[] = {
        {"https://h", "h", "443", "", false},
        {"https://h:6443/", "h", "6443", "", false},
        {"https://h:6443/k8s/clusters/c-1/", "h", "6443", "/k8s/clusters/c-1", false},
        {"https://[fd00::1]:6443", "fd00::1", "6443", "", false},
        {"https://[fd00::1]", "fd00::1", "443", "", false},
        {"http://127.0.0.1:8001", "127.0.0.1", "8001", "", true},
        {"http://localhost/x", "localhost", "80", "/x", true},
        {"http://[::1]:1", "::1", "1", "", true},
    };
    static const char *const bad[] = {"", "h:6443", "ftp://h", "https://", "https:///x", "https://h:", "https://h:0", "https://h:70000",
                                      "https://h:12x", "https://u:p@h", "https://h?x", "https://h/a b", "https://[::1", "https://[::1/x", "https://[::1]x",
                                      "http://api.example:8001", "http://127.evil.example", "http://10.0.0.1"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        Error err = {0};
        CLEANUP(kubeconfig_free) KubeConfig c = {0};
        if (!server_parse(good[i].server, &c, &err))
            fail_msg("%s: %s", good[i].server, err.text);
        assert_string_equal(c.host, good[i].host);
        assert_string_equal(c.port, good[i].port);
        assert_string_equal(c.base, good[i].base);
        assert_int_equal(c.plain, good[i].plain);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        Error err = {0};
        KubeConfig c = {0};
        if (server_parse(bad[i], &c, &err))
            fail_msg("%s accepted", bad[i]);
        assert_int_equal(err.kind, ERR_INVALID);
    }
    CLEANUP_FREE char *v6 = host_port("::1", "6443"), *v4 = host_port("h", "1");
    assert_string_equal(v6, "[::1]:6443");
    assert_string_equal(v4, "h:1");
}

static void test_load(void **state)
{
    (void)state;
    Error err = {0};
    KubeCluster *cluster = NULL;
    assert_false(kube_cluster_load("/nonexistent/kubeconfig", &cluster, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    unsetenv("KUBERNETES_SERVICE_HOST");
    assert_false(kube_cluster_load(NULL, &cluster, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "not inside a pod"));
    assert_null(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inline),  cmocka_unit_test(test_tokens),  cmocka_unit_test(test_files), cmocka_unit_test(test_exec),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_servers), cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
