/* Kubeconfigs: the current context's cluster and user, with files resolved beside the kubeconfig. */
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "kube/cluster.h"

#include <string.h>

#define PEM_MAX ((size_t)1 << 20)

static const char SYSTEM_ROOTS[] = "/etc/ssl/certs/ca-certificates.crt";

void kubeconfig_free(KubeConfig *c)
{
    free(c->host);
    free(c->port);
    free(c->base);
    free(c->server_name);
    free(c->ca_pem);
    secret_string_free(c->token);
    free(c->token_file);
    free(c->cert_pem);
    secret_string_free(c->key_pem);
    exec_plugin_free(c->exec);
    *c = (KubeConfig){0};
}

/* The entry `name` of a list like `users`; its member `inner` in *ret. */
static bool find_named(const json_t *tree, const char *list, const char *inner, const char *name, json_t **ret, Error *err)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(tree, list), i, entry)
        if (strcmp(json_string_at(entry, "name", ""), name) == 0 && json_is_object(json_object_get(entry, inner))) {
            *ret = json_object_get(entry, inner);
            return true;
        }
    return error_set(err, ERR_INVALID, "%s has no entry \"%s\" with a %s", list, name, inner);
}

/* Path of a file that the kubeconfig names; relative ones start beside it. The caller frees. */
static char *resolve(const char *kubeconfig, const char *file)
{
    const char *slash = strrchr(kubeconfig, '/');
    if (file[0] == '/' || !slash)
        return xstrdup(file);
    return xasprintf("%.*s/%s", (int)(slash - kubeconfig), kubeconfig, file);
}

/* Text of FIELD-data (base64) or of the file FIELD; untouched *ret when neither is there. */
static bool read_pem(const json_t *from, const char *field, const char *kubeconfig, char **ret, Error *err)
{
    CLEANUP_FREE char *data_field = xasprintf("%s-data", field);
    const char *data = json_string_at(from, data_field, ""), *file = json_string_at(from, field, "");
    CLEANUP_STR Str text = STR_INIT;
    if (*data) {
        uint8_t *bytes = NULL;
        size_t n = 0;
        if (!base64_decode(data, strlen(data), &bytes, &n, err))
            return error_wrap(err, "%s", data_field);
        *ret = (char *)bytes;
        return true;
    }
    if (!*file)
        return true;
    CLEANUP_FREE char *path = resolve(kubeconfig, file);
    if (!file_read(path, PEM_MAX, &text, err))
        return error_wrap(err, "%s", field);
    *ret = str_take(&text);
    return true;
}

static bool refuse_fields(const json_t *from, const char *const *fields, const char *instead, Error *err)
{
    for (const char *const *f = fields; *f; f++) {
        const json_t *value = json_object_get(from, *f);
        if (value && !json_is_null(value) && !json_is_false(value))
            return error_set(err, ERR_INVALID, "%s is not supported; %s", *f, instead);
    }
    return true;
}

static bool read_cluster(const json_t *cluster, const char *path, KubeConfig *c, Error *err)
{
    static const char *const unsafe[] = {"insecure-skip-tls-verify", NULL}, *const proxy[] = {"proxy-url", NULL};
    if (!refuse_fields(cluster, unsafe, "give the cluster's certificate-authority", err) ||
        !refuse_fields(cluster, proxy, "the API server must be reachable without a proxy", err) ||
        !server_parse(json_string_at(cluster, "server", ""), c, err) ||
        !read_pem(cluster, "certificate-authority", path, &c->ca_pem, err))
        return false;
    c->server_name = xstrdup(json_string_at(cluster, "tls-server-name", c->host));
    if (c->plain || c->ca_pem)
        return true;
    CLEANUP_STR Str roots = STR_INIT;
    if (!file_read(SYSTEM_ROOTS, 8 * PEM_MAX, &roots, NULL))
        return error_set(err, ERR_INVALID, "no certificate-authority, and this system has no %s to fall back to", SYSTEM_ROOTS);
    c->ca_pem = str_take(&roots);
    return true;
}

/* What a plugin is told of the cluster: spec.cluster of an ExecCredential. */
static json_t *cluster_info(const json_t *cluster, const KubeConfig *c)
{
    size_t i;
    json_t *extension;
    json_t *info = json_pack("{s:s}", "server", json_string_at(cluster, "server", ""));
    CLEANUP_FREE char *ca = c->ca_pem ? base64_encode(c->ca_pem, strlen(c->ca_pem)) : NULL;
    if (ca)
        json_object_set_new(info, "certificate-authority-data", json_string(ca));
    if (json_string_at(cluster, "tls-server-name", NULL))
        json_object_set_new(info, "tls-server-name", json_string(c->server_name));
    json_array_foreach(json_object_get(cluster, "extensions"), i, extension)
        if (strcmp(json_string_at(extension, "name", ""), "client.authentication.k8s.io/exec") == 0)
            json_object_set(info, "config", json_object_get(extension, "extension"));
    return info;
}

