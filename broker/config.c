/* The table of settings, and its readers. */
#include "config.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/words.h"
#include "base/yaml.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef enum Kind { TEXT, SECRET, PATH, WORD, LABEL /* of DNS, of at most `max` characters */, NUMBER, BOOLEAN } Kind;

typedef struct Row {
    const char *name; /* key of the YAML file; the variable is CPBROKER_ and its upper case */
    Kind kind;
    size_t offset;
    const char *fallback;
    int min, max;
    bool required; /* to serve */
    const char *help;
    const char *words; /* of a WORD: "first, second" */
} Row;

/* Settings that make no sense alone: a row's first needs its second. */
typedef struct Need {
    const char *name, *needed;
} Need;

static const Need needs[] = {
    {"second_username", "second_password"},
    {"second_password", "second_username"},
    {"tls_certificate", "tls_key"},
    {"tls_key", "tls_certificate"},
    {"tls_client_ca", "tls_certificate"},
    {"tls_client_names", "tls_client_ca"},
};

#define ROW(kind, field, fallback, min, max, required, help) {#field, kind, offsetof(Config, field), fallback, min, max, required, help, NULL}
#define WORDS(field, words, fallback, help) {#field, WORD, offsetof(Config, field), fallback, 0, 0, false, help, words}

static const Row rows[] = {
    ROW(TEXT, listen_address, "127.0.0.1", 0, 0, false, "address to serve on (0.0.0.0 or :: for all)"),
    ROW(NUMBER, port, "8080", 0, 65535, false, "TCP port to serve on; 0 takes any free one and logs it"),
    ROW(NUMBER, http_threads, "16", 1, 256, false, "requests that may wait for the database at the same time; more wait for their turn"),
    ROW(TEXT, username, "", 0, 0, true, "user name that platforms authenticate with"),
    ROW(SECRET, password, "", 0, 0, true, "password that platforms authenticate with"),
    ROW(TEXT, second_username, "", 0, 0, false, "user name that is valid too, while credentials are changed"),
    ROW(SECRET, second_password, "", 0, 0, false, "password of the second user name"),
    ROW(TEXT, trusted_proxies, "", 0, 0, false, "addresses and networks, parted by commas, whose X-Forwarded-For names the client in logs"),
    ROW(PATH, tls_certificate, "", 0, 0, false, "PEM file of the server's certificate and its chain: serve HTTPS instead of HTTP"),
    ROW(PATH, tls_key, "", 0, 0, false, "PEM file of its key; both are read again on SIGHUP and when they change"),
    ROW(PATH, tls_client_ca, "", 0, 0, false, "PEM file: clients, probes too, must present a certificate that one of these signed"),
    ROW(TEXT, tls_client_names, "", 0, 0, false, "CN or SAN, parted by commas, that a client's certificate must carry; empty: any"),
    ROW(NUMBER, synchronous_wait_seconds, "50", 1, 55, false, "how long a synchronous bind or unbind may take (platforms give up after 60 s)"),
    ROW(SECRET, database, "", 0, 0, true, "PostgreSQL connection string or URI"),
    ROW(NUMBER, database_connections, "24", 2, 256, false, "most connections to PostgreSQL"),
    ROW(SECRET, seal_keys, "", 0, 0, true, "lines `id:base64 of 32 bytes`; the first seals secrets, all open them"),
    ROW(PATH, kubeconfig, "", 0, 0, false, "kubeconfig of the cluster; empty: the service account of the pod it runs in"),
    ROW(LABEL, namespace_prefix, "cp", 0, 26, false, "instance namespaces are called PREFIX-ID"),
    ROW(LABEL, monitoring_namespace, "monitoring", 0, 63, false, "namespace whose pods may scrape the exporters"),
    ROW(TEXT, external_host, "", 0, 0, false, "host advertised for NodePorts; empty: the nodes' own addresses"),
    ROW(BOOLEAN, check_external, "true", 0, 0, false, "end a provision with a connection to each external listener"),
    ROW(PATH, home, ".", 0, 0, false, "folder below which the relative ones lie"),
    ROW(PATH, catalog, "catalog", 0, 0, false, "folder of catalog.yml and plans/"),
    ROW(PATH, manifests, "k8s", 0, 0, false, "folder of the manifest sets"),
    ROW(PATH, migrations, "migrations", 0, 0, false, "folder of the schema migrations"),
    ROW(PATH, image_map, "", 0, 0, false, "YAML mapping of image to image, for private registries"),
    ROW(PATH, size_overlay, "", 0, 0, false, "YAML merged over every plan's `spec`, to fit plans to small clusters"),
    ROW(PATH, quotas, "", 0, 0, false, "YAML mapping of quotas; empty: none"),
    WORDS(last_operation_after_delete, "succeeded, gone", "succeeded", "what last_operation answers after a finished delete: 200 succeeded, or 410"),
    ROW(BOOLEAN, endpoints, "true", 0, 0, false, "tell network endpoints in bindings (from API 2.15 on)"),
    ROW(NUMBER, metadata_from_minor, "16", 15, 17, false, "first minor API version that gets the labels of instances; 15 for Cloud Foundry, which reads them though it speaks 2.15"),
    ROW(NUMBER, workers, "4", 1, 64, false, "operations worked on at a time"),
    ROW(NUMBER, lease_seconds, "15", 2, 300, false, "a broker that is silent for so long loses its operations to another (seconds)"),
    ROW(NUMBER, poll_ms, "300", 50, 60000, false, "pause between two looks at something that is not ready yet (milliseconds)"),
    ROW(NUMBER, upkeep_seconds, "10", 1, 3600, false, "pause between two looks for expired bindings and old operations (seconds)"),
    ROW(NUMBER, operation_retention_days, "30", 1, 3650, false, "how long ended operations are remembered (days)"),
    ROW(NUMBER, stop_grace_seconds, "25", 1, 600, false, "how long running requests may take after SIGTERM (seconds)"),
    WORDS(log_level, "debug, info, warn, error", "info", "lowest level logged"),
};

