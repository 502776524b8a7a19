/* Provision: namespace, services, certificates, configuration, workloads (kafka-on-k8s order: addresses before configuration). */
#include "jobs/facts.h"
#include "jobs/steps.h"
#include "jobs/values.h"
#include "kube/object.h"

#include <stdio.h>
#include <string.h>

bool apply_kinds(Job *job, const char *const *kinds, Error *err)
{
    CLEANUP_JSON json_t *values = NULL;
    CLEANUP_JSON json_t *objects = NULL;
    const ValuesInput in = {.instance_id = job->instance.id, .ns = job->instance.ns, .plan = job->plan, .facts = job->facts,
                            .context = job->instance.context, .monitoring_namespace = job->settings->monitoring_namespace};
    if (!job->plan)
        return error_set(err, ERR_INVALID, "the plan of this instance is no longer in the catalog; add it again");
    if (!values_build(&in, &values, err) || !manifests_render(job->settings->templates, job->plan, values, kinds, &objects, err))
        return false;
    size_t i;
    json_t *object;
    json_array_foreach(objects, i, object)
    {
        if (!job_alive(job, err) || !kube_apply(job->kube, object, NULL, err))
            return false;
    }
    return true;
}

/* Reads the namespace and tells whether it is this instance's. *ret_phase: "Active", "Terminating". */
static bool read_namespace(Job *job, json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *ns = NULL;
    if (!kube_get(job->kube, &(KubeRef){"Namespace", NULL, job->instance.ns}, &ns, err))
        return false;
    const char *owner = NULL;
    json_t *annotations = json_at(ns, "metadata.annotations");
    owner = json_string_value(json_object_get(annotations, "osb/instance-id"));
    if (!owner || strcmp(owner, job->instance.id) != 0)
        return error_set(err, ERR_INVALID, "namespace %s exists and belongs to something else; remove it or choose another namespace prefix",
                         job->instance.ns);
    if (strcmp(json_string_at(ns, "status.phase", ""), "Terminating") == 0)
        return error_set(err, ERR_RETRY, "namespace %s is being deleted", job->instance.ns);
    *ret = TAKE(ns);
    return true;
}

bool provision_namespace_ours(Job *job, Error *err)
{
    CLEANUP_JSON json_t *ns = NULL;
    return read_namespace(job, &ns, err);
}

bool provision_namespace(Job *job, Error *err)
{
    static const char *const kinds[] = {"Namespace", "ServiceAccount", "ResourceQuota", "LimitRange", NULL};
    CLEANUP_JSON json_t *ns = NULL;
    if (!read_namespace(job, &ns, err) && err->kind != ERR_NOT_FOUND)
        return false;
    return apply_kinds(job, kinds, err);
}

bool provision_services(Job *job, Error *err)
{
    static const char *const kinds[] = {"Service", "NetworkPolicy", NULL};
    return apply_kinds(job, kinds, err);
}

/* The NodePort of broker i; 0 while there is none. */
static bool node_port(Job *job, int i, int *ret, Error *err)
{
    char name[32];
    CLEANUP_JSON json_t *service = NULL;
    snprintf(name, sizeof(name), "kafka-%d-ext", i);
    if (!kube_get(job->kube, &(KubeRef){"Service", job->instance.ns, name}, &service, err))
        return false;
    *ret = (int)json_int_at(service, "spec.ports.0.nodePort", 0);
    return true;
}

bool provision_services_check(Job *job, bool *ret_done, Error *err)
{
    for (int i = 0; i < job->plan->brokers; i++) {
        int port = 0;
        if (!node_port(job, i, &port, err))
            return false;
        if (port == 0) {
            str_appendf(&job->progress, "service kafka-%d-ext has no node port yet", i);
            return true;
        }
    }
    *ret_done = true;
    return true;
}

/* ExternalIP before InternalIP, as clients outside the cluster's network need it. */
static const char *node_address(const json_t *node)
{
    static const char *const types[] = {"ExternalIP", "InternalIP"};
    json_t *addresses = json_at(node, "status.addresses"), *address;
    size_t k;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        json_array_foreach(addresses, k, address) if (strcmp(json_string_at(address, "type", ""), types[i]) == 0)
            return json_string_at(address, "address", NULL);
    return NULL;
}

/* Where clients reach each broker: the configured host, or one node's address per broker in turn. */
static bool external_addresses(Job *job, json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *nodes = NULL;
    CLEANUP_JSON json_t *out = json_array();
    if (!job->settings->external_host && !kube_list(job->kube, &(KubeRef){"Node", NULL, NULL}, NULL, &nodes, err))
        return false;
    for (int i = 0; i < job->plan->brokers; i++) {
        int port = 0;
        const char *host = job->settings->external_host;
        if (!host && json_array_size(nodes))
            host = node_address(json_array_get(nodes, (size_t)i % json_array_size(nodes)));
        if (!host)
            return error_set(err, ERR_RETRY, "no node of the cluster has an address; set the external host in the configuration");
        if (!node_port(job, i, &port, err))
            return false;
        if (port == 0)
            return error_set(err, ERR_RETRY, "service kafka-%d-ext has no node port", i);
        json_array_append_new(out, json_pack("{s:s, s:i}", "host", host, "port", port));
    }
    *ret = TAKE(out);
    return true;
}

bool provision_certificates(Job *job, Error *err)
{
    static const char *const kinds[] = {"Secret", NULL};
    CLEANUP_JSON json_t *external = NULL;
    if (!facts_load(job, err)) {
        if (err->kind != ERR_NOT_FOUND || !external_addresses(job, &external, err) || !facts_make(job, external, err))
            return false;
    }
    return apply_kinds(job, kinds, err);
}

bool provision_configuration(Job *job, Error *err)
{
    static const char *const kinds[] = {"ConfigMap", NULL};
    return facts_load(job, err) && apply_kinds(job, kinds, err);
}

bool provision_workloads(Job *job, Error *err)
{
    static const char *const kinds[] = {"PodDisruptionBudget", "StatefulSet", NULL};
    return facts_load(job, err) && apply_kinds(job, kinds, err);
}
