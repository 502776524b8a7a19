/* Configuration and answers of credential plugins, as JSON. */
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "kube/exec_plugin.h"

#include <string.h>
#include <time.h>

void credential_free(Credential *c)
{
    secret_string_free(c->token);
    secret_string_free(c->key_pem);
    free(c->cert_pem);
    *c = (Credential){0};
}

ExecPlugin *exec_plugin_free(ExecPlugin *plugin)
{
    if (!plugin)
        return NULL;
    free(plugin->command);
    strings_free(plugin->args);
    strings_free(plugin->env);
    free(plugin->api_version);
    free(plugin->info);
    free(plugin);
    return NULL;
}

/* Value of KUBERNETES_EXEC_INFO: an ExecCredential without status. */
static char *exec_info(const json_t *exec, const json_t *cluster)
{
    CLEANUP_JSON json_t *spec = json_pack("{s:b}", "interactive", 0);
    if (json_bool_at(exec, "provideClusterInfo", false))
        json_object_set(spec, "cluster", (json_t *)cluster);
    CLEANUP_JSON json_t *info = json_pack("{s:s, s:s, s:O}", "apiVersion", json_string_at(exec, "apiVersion", ""), "kind",
                                          "ExecCredential", "spec", spec);
    return json_text(info);
}

static bool read_args(const json_t *exec, ExecPlugin *plugin, Error *err)
{
    const json_t *args = json_object_get(exec, "args");
    size_t n = json_array_size(args), i;
    json_t *arg;
    plugin->args = xcalloc(n + 2, sizeof(char *));
    plugin->args[0] = xstrdup(plugin->command);
    json_array_foreach((json_t *)args, i, arg)
    {
        if (!json_is_string(arg))
            return error_set(err, ERR_INVALID, "exec.args[%zu] must be a string", i);
        plugin->args[i + 1] = xstrdup(json_string_value(arg));
    }
    return true;
}

static bool read_env(const json_t *exec, ExecPlugin *plugin, Error *err)
{
    const json_t *env = json_object_get(exec, "env");
    size_t i;
    json_t *entry;
    plugin->env = xcalloc(json_array_size(env) + 1, sizeof(char *));
    json_array_foreach((json_t *)env, i, entry)
    {
        const char *name = json_string_at(entry, "name", ""), *value = json_string_at(entry, "value", NULL);
        if (!*name || strchr(name, '=') || !value)
            return error_set(err, ERR_INVALID, "exec.env[%zu] must have a name and a value", i);
        plugin->env[i] = xasprintf("%s=%s", name, value);
    }
    return true;
}

bool exec_plugin_parse(const json_t *exec, const json_t *cluster, ExecPlugin **ret, Error *err)
{
    CLEANUP(exec_plugin_free) ExecPlugin *plugin = xcalloc(1, sizeof(*plugin));
    const char *version = json_string_at(exec, "apiVersion", ""), *command = json_string_at(exec, "command", "");
    if (strcmp(version, "client.authentication.k8s.io/v1") != 0 && strcmp(version, "client.authentication.k8s.io/v1beta1") != 0)
        return error_set(err, ERR_INVALID, "exec.apiVersion must be client.authentication.k8s.io/v1 or v1beta1");
    if (command[0] != '/')
        return error_set(err, ERR_INVALID, "exec.command must be an absolute path");
    if (strcmp(json_string_at(exec, "interactiveMode", ""), "Always") == 0)
        return error_set(err, ERR_INVALID, "exec.interactiveMode is Always, but there is no terminal here");
    plugin->command = xstrdup(command);
    plugin->api_version = xstrdup(version);
    plugin->info = exec_info(exec, cluster);
    plugin->timeout_ms = EXEC_PLUGIN_TIMEOUT_MS;
    if (!read_args(exec, plugin, err) || !read_env(exec, plugin, err))
        return false;
    *ret = TAKE(plugin);
    return true;
}

bool token_valid(const char *token)
{
    if (!token || !*token)
        return false;
    for (const char *c = token; *c; c++)
        if (*c <= 0x20 || *c >= 0x7f)
            return false;
    return true;
}

bool rfc3339_parse(const char *text, int64_t *ret_unix)
{
    struct tm tm = {0};
    const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int hours = 0, minutes = 0, sign = 0;
    if (!p)
        return false;
    if (*p == '.') {
        size_t digits = strspn(p + 1, "0123456789");
        if (!digits)
            return false;
        p += 1 + digits;
    }
    if (*p == '+' || *p == '-') {
        if (strspn(p + 1, "0123456789") != 2 || p[3] != ':' || strspn(p + 4, "0123456789") != 2 || p[6])
            return false;
        sign = *p == '+' ? 1 : -1;
        hours = (p[1] - '0') * 10 + p[2] - '0';
        minutes = (p[4] - '0') * 10 + p[5] - '0';
    } else if ((*p != 'Z' && *p != 'z') || p[1]) {
        return false;
    }
    *ret_unix = (int64_t)timegm(&tm) - sign * (hours * 3600 + minutes * 60);
    return true;
}

bool exec_credential_parse(const char *text, size_t n, const char *api_version, Credential *ret, Error *err)
{
    CLEANUP_JSON json_t *answer = NULL;
    if (!json_parse(text, n, &answer, NULL))
        return error_set(err, ERR_DENIED, "the output is not JSON");
    if (strcmp(json_string_at(answer, "kind", ""), "ExecCredential") != 0 ||
        strcmp(json_string_at(answer, "apiVersion", ""), api_version) != 0)
        return error_set(err, ERR_DENIED, "the output is not an ExecCredential of %s", api_version);
    const char *token = json_string_at(answer, "status.token", NULL), *expiry = json_string_at(answer, "status.expirationTimestamp", NULL);
    const char *cert = json_string_at(answer, "status.clientCertificateData", NULL);
    const char *key = json_string_at(answer, "status.clientKeyData", NULL);
    int64_t expires = 0;
    if ((!cert) != (!key) || (!token && !cert))
        return error_set(err, ERR_DENIED, "the output has neither status.token nor both clientCertificateData and clientKeyData");
    if (token && !token_valid(token))
        return error_set(err, ERR_DENIED, "status.token has characters that no token has");
    if (expiry && !rfc3339_parse(expiry, &expires))
        return error_set(err, ERR_DENIED, "status.expirationTimestamp is not an RFC 3339 time");
    *ret = (Credential){xstrdup(token), xstrdup(cert), xstrdup(key), expires};
    return true;
}
