/* Loading of data parts. */
#include "parts.h"

#include "base/yaml.h"
#include "jobs/values.h"

/* A YAML mapping, or NULL when no path is set. */
static bool optional_mapping(const char *path, json_t **ret, Error *err)
{
    if (!*path)
        return true;
    CLEANUP_JSON json_t *tree = NULL;
    if (!yaml_load(path, &tree, err))
        return false;
    if (!json_is_object(tree))
        return error_set(err, ERR_INVALID, "%s: must be a mapping", path);
    *ret = TAKE(tree);
    return true;
}

bool parts_catalog(const Config *config, Catalog **ret, Error *err)
{
    CLEANUP_JSON json_t *images = NULL;
    CLEANUP_JSON json_t *overlay = NULL;
    return optional_mapping(config->image_map, &images, err) && optional_mapping(config->size_overlay, &overlay, err) &&
           catalog_load(config->catalog, images, overlay, ret, err);
}

bool parts_quotas(const Config *config, const Catalog *catalog, Quotas **ret, Error *err)
{
    CLEANUP_JSON json_t *tree = NULL;
    return optional_mapping(config->quotas, &tree, err) &&
           (!tree || quotas_parse(tree, catalog, ret, err) || error_wrap(err, "%s", config->quotas));
}

bool parts_templates(const Config *config, Templates **ret, Error *err)
{
    return templates_load(config->manifests, ret, err);
}

TlsServerOptions parts_tls(const Config *config)
{
    return (TlsServerOptions){.certificate = config->tls_certificate, .key = config->tls_key, .client_ca = config->tls_client_ca,
                              .client_names = config->tls_client_names};
}

bool parts_render(const Config *config, const Templates *templates, const Plan *plan, json_t **ret, Error *err)
{
    CLEANUP_FREE char *ns = xasprintf("%s-sample", config->namespace_prefix);
    CLEANUP_JSON json_t *facts = values_sample_facts(plan, ns);
    CLEANUP_JSON json_t *values = NULL;
    const ValuesInput in = {.instance_id = "sample", .ns = ns, .monitoring_namespace = config->monitoring_namespace, .plan = plan, .facts = facts};
    return values_build(&in, &values, err) && manifests_render(templates, plan, values, NULL, ret, err);
}
