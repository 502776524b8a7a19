/* Serving: parts are made in order, released in reverse; signals are waited for by the main thread alone. */
#include "app.h"

#include "api/api.h"
#include "base/digest.h"
#include "base/log.h"
#include "jobs/jobs.h"
#include "net/http_client.h"
#include "parts.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define POOL_WAIT_MS 5000
#define WANTED_DESCRIPTORS 8192

typedef struct App {
    const Config *config;
    Role role;
    Store *store;
    Catalog *catalog;
    Templates *templates;
    SealKeys *keys;
    Quotas *quotas;
    KubeCluster *cluster;
    Api api;
    Server *server;
    Engine *engine;
    char owner[96];
} App;

static void app_release(App *a)
{
    engine_stop(a->engine);
    server_stop(a->server, a->config->stop_grace_seconds * 1000);
    kube_cluster_free(a->cluster);
    templates_free(a->templates);
    quotas_free(a->quotas);
    catalog_free(a->catalog);
    seal_keys_free(a->keys);
    store_close(a->store);
}

static bool start_engine(App *a, Error *err)
{
    const Config *c = a->config;
    if (!parts_templates(c, &a->templates, err) || !kube_cluster_load(*c->kubeconfig ? c->kubeconfig : NULL, &a->cluster, err))
        return false;
    const JobSettings settings = {
        .store = a->store, .catalog = a->catalog, .templates = a->templates, .cluster = a->cluster, .keys = a->keys, .owner = a->owner,
        .monitoring_namespace = c->monitoring_namespace, .external_host = *c->external_host ? c->external_host : NULL,
        .check_external = c->check_external, .workers = c->workers, .lease_seconds = c->lease_seconds, .poll_ms = c->poll_ms,
        .upkeep_seconds = c->upkeep_seconds, .operation_retention_days = c->operation_retention_days};
    return engine_start(&settings, &a->engine, err);
}

static bool start_server(App *a, Error *err)
{
    const Config *c = a->config;
    a->api.store = a->store;
    a->api.catalog = a->catalog;
    a->api.keys = a->keys;
    a->api.namespace_prefix = c->namespace_prefix;
    a->api.synchronous_wait_seconds = c->synchronous_wait_seconds;
    a->api.quotas = a->quotas;
    a->api.endpoints = c->endpoints;
    a->api.gone_after_delete = strcmp(c->last_operation_after_delete, "gone") == 0;
    a->api.metadata_from_minor = c->metadata_from_minor;
    const TlsServerOptions tls = parts_tls(c);
    const ServerOptions options = {.address = c->listen_address, .port = c->port, .threads = c->http_threads,
                                   .routes = a->role == ROLE_WORKER ? api_health_routes() : api_routes(), .context = &a->api,
                                   .encode_error = api_encode_error, .username = c->username, .password = c->password,
                                   .second_username = c->second_username, .second_password = c->second_password,
                                   .trusted_proxies = c->trusted_proxies, .tls = *c->tls_certificate ? &tls : NULL};
    return server_start(&options, &a->server, err);
}

bool app_refuse(const Faults *faults, const char *what, Error *err)
{
    for (size_t i = 0; i < faults->count; i++)
        log_event(LOG_ERROR, "fault", "in", what, "file", faults->at[i].file, "fault", faults->at[i].text, NULL);
    return error_set(err, ERR_INVALID, "%zu fault%s in the %s; run `cpbroker check-config`", faults->count, faults->count == 1 ? "" : "s", what);
}

static bool load_catalog(App *a, Error *err)
{
    CLEANUP(faults_clear) Faults faults = {0};
    if (!parts_catalog(a->config, &a->catalog, &faults))
        return app_refuse(&faults, "catalog", err);
    return parts_quotas(a->config, a->catalog, &a->quotas, &faults) || app_refuse(&faults, "quotas", err);
}

static bool start(App *a, Error *err)
{
    const Config *c = a->config;
    char uuid[37];
    random_uuid(uuid);
    snprintf(a->owner, sizeof(a->owner), "%ld-%.8s", (long)getpid(), uuid);
    return store_open(c->database, c->database_connections, POOL_WAIT_MS, &a->store, err) && seal_keys_parse(c->seal_keys, &a->keys, err) &&
           load_catalog(a, err) && (a->role == ROLE_API || start_engine(a, err)) && start_server(a, err);
}

/* A database that is away is waited for; a schema that does not fit is a reason not to start. */
static bool check_schema(App *a, Error *err)
{
    if (store_ready(a->store, err)) {
        for (size_t i = 0; catalog_plan_at(a->catalog, i); i++)
            if (!store_fill_amounts(a->store, catalog_plan_at(a->catalog, i)->id, &catalog_plan_at(a->catalog, i)->need, err))
                log_error("what older instances take of quotas is not counted", err, NULL);
        return true;
    }
    if (err->kind == ERR_RETRY)
        return true;
    return error_wrap(err, "database");
}

/* SIGHUP renews the certificate. The first other signal starts a clean stop; the default action of a second one ends the process at once. */
static int wait_for_signal(App *a, const sigset_t *set)
{
    int sig = 0;
    while (sigwait(set, &sig) != 0 || sig == SIGHUP)
        if (sig == SIGHUP)
            server_reload(a->server);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
    return sig;
}

/* A connection of a client needs one descriptor, with TLS three; many systems allow only 1,024 unless asked for more. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= WANTED_DESCRIPTORS)
        return;
    limit.rlim_cur = limit.rlim_max < WANTED_DESCRIPTORS ? limit.rlim_max : WANTED_DESCRIPTORS;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < WANTED_DESCRIPTORS)
        log_event(LOG_WARN, "few file descriptors are allowed; raise the limit to 8192", NULL);
}

bool app_serve(const Config *config, Role role, Error *err)
{
    App a = {.config = config, .role = role};
    sigset_t set;
    char port[16], level[8];
    snprintf(level, sizeof(level), "%.7s", config->log_level);
    log_set_level(strcmp(level, "debug") == 0 ? LOG_DEBUG : strcmp(level, "warn") == 0 ? LOG_WARN : strcmp(level, "error") == 0 ? LOG_ERROR : LOG_INFO);
    CLEANUP(faults_clear) Faults faults = {0};
    if (!config_require(config, &faults))
        return app_refuse(&faults, "settings", err);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    allow_descriptors();
    http_global_init();
    bool ok = start(&a, err) && check_schema(&a, err);
    if (ok) {
        snprintf(port, sizeof(port), "%d", server_port(a.server));
        log_event(LOG_INFO, "serving", "scheme", *config->tls_certificate ? "https" : "http", "address", config->listen_address, "port", port, "version", CPBROKER_VERSION, NULL);
        int sig = wait_for_signal(&a, &set);
        log_event(LOG_INFO, "stopping", "signal", strsignal(sig), NULL);
        atomic_store(&a.api.stopping, true);
    }
    app_release(&a);
    if (ok)
        log_event(LOG_INFO, "stopped", NULL);
    return ok;
}

static void print_migration(const char *name)
{
    printf("applied %s\n", name);
}

bool app_migrate(const Config *config, Error *err)
{
    CLEANUP(store_close) Store *store = NULL;
    if (!*config->database)
        return error_set(err, ERR_INVALID, "CPBROKER_DATABASE must be set");
    if (!store_open(config->database, 2, POOL_WAIT_MS, &store, err) || !store_migrate(store, config->migrations, print_migration, err))
        return error_wrap(err, "migrate");
    printf("the schema is up to date\n");
    return true;
}
