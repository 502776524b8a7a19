/* The credential that is valid now: read once, re-read (token file), or made by a plugin and kept to its expiry. */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "kube/cluster.h"

#include <string.h>
#include <time.h>

#define TOKEN_FILE_MS 60000  /* bound tokens are rewritten by the kubelet long before they expire */
#define EXPIRY_LEEWAY_MS 10000
#define TOKEN_MAX ((size_t)1 << 20)

bool kube_cluster_load(const char *kubeconfig, KubeCluster **ret, Error *err)
{
    CLEANUP_JSON json_t *tree = NULL;
    CLEANUP(kubeconfig_free) KubeConfig config = {0};
    if (kubeconfig) {
        if (!yaml_load(kubeconfig, &tree, err))
            return error_wrap(err, "kubeconfig");
        if (!kubeconfig_parse(tree, kubeconfig, &config, err))
            return false;
    } else if (!kubeconfig_in_cluster(&config, err)) {
        return false;
    }
    KubeCluster *cluster = xcalloc(1, sizeof(*cluster));
    pthread_mutex_init(&cluster->lock, NULL);
    cluster->config = config;
    config = (KubeConfig){0};
    *ret = cluster;
    return true;
}

KubeCluster *kube_cluster_free(KubeCluster *cluster)
{
    if (!cluster)
        return NULL;
    pthread_mutex_destroy(&cluster->lock);
    kubeconfig_free(&cluster->config);
    credential_free(&cluster->current);
    free(cluster);
    return NULL;
}

static Credential copy(const Credential *c)
{
    return (Credential){xstrdup(c->token), xstrdup(c->cert_pem), xstrdup(c->key_pem), c->expires_unix};
}

static bool read_token_file(const char *path, char **ret, Error *err)
{
    CLEANUP_STR Str text = STR_INIT;
    if (!file_read(path, TOKEN_MAX, &text, err))
        return error_set(err, ERR_DENIED, "token file of the cluster: %s", err ? err->text : path);
    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]))
        text.data[--text.len] = '\0';
    if (!token_valid(str_text(&text)))
        return error_set(err, ERR_DENIED, "token file %s is empty or has characters that no token has", path);
    *ret = str_take(&text);
    return true;
}

/* clock_ms() at which a credential that ends at `expires_unix` is to be renewed. */
static int64_t renewal(int64_t expires_unix)
{
    if (expires_unix == 0)
        return INT64_MAX;
    int64_t left_ms = (expires_unix - (int64_t)time(NULL)) * 1000;
    /* A lifetime below the leeway still serves the request it was made for. */
    return clock_ms() + (left_ms > EXPIRY_LEEWAY_MS ? left_ms - EXPIRY_LEEWAY_MS : 0);
}

/* Makes `current` anew. The lock is held. */
static bool renew(KubeCluster *cluster, Error *err)
{
    const KubeConfig *config = &cluster->config;
    CLEANUP(credential_free) Credential fresh = {0};
    int64_t renew_at = INT64_MAX;
    if (config->exec) {
        if (!exec_plugin_run(config->exec, &fresh, err))
            return false;
        renew_at = renewal(fresh.expires_unix);
    } else {
        if (config->token_file) {
            if (!read_token_file(config->token_file, &fresh.token, err))
                return false;
            renew_at = clock_ms() + TOKEN_FILE_MS;
        } else {
            fresh.token = xstrdup(config->token);
        }
        fresh.cert_pem = xstrdup(config->cert_pem);
        fresh.key_pem = xstrdup(config->key_pem);
    }
    credential_free(&cluster->current);
    cluster->current = fresh;
    fresh = (Credential){0};
    cluster->generation++;
    cluster->renew_at_ms = renew_at;
    return true;
}

bool cluster_credential(KubeCluster *cluster, Credential *ret, unsigned long *ret_generation, Error *err)
{
    pthread_mutex_lock(&cluster->lock);
    bool ok = (cluster->generation > 0 && clock_ms() < cluster->renew_at_ms) || renew(cluster, err);
    if (ok) {
        *ret = copy(&cluster->current);
        *ret_generation = cluster->generation;
    }
    pthread_mutex_unlock(&cluster->lock);
    return ok;
}

bool cluster_credential_refused(KubeCluster *cluster, unsigned long refused)
{
    if (!cluster->config.exec && !cluster->config.token_file)
        return false;
    pthread_mutex_lock(&cluster->lock);
    if (cluster->generation == refused)
        cluster->renew_at_ms = 0;
    pthread_mutex_unlock(&cluster->lock);
    return true;
}
