/* Credential plugins of a kubeconfig (client.authentication.k8s.io ExecCredential). Internal to kube/. */
#ifndef KUBE_EXEC_PLUGIN_H
#define KUBE_EXEC_PLUGIN_H

#include "base/json.h"
#include "base/str.h"

#include <stdint.h>

#define EXEC_PLUGIN_TIMEOUT_MS 30000

typedef struct ExecPlugin {
    char *command;     /* absolute path */
    char **args;       /* argv, the command first; NULL-terminated */
    char **env;        /* "NAME=value" added to the process's own; NULL-terminated */
    char *api_version; /* v1 or v1beta1 */
    char *info;        /* value of KUBERNETES_EXEC_INFO */
    int timeout_ms;
} ExecPlugin;

/* What a client shows to the server. Members may be NULL; a certificate comes with its key. */
typedef struct Credential {
    char *token;
    char *cert_pem;
    char *key_pem;
    int64_t expires_unix; /* seconds since 1970; 0 = unknown */
} Credential;

void credential_free(Credential *c);
static inline UNUSED void credential_free_cleanup(Credential *c)
{
    credential_free(c);
}

/*
 * Reads the `exec` mapping of a kubeconfig's user. `cluster` is given to the plugin when it asks for it (provideClusterInfo).
 * false: ERR_INVALID saying which field is wrong.
 */
MUST_CHECK bool exec_plugin_parse(const json_t *exec, const json_t *cluster, ExecPlugin **ret, Error *err);
ExecPlugin *exec_plugin_free(ExecPlugin *plugin);
DEFINE_CLEANUP(ExecPlugin *, exec_plugin_free)

/*
 * Runs the plugin without a terminal; settings of the broker (CPBROKER_…) are not in its environment and its output is in no error.
 * false: ERR_RETRY (time-out, exit code), ERR_DENIED (cannot be started, output without a usable credential).
 */
MUST_CHECK bool exec_plugin_run(const ExecPlugin *plugin, Credential *ret, Error *err);

/* Reads what a plugin printed; the second half of exec_plugin_run. false: ERR_DENIED. */
MUST_CHECK bool exec_credential_parse(const char *text, size_t n, const char *api_version, Credential *ret, Error *err);

/* RFC 3339 text as seconds since 1970. false if it is none. */
bool rfc3339_parse(const char *text, int64_t *ret_unix);

/* Whether a bearer token can stand in a header: printable ASCII, not empty. */
bool token_valid(const char *token);

#endif
