/* check-config and catalog render: what can be said about a configuration without serving it. */
#include "api/api.h"
#include "app.h"
#include "base/yaml.h"
#include "http/proxies.h"
#include "kube/kube.h"
#include "net/http_client.h"
#include "parts.h"

#include <stdio.h>
#include <string.h>

/* Prints "ok   what" or "FAIL what: why", with further lines of the reason indented. */
static bool report(const char *what, bool ok, const Error *err)
{
    if (ok) {
        printf("ok    %s\n", what);
        return true;
    }
    printf("FAIL  %s: ", what);
    for (const char *p = err->text; *p; p++)
        printf(*p == '\n' ? "\n      " : "%c", *p);
    printf("\n");
    return false;
}

static bool check_plans(const Config *config)
{
    CLEANUP(catalog_free) Catalog *catalog = NULL;
    CLEANUP(templates_free) Templates *templates = NULL;
    Error err;
    bool ok = report("catalog", parts_catalog(config, &catalog, &err), &err);
    CLEANUP(quotas_free) Quotas *quotas = NULL;
    if (catalog && *config->quotas)
        ok &= report("quotas", parts_quotas(config, catalog, &quotas, &err), &err);
    ok &= report("manifests", parts_templates(config, &templates, &err), &err);
    for (size_t i = 0; catalog && templates && catalog_plan_at(catalog, i); i++) {
        CLEANUP_JSON json_t *objects = NULL;
        CLEANUP_FREE char *what = xasprintf("plan %s renders", catalog_plan_at(catalog, i)->name);
        ok &= report(what, parts_render(config, templates, catalog_plan_at(catalog, i), &objects, &err), &err);
    }
    return ok;
}

static bool check_http(const Config *config)
{
    CLEANUP(proxies_clear) Proxies proxies = {0};
    Error err;
    bool ok = report("trusted proxies", proxies_parse(config->trusted_proxies, &proxies, &err), &err);
    if (!*config->tls_certificate || !*config->tls_key)
        return ok;
    const TlsServerOptions tls = parts_tls(config);
    int days = 0;
    bool usable = tls_server_check(&tls, &days, &err);
    CLEANUP_FREE char *what = usable ? xasprintf("TLS certificate (%d days left)", days) : xstrdup("TLS certificate");
    return report(what, usable, &err) && ok;
}

static bool check_cluster(const Config *config)
{
    CLEANUP(kube_cluster_free) KubeCluster *cluster = NULL;
    CLEANUP(kube_free) Kube *kube = NULL;
    CLEANUP_FREE char *version = NULL;
    Error err;
    return report("cluster", kube_cluster_load(*config->kubeconfig ? config->kubeconfig : NULL, &cluster, &err) &&
                                 kube_new(cluster, &kube, &err) && kube_version(kube, &version, &err), &err);
}

static bool check_database(const Config *config)
{
    CLEANUP(store_close) Store *store = NULL;
    Error err;
    bool ok = report("database", store_open(config->database, 2, 5000, &store, &err) && store_ready(store, &err), &err);
    return ok && report("database statements", store_check_statements(store, &err), &err);
}

bool app_check(const Config *config, bool with_database)
{
    Error err;
    http_global_init();
    CLEANUP(seal_keys_free) SealKeys *keys = NULL;
    bool ok = report("required settings", config_require(config, &err), &err);
    if (*config->seal_keys)
        ok &= report("seal keys", seal_keys_parse(config->seal_keys, &keys, &err), &err);
    ok &= check_http(config);
    ok &= check_plans(config);
    ok &= check_cluster(config);
    if (with_database)
        ok &= check_database(config);
    return ok;
}

bool app_render(const Config *config, const char *plan_name, const char *parameters_file, Error *err)
{
    CLEANUP(catalog_free) Catalog *catalog = NULL;
    CLEANUP(templates_free) Templates *templates = NULL;
    CLEANUP_JSON json_t *objects = NULL;
    CLEANUP_JSON json_t *parameters = NULL;
    if (!parts_catalog(config, &catalog, err) || !parts_templates(config, &templates, err))
        return false;
    const Plan *plan = catalog_plan_named(catalog, plan_name);
    if (!plan)
        return error_set(err, ERR_NOT_FOUND, "no plan is called \"%s\"; the catalog lists its plans in %s/catalog.yml", plan_name, config->catalog);
    if (parameters_file && !yaml_load(parameters_file, &parameters, err))
        return false;
    if (parameters && !schema_check(plan->schemas[PARAMETERS_CREATE], "parameters", parameters, err))
        return error_wrap(err, "%s", parameters_file);
    if (!parts_render(config, templates, plan, &objects, err))
        return false;
    size_t i;
    json_t *object;
    json_array_foreach(objects, i, object)
    {
        char *text = json_dumps(object, JSON_INDENT(2));
        printf("---\n%s\n", text);
        free(text);
    }
    return true;
}
