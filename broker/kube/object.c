/* The kinds that the broker handles: API version, plural, scope; and their paths. */
#include "kube/object.h"

#include "base/mem.h"
#include "net/http_client.h"

#include <string.h>

typedef struct Kind {
    const char *name, *api_version, *plural;
    bool namespaced;
} Kind;

static const Kind kinds[] = {
    {"Namespace", "v1", "namespaces", false},
    {"Node", "v1", "nodes", false},
    {"PersistentVolume", "v1", "persistentvolumes", false},
    {"StorageClass", "storage.k8s.io/v1", "storageclasses", false},
    {"ClusterRole", "rbac.authorization.k8s.io/v1", "clusterroles", false},
    {"ClusterRoleBinding", "rbac.authorization.k8s.io/v1", "clusterrolebindings", false},
    {"ConfigMap", "v1", "configmaps", true},
    {"Secret", "v1", "secrets", true},
    {"Service", "v1", "services", true},
    {"ServiceAccount", "v1", "serviceaccounts", true},
    {"Pod", "v1", "pods", true},
    {"PersistentVolumeClaim", "v1", "persistentvolumeclaims", true},
    {"Event", "v1", "events", true},
    {"Endpoints", "v1", "endpoints", true},
    {"ResourceQuota", "v1", "resourcequotas", true},
    {"LimitRange", "v1", "limitranges", true},
    {"StatefulSet", "apps/v1", "statefulsets", true},
    {"Deployment", "apps/v1", "deployments", true},
    {"PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", true},
    {"NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", true},
    {"Job", "batch/v1", "jobs", true},
    {"Role", "rbac.authorization.k8s.io/v1", "roles", true},
    {"RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings", true},
};

static const Kind *find_kind(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

const char *object_api_version(const char *kind)
{
    const Kind *k = find_kind(kind);
    return k ? k->api_version : NULL;
}

bool object_namespaced(const char *kind)
{
    const Kind *k = find_kind(kind);
    return k && k->namespaced;
}

char *object_path(const char *kind, const char *ns, const char *name)
{
    const Kind *k = find_kind(kind);
    CLEANUP_STR Str path = STR_INIT;
    if (!k || (name && k->namespaced && !ns))
        return NULL;
    str_appendf(&path, "/%s/%s", strchr(k->api_version, '/') ? "apis" : "api", k->api_version);
    if (k->namespaced && ns) {
        CLEANUP_FREE char *encoded = url_encode(ns);
        str_appendf(&path, "/namespaces/%s", encoded);
    }
    str_appendf(&path, "/%s", k->plural);
    if (name) {
        CLEANUP_FREE char *encoded = url_encode(name);
        str_appendf(&path, "/%s", encoded);
    }
    return str_take(&path);
}

bool object_name_valid(const char *name)
{
    size_t n = name ? strlen(name) : 0;
    return n > 0 && n <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && name[0] != '-' &&
           name[n - 1] != '-';
}