static bool read_user(const json_t *user, const json_t *cluster, const char *path, KubeConfig *c, Error *err)
{
    static const char *const passwords[] = {"username", "password", "auth-provider", NULL};
    static const char *const others[] = {"as", "as-uid", "as-groups", "as-user-extra", NULL};
    const char *token = json_string_at(user, "token", NULL), *token_file = json_string_at(user, "tokenFile", NULL);
    const json_t *exec = json_object_get(user, "exec");
    if (!refuse_fields(user, passwords, "use a token, a tokenFile, a client certificate or an exec plugin", err) ||
        !refuse_fields(user, others, "give the broker an account of its own", err) ||
        !read_pem(user, "client-certificate", path, &c->cert_pem, err) || !read_pem(user, "client-key", path, &c->key_pem, err))
        return false;
    if ((!c->cert_pem) != (!c->key_pem))
        return error_set(err, ERR_INVALID, "client-certificate and client-key must come together");
    if (exec && (token || token_file || c->cert_pem))
        return error_set(err, ERR_INVALID, "exec stands beside a token or a certificate; keep one of them");
    if (exec) {
        CLEANUP_JSON json_t *info = cluster_info(cluster, c);
        return exec_plugin_parse(exec, info, &c->exec, err);
    }
    if (token_file && *token_file)
        c->token_file = resolve(path, token_file);
    else if (token && !token_valid(token))
        return error_set(err, ERR_INVALID, "token is empty or has characters that no token has");
    else
        c->token = xstrdup(token);
    if (!c->plain && !c->token && !c->token_file && !c->cert_pem)
        return error_set(err, ERR_INVALID, "no token, tokenFile, client-certificate or exec");
    return true;
}

static bool read_context(const json_t *tree, const char *path, KubeConfig *c, Error *err)
{
    const char *name = json_string_at(tree, "current-context", "");
    json_t *context = NULL, *cluster = NULL, *user = NULL;
    if (!*name)
        return error_set(err, ERR_INVALID, "no current-context; choose one with kubectl config use-context");
    if (!find_named(tree, "contexts", "context", name, &context, err))
        return false;
    const char *cluster_name = json_string_at(context, "cluster", ""), *user_name = json_string_at(context, "user", "");
    if (!find_named(tree, "clusters", "cluster", cluster_name, &cluster, err) ||
        !find_named(tree, "users", "user", user_name, &user, err))
        return false;
    if (!read_cluster(cluster, path, c, err))
        return error_wrap(err, "clusters[%s]", cluster_name);
    if (!read_user(user, cluster, path, c, err))
        return error_wrap(err, "users[%s]", user_name);
    return true;
}

bool kubeconfig_parse(const json_t *tree, const char *path, KubeConfig *ret, Error *err)
{
    CLEANUP(kubeconfig_free) KubeConfig config = {0};
    Error fault = {0};
    if (!json_is_object(tree))
        return error_set(err, ERR_INVALID, "kubeconfig %s: not a mapping", path);
    if (!read_context(tree, path, &config, &fault))
        return error_set(err, ERR_INVALID, "kubeconfig %s: %s", path, fault.text);
    *ret = config;
    config = (KubeConfig){0};
    return true;
}

bool kubeconfig_in_cluster(KubeConfig *ret, Error *err)
{
    static const char ACCOUNT[] = "/var/run/secrets/kubernetes.io/serviceaccount";
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    CLEANUP(kubeconfig_free) KubeConfig config = {0};
    CLEANUP_STR Str ca = STR_INIT;
    CLEANUP_FREE char *ca_path = xasprintf("%s/ca.crt", ACCOUNT);
    if (!host || !*host || !port || !*port)
        return error_set(err, ERR_NOT_FOUND, "not inside a pod (no KUBERNETES_SERVICE_HOST and _PORT); give a kubeconfig");
    if (!file_read(ca_path, PEM_MAX, &ca, err))
        return error_wrap(err, "service account of this pod");
    config.host = xstrdup(host);
    config.port = xstrdup(port);
    config.base = xstrdup("");
    config.server_name = xstrdup(host);
    config.ca_pem = str_take(&ca);
    config.token_file = xasprintf("%s/token", ACCOUNT);
    *ret = config;
    config = (KubeConfig){0};
    return true;
}