static char **text_field(Config *c, const Row *row)
{
    return (char **)((char *)c + row->offset);
}

/* The variable's name, "CPBROKER_LISTEN_ADDRESS"; caller frees. */
static char *variable(const Row *row)
{
    char *name = xasprintf("CPBROKER_%s", row->name);
    for (char *p = name; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return name;
}

/* "CPBROKER_PORT (port): "; caller frees. */
static char *title(const Row *row)
{
    CLEANUP_FREE char *name = variable(row);
    return xasprintf("%s (%s): ", name, row->name);
}

static void fault(Faults *faults, const Row *row, const char *what)
{
    CLEANUP_FREE char *name = title(row);
    fault_add(faults, "%s%s", name, what);
}

/* RFC 1123. */
static bool is_label(const char *s, int longest)
{
    size_t n = strlen(s);
    return n > 0 && n <= (size_t)longest && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && s[0] != '-' && s[n - 1] != '-';
}

/* Whether `value` is in a list such as "first, second". */
static bool is_word(const char *words, const char *value)
{
    size_t n = strlen(value);
    for (const char *w = words; *w; w += strspn(w, ", ")) {
        size_t length = strcspn(w, ",");
        if (length == n && memcmp(w, value, n) == 0)
            return true;
        w += length;
    }
    return false;
}

static void set_number(Config *c, const Row *row, const char *value, Faults *faults)
{
    char *end;
    long n = strtol(value, &end, 10);
    CLEANUP_FREE char *what = xasprintf("must be a number from %d to %d", row->min, row->max);
    if (!*value || *end || n < row->min || n > row->max)
        fault(faults, row, what);
    else
        *(int *)((char *)c + row->offset) = (int)n;
}

static void set_boolean(Config *c, const Row *row, const char *value, Faults *faults)
{
    bool yes = strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "false") != 0)
        fault(faults, row, "must be true or false");
    else
        *(bool *)((char *)c + row->offset) = yes;
}

static void set_text(Config *c, const Row *row, const char *value, Faults *faults)
{
    CLEANUP_FREE char *one_of = xasprintf("must be one of %s", row->words ? row->words : "");
    CLEANUP_FREE char *label = xasprintf("must be lower-case letters, digits and '-' inside, at most %d", row->max);
    bool bad_word = row->kind == WORD && !is_word(row->words, value), bad_label = row->kind == LABEL && !is_label(value, row->max);
    if (bad_word || bad_label) {
        fault(faults, row, bad_word ? one_of : label);
        return;
    }
    secret_string_free(*text_field(c, row));
    *text_field(c, row) = xstrdup(value);
}

static void set_value(Config *c, const Row *row, const char *value, Faults *faults)
{
    if (row->kind == NUMBER)
        set_number(c, row, value, faults);
    else if (row->kind == BOOLEAN)
        set_boolean(c, row, value, faults);
    else
        set_text(c, row, value, faults);
}

/* The value in the environment or in the file that NAME_FILE names; NULL when neither is there. Caller frees with secret_string_free. */
static char *from_environment(const Row *row, Faults *faults)
{
    CLEANUP_FREE char *name = variable(row);
    const char *value = getenv(name);
    if (value || row->kind != SECRET)
        return xstrdup(value);
    CLEANUP_FREE char *file_name = xasprintf("%s_FILE", name);
    const char *path = getenv(file_name);
    Str text = STR_INIT;
    Error err;
    if (!path)
        return NULL;
    if (!file_read(path, 65536, &text, &err)) {
        CLEANUP_FREE char *what = xasprintf("is not to be had: %s", err.text);
        fault(faults, row, what);
        str_free(&text);
        return NULL;
    }
    while (text.len && isspace((unsigned char)text.data[text.len - 1]))
        text.data[--text.len] = '\0';
    return str_take(&text);
}

