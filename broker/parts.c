/* Loading of data parts. */
#include "parts.h"

#include "base/yaml.h"
#include "jobs/values.h"

/* A YAML mapping, or NULL when no path is set. */
static bool optional_mapping(const char *path, json_t **ret, Faults *faults)
{
    CLEANUP_JSON json_t *tree = NULL;
    Error err;
    if (!*path)
        return true;
    faults_in(faults, path);
    bool ok = yaml_load(path, &tree, &err) ? json_is_object(tree) || fault_add(faults, "must be a mapping") : fault_add_error(faults, &err);
    faults_in(faults, NULL);
    if (ok)
        *ret = TAKE(tree);
    return ok;
}

static bool image_map(const Config *config, json_t **ret, Faults *faults)
{
    const char *image;
    json_t *mapped;
    size_t before = faults->count;
    if (!optional_mapping(config->image_map, ret, faults))
        return false;
    faults_in(faults, config->image_map);
    json_object_foreach(*ret, image, mapped) if (!json_is_string(mapped) || !*json_string_value(mapped))
        fault_add(faults, "%s: must be the name of the image that stands for it", image);
    faults_in(faults, NULL);
    return faults->count == before;
}

bool parts_catalog(const Config *config, Catalog **ret, Faults *faults)
{
    CLEANUP(catalog_free) Catalog *catalog = NULL;
    CLEANUP_JSON json_t *images = NULL;
    CLEANUP_JSON json_t *overlay = NULL;
    bool ok = image_map(config, &images, faults);
    ok &= optional_mapping(config->size_overlay, &overlay, faults);
    ok &= catalog_load(config->catalog, images, overlay, &catalog, faults);
    if (ok)
        *ret = TAKE(catalog);
    return ok;
}

bool parts_quotas(const Config *config, const Catalog *catalog, Quotas **ret, Faults *faults)
{
    CLEANUP_JSON json_t *tree = NULL;
    if (!optional_mapping(config->quotas, &tree, faults))
        return false;
    faults_in(faults, config->quotas);
    bool ok = !tree || quotas_parse(tree, catalog, ret, faults);
    faults_in(faults, NULL);
    return ok;
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
