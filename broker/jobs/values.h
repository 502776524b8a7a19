/* What the manifests are rendered with: a pure function of plan, names and facts. */
#ifndef JOBS_VALUES_H
#define JOBS_VALUES_H

#include "domain/catalog.h"
#include "kube/template.h"

typedef struct ValuesInput {
    const char *instance_id, *ns;
    const char *monitoring_namespace;
    const Plan *plan;
    const json_t *context; /* of the instance, or NULL: names for people */
    const json_t *facts; /* as facts.h; NULL before they are known: then only kinds that need none can be rendered */
} ValuesInput;

/* The value tree of the templates below k8s/. false: ERR_INVALID (a quantity of the plan). */
MUST_CHECK bool values_build(const ValuesInput *in, json_t **ret, Error *err);

/* Facts as they could be, for rendering a plan that runs nowhere (`catalog render`): documentation addresses, no keys. */
json_t *values_sample_facts(const Plan *plan, const char *ns);

/*
 * All objects of an instance in apply order, with owner labels; `kinds` as template_render. Workloads carry osb/cfg-hash, the hash of
 * their component's ConfigMaps.
 */
MUST_CHECK bool manifests_render(const Templates *t, const Plan *plan, const json_t *values, const char *const *kinds,
                                 json_t **ret, Error *err);

#endif