static const Row *row_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static void unknown_setting(const char *key, Faults *faults)
{
    const char *names[ARRAY_SIZE(rows) + 1] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        names[i] = rows[i].name;
    CLEANUP_FREE char *meant = words_meant(key, names);
    fault_add(faults, "%s is no setting%s", key, *meant ? meant : "; `cpbroker --help` lists them");
}

/* false: the file as a whole cannot be read. */
static bool read_file(const char *path, Config *c, Faults *faults)
{
    CLEANUP_JSON json_t *tree = NULL;
    Error err;
    const char *key;
    json_t *value;
    faults_in(faults, path);
    if (!yaml_load(path, &tree, &err))
        return fault_add_error(faults, &err);
    if (!json_is_object(tree))
        return fault_add(faults, "must be a mapping of settings");
    json_object_foreach(tree, key, value)
    {
        const Row *row = row_named(key);
        CLEANUP_SECRET char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_text(value);
        if (!row)
            unknown_setting(key, faults);
        else if (json_is_object(value) || json_is_array(value))
            fault(faults, row, "must be a single value");
        else if (!json_is_null(value))
            set_value(c, row, text, faults);
    }
    faults_in(faults, NULL);
    return true;
}

/* Data folders lie below home unless they are absolute. */
static void resolve(char **path, const char *home)
{
    if ((*path)[0] == '/')
        return;
    char *full = xasprintf("%s/%s", home, *path);
    free(*path);
    *path = full;
}

bool config_load(const char *file, Config *ret, Faults *faults)
{
    Config c = {0};
    size_t before = faults->count;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        set_value(&c, &rows[i], rows[i].fallback, faults);
    if (!file)
        file = getenv("CPBROKER_CONFIG");
    if (file && !read_file(file, &c, faults)) {
        faults_in(faults, NULL);
        config_clear(&c);
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_SECRET char *value = from_environment(&rows[i], faults);
        if (value)
            set_value(&c, &rows[i], value, faults);
    }
    resolve(&c.catalog, c.home);
    resolve(&c.manifests, c.home);
    resolve(&c.migrations, c.home);
    *ret = c;
    return faults->count == before;
}

void config_clear(Config *config)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].kind != NUMBER && rows[i].kind != BOOLEAN) {
            secret_string_free(*text_field(config, &rows[i]));
            *text_field(config, &rows[i]) = NULL;
        }
}

/* Unless something has been said of it. */
static void require(const Row *row, const char *what, Faults *faults)
{
    CLEANUP_FREE char *name = title(row);
    if (!faults_has(faults, name))
        fault(faults, row, what);
}

static void require_needed(const Config *config, const Need *need, Faults *faults)
{
    const Row *row = row_named(need->name), *needed = row_named(need->needed);
    if (!**text_field((Config *)config, row) || **text_field((Config *)config, needed))
        return;
    CLEANUP_FREE char *what = xasprintf("must be set, because %s is", row->name);
    require(needed, what, faults);
}

/* RFC 7617: a user name ends at the first colon. */
static void refuse_colon(const Config *config, const char *name, Faults *faults)
{
    const Row *row = row_named(name);
    if (strchr(*text_field((Config *)config, row), ':'))
        fault(faults, row, "must not hold a colon: HTTP Basic authentication cannot carry it");
}

bool config_require(const Config *config, Faults *faults)
{
    size_t before = faults->count;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].required && !*(*text_field((Config *)config, &rows[i])))
            require(&rows[i], "must be set", faults);
    for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
        require_needed(config, &needs[i], faults);
    refuse_colon(config, "username", faults);
    refuse_colon(config, "second_username", faults);
    return faults->count == before;
}

/* "1 to 256", "true or false", "secret; or a file's path in …_FILE". */
static void print_kind(const Row *row)
{
    switch (row->kind) {
    case NUMBER:
        printf("%d to %d", row->min, row->max);
        break;
    case BOOLEAN:
        printf("true, false");
        break;
    case SECRET:
        printf("secret, or its file in …_FILE");
        break;
    case WORD:
        printf("%s", row->words);
        break;
    default:
        printf(row->kind == PATH ? "path" : "text");
    }
}

void config_print_help(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *name = variable(&rows[i]);
        printf("  %-36s %s\n  %-36s [", name, rows[i].help, "");
        print_kind(&rows[i]);
        printf("; %s%s]\n", rows[i].required ? "required to serve" : "default ", rows[i].required ? "" : *rows[i].fallback ? rows[i].fallback : "empty");
    }
}

void config_print_markdown(void)
{
    printf("| variable | key in the file | value | default | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *name = variable(&rows[i]);
        printf("| `%s` | `%s` | ", name, rows[i].name);
        print_kind(&rows[i]);
        printf(" | %s%s%s | %s |\n", *rows[i].fallback ? "`" : "", *rows[i].fallback ? rows[i].fallback : rows[i].required ? "(required)" : "",
               *rows[i].fallback ? "`" : "", rows[i].help);
    }
}
