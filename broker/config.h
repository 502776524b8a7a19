/* Settings: rows of a table, read from the environment, a YAML file, or their defaults, in this order. */
#ifndef CONFIG_H
#define CONFIG_H

#include "base/faults.h"

typedef struct Config {
    /* HTTP */
    char *listen_address;
    int port, http_threads;
    char *username, *password, *second_username, *second_password;
    char *trusted_proxies, *tls_certificate, *tls_key, *tls_client_ca, *tls_client_names;
    int synchronous_wait_seconds;
    /* PostgreSQL and secrets */
    char *database;
    int database_connections;
    char *seal_keys;
    /* Kubernetes */
    char *kubeconfig, *namespace_prefix, *monitoring_namespace, *external_host;
    bool check_external;
    /* Data */
    char *home, *catalog, *manifests, *migrations, *image_map, *size_overlay;
    /* Engine */
    int workers, lease_seconds, poll_ms;
    int stop_grace_seconds;
    char *log_level;
    int upkeep_seconds, operation_retention_days;
    /* What platforms are told */
    char *quotas, *last_operation_after_delete;
    bool endpoints;
    int metadata_from_minor;
} Config;

/*
 * Reads settings: environment over `file` (YAML mapping; NULL: CPBROKER_CONFIG, else none) over defaults. A secret may also stand in a file
 * named by its variable with _FILE appended. Relative data folders are below `home`. false: every fault was added to `faults`; *ret holds the
 * settings without one, and defaults for the rest, or nothing at all (`home` NULL) when the file cannot be read.
 */
MUST_CHECK bool config_load(const char *file, Config *ret, Faults *faults);
void config_clear(Config *config);
static inline UNUSED void config_clear_cleanup(Config *c)
{
    config_clear(c);
}

/* What serving needs besides: settings that are required or that others need, values that go together. false: every fault was added to `faults`. */
MUST_CHECK bool config_require(const Config *config, Faults *faults);

/* The table for people (`--help`) and for the README (`--help-markdown`), on stdout. */
void config_print_help(void);
void config_print_markdown(void);

#endif
