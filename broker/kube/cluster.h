/* One cluster: its address and trust as read from a kubeconfig, and the credential that is valid now. Internal to kube/. */
#ifndef KUBE_CLUSTER_H
#define KUBE_CLUSTER_H

#include "kube/exec_plugin.h"
#include "kube/kube.h"

#include <pthread.h>

/* What a kubeconfig says. Exactly one source of credentials besides the certificate: token, token_file or exec. */
typedef struct KubeConfig {
    bool plain;            /* http:// (only to loopback) */
    char *host, *port;     /* to connect to; IPv6 without brackets */
    char *base;            /* path in front of /api, "" or "/x" */
    char *server_name;     /* the name that the certificate must carry */
    char *ca_pem;          /* NULL only when plain */
    char *token, *token_file;
    char *cert_pem, *key_pem;
    ExecPlugin *exec;
} KubeConfig;

/* Reads the tree of a kubeconfig; `path` names it in errors and is what relative paths start from. false: ERR_INVALID naming file and field. */
MUST_CHECK bool kubeconfig_parse(const json_t *tree, const char *path, KubeConfig *ret, Error *err);
/* The service account of the pod that this process runs in. false: ERR_NOT_FOUND (not in a pod), ERR_INVALID. */
MUST_CHECK bool kubeconfig_in_cluster(KubeConfig *ret, Error *err);
void kubeconfig_free(KubeConfig *config);
static inline UNUSED void kubeconfig_free_cleanup(KubeConfig *config)
{
    kubeconfig_free(config);
}

/* Splits "https://host:port/base" into config->plain, host, port, base. false: ERR_INVALID. */
MUST_CHECK bool server_parse(const char *server, KubeConfig *config, Error *err);
/* "host:port", with brackets around an IPv6 address; the caller frees. */
char *host_port(const char *host, const char *port);

struct KubeCluster {
    KubeConfig config;
    pthread_mutex_t lock;     /* guards all below */
    Credential current;
    unsigned long generation; /* counts credentials; 0 = none yet */
    int64_t renew_at_ms;      /* clock_ms() from which `current` is read again */
};

/* A copy of the valid credential and its generation, read or made anew when due. false: as exec_plugin_run; ERR_DENIED for an unusable token file. */
MUST_CHECK bool cluster_credential(KubeCluster *cluster, Credential *ret, unsigned long *ret_generation, Error *err);
/* The server refused generation `refused` (401): true if another credential may be had by cluster_credential. */
bool cluster_credential_refused(KubeCluster *cluster, unsigned long refused);

#endif
