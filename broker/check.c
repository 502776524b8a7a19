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

/* How many faults were printed; they are numbered. */
typedef struct Checks {
    size_t faults;
} Checks;

/* One fault; further lines of its text are indented. */
static void print_fault(Checks *c, const char *text)
{
    printf("  %4zu  ", ++c->faults);
    for (; *text; text++)
        printf(*text == '\n' ? "\n        " : "%c", *text);
    printf("\n");
}

static bool same_file(const Fault *a, const Fault *b)
{
    return a->file == b->file || (a->file && b->file && strcmp(a->file, b->file) == 0);
}

/* The faults of the i-th one's file, if it is the first of them. */
static void print_file(Checks *c, const Faults *faults, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (same_file(&faults->at[i], &faults->at[j]))
            return;
    if (faults->at[i].file)
        printf("      %s\n", faults->at[i].file);
    for (size_t j = i; j < faults->count; j++)
        if (same_file(&faults->at[i], &faults->at[j]))
            print_fault(c, faults->at[j].text);
}

/* "ok    what", or "FAIL  what: 2 faults" with the faults by file. */
static void report(Checks *c, const char *what, bool ok, const Faults *faults)
{
    if (ok && faults->count == 0)
        printf("ok    %s\n", what);
    else
        printf("FAIL  %s: %zu fault%s\n", what, faults->count, faults->count == 1 ? "" : "s");
    for (size_t i = 0; i < faults->count; i++)
        print_file(c, faults, i);
}

static void report_error(Checks *c, const char *what, bool ok, const Error *err)
{
    CLEANUP(faults_clear) Faults faults = {0};
    if (!ok)
        fault_add_error(&faults, err);
    report(c, what, ok, &faults);
}

/* What manifests make of each plan; plans share them, so that a fault comes up once. */
static void check_rendering(Checks *c, const Config *config, const Catalog *catalog, const Templates *templates)
{
    CLEANUP(faults_clear) Faults faults = {0};
    Error err;
    for (size_t i = 0; catalog_plan_at(catalog, i); i++) {
        CLEANUP_JSON json_t *objects = NULL;
        if (!parts_render(config, templates, catalog_plan_at(catalog, i), &objects, &err))
            fault_add_error(&faults, &err);
    }
    report(c, "manifests of each plan", true, &faults);
}

static void check_data(Checks *c, const Config *config)
{
    CLEANUP(catalog_free) Catalog *catalog = NULL;
    CLEANUP(quotas_free) Quotas *quotas = NULL;
    CLEANUP(templates_free) Templates *templates = NULL;
    CLEANUP(faults_clear) Faults in_catalog = {0}, in_quotas = {0};
    Error err;
    report(c, "catalog", parts_catalog(config, &catalog, &in_catalog), &in_catalog);
    if (*config->quotas)
        report(c, "quotas", parts_quotas(config, catalog, &quotas, &in_quotas), &in_quotas);
    bool loaded = parts_templates(config, &templates, &err);
    report_error(c, "manifests", loaded, &err);
    if (catalog && loaded)
        check_rendering(c, config, catalog, templates);
    report_error(c, "migrations", store_check_migrations(config->migrations, &err), &err);
}

static void check_http(Checks *c, const Config *config)
{
    CLEANUP(proxies_clear) Proxies proxies = {0};
    Error err;
    report_error(c, "trusted proxies", proxies_parse(config->trusted_proxies, &proxies, &err), &err);
    if (!*config->tls_certificate || !*config->tls_key)
        return;
    const TlsServerOptions tls = parts_tls(config);
    int days = 0;
    bool usable = tls_server_check(&tls, &days, &err);
    CLEANUP_FREE char *what = usable ? xasprintf("TLS certificate (%d days left)", days) : xstrdup("TLS certificate");
    report_error(c, what, usable, &err);
}

static void check_cluster(Checks *c, const Config *config)
{
    CLEANUP(kube_cluster_free) KubeCluster *cluster = NULL;
    CLEANUP(kube_free) Kube *kube = NULL;
    CLEANUP_FREE char *version = NULL;
    Error err;
    bool ok = kube_cluster_load(*config->kubeconfig ? config->kubeconfig : NULL, &cluster, &err) && kube_new(cluster, &kube, &err) &&
              kube_version(kube, &version, &err);
    report_error(c, "cluster", ok, &err);
}

static void check_database(Checks *c, const Config *config)
{
    CLEANUP(store_close) Store *store = NULL;
    Error err;
    bool ok = store_open(config->database, 2, 5000, &store, &err) && store_ready(store, &err);
    report_error(c, "database", ok, &err);
    if (ok)
        report_error(c, "database statements", store_check_statements(store, &err), &err);
}

bool app_check(const Config *config, Faults *settings, bool with_database)
{
    CLEANUP(seal_keys_free) SealKeys *keys = NULL;
    Checks c = {0};
    Error err;
    http_global_init();
    report(&c, "settings", config->home && config_require(config, settings), settings);
    if (config->home) { /* the file of settings could be read */
        if (*config->seal_keys)
            report_error(&c, "seal keys", seal_keys_parse(config->seal_keys, &keys, &err), &err);
        check_http(&c, config);
        check_data(&c, config);
        check_cluster(&c, config);
        if (with_database && *config->database)
            check_database(&c, config);
    }
    if (c.faults)
        printf("%zu fault%s\n", c.faults, c.faults == 1 ? "" : "s");
    return c.faults == 0;
}

bool app_render(const Config *config, const char *plan_name, const char *parameters_file, Error *err)
{
    CLEANUP(catalog_free) Catalog *catalog = NULL;
    CLEANUP(templates_free) Templates *templates = NULL;
    CLEANUP_JSON json_t *objects = NULL;
    CLEANUP_JSON json_t *parameters = NULL;
    CLEANUP(faults_clear) Faults faults = {0};
    if (!parts_catalog(config, &catalog, &faults))
        return app_refuse(&faults, "catalog", err);
    if (!parts_templates(config, &templates, err))
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
