/* Readiness by kind: one table. */
#include "kube/object.h"

#include <string.h>

static bool text_is(const json_t *object, const char *path, const char *wanted)
{
    return strcmp(json_string_at(object, path, ""), wanted) == 0;
}

static bool has_condition(const json_t *object, const char *type)
{
    size_t i;
    json_t *condition;
    json_array_foreach(json_at(object, "status.conditions"), i, condition)
        if (text_is(condition, "type", type))
            return text_is(condition, "status", "True");
    return false;
}

/* The controller has seen the latest specification. */
static bool observed(const json_t *object)
{
    return json_int_at(object, "status.observedGeneration", 0) >= json_int_at(object, "metadata.generation", 0);
}

/* Under OnDelete the controller never moves currentRevision; there updatedReplicas alone tells which pods run the latest. */
static bool statefulset_ready(const json_t *object)
{
    json_int_t wanted = json_int_at(object, "spec.replicas", 1);
    return observed(object) && json_object_get(object, "status") &&
           json_int_at(object, "status.updatedReplicas", 0) == wanted &&
           json_int_at(object, "status.readyReplicas", 0) == wanted &&
           (text_is(object, "spec.updateStrategy.type", "OnDelete") ||
            text_is(object, "status.currentRevision", json_string_at(object, "status.updateRevision", "")));
}

static bool deployment_ready(const json_t *object)
{
    json_int_t wanted = json_int_at(object, "spec.replicas", 1);
    return observed(object) && json_object_get(object, "status") &&
           json_int_at(object, "status.updatedReplicas", 0) == wanted &&
           json_int_at(object, "status.availableReplicas", 0) == wanted && json_int_at(object, "status.replicas", 0) == wanted;
}

static bool service_ready(const json_t *object)
{
    size_t i;
    json_t *port;
    bool balancer = text_is(object, "spec.type", "LoadBalancer");
    if (text_is(object, "spec.type", "ExternalName"))
        return true;
    if (balancer && !json_at(object, "status.loadBalancer.ingress.0.ip") &&
        !json_at(object, "status.loadBalancer.ingress.0.hostname"))
        return false;
    if (text_is(object, "spec.type", "NodePort"))
        json_array_foreach(json_at(object, "spec.ports"), i, port)
            if (json_int_at(port, "nodePort", 0) <= 0)
                return false;
    return json_string_at(object, "spec.clusterIP", "")[0] != '\0';
}

static bool pod_ready(const json_t *object)
{
    return has_condition(object, "Ready") || text_is(object, "status.phase", "Succeeded");
}

static bool claim_ready(const json_t *object)
{
    return text_is(object, "status.phase", "Bound");
}

static bool volume_ready(const json_t *object)
{
    return text_is(object, "status.phase", "Bound") || text_is(object, "status.phase", "Available");
}

static bool namespace_ready(const json_t *object)
{
    return text_is(object, "status.phase", "Active");
}

static bool node_ready(const json_t *object)
{
    return has_condition(object, "Ready");
}

static bool job_ready(const json_t *object)
{
    return has_condition(object, "Complete");
}

typedef struct Rule {
    const char *kind;
    bool (*ready)(const json_t *object);
} Rule;

static const Rule rules[] = {
    {"StatefulSet", statefulset_ready}, {"Deployment", deployment_ready},
    {"Service", service_ready},         {"Pod", pod_ready},
    {"PersistentVolumeClaim", claim_ready}, {"PersistentVolume", volume_ready},
    {"Namespace", namespace_ready},     {"Node", node_ready},
    {"Job", job_ready},
};

bool object_ready(const json_t *object)
{
    if (json_at(object, "metadata.deletionTimestamp"))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        if (text_is(object, "kind", rules[i].kind))
            return rules[i].ready(object);
    return true;
}

void statefulset_counts(const json_t *statefulset, int *ret_ready, int *ret_wanted)
{
    if (ret_ready)
        *ret_ready = (int)json_int_at(statefulset, "status.readyReplicas", 0);
    if (ret_wanted)
        *ret_wanted = (int)json_int_at(statefulset, "spec.replicas", 1);
}
