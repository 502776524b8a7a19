/* Loading of the catalog, lookup of plans, and the prepared texts of GET /v2/catalog. */
#include "domain/catalog.h"

#include "base/yaml.h"
#include "domain/catalog_check.h"
#include "domain/need.h"

#include <string.h>

#define FIRST_MINOR 13
#define LAST_MINOR 17
#define DEFAULT_DEADLINE 3600

struct Catalog {
    json_t *offering;
    json_t *definitions; /* of parameters */
    json_t *plan_files; /* array, in the order of catalog.yml */
    json_t *plan_paths; /* their paths */
    json_t *schemas; /* per plan an array of its schemas, one per use */
    Plan *plans;
    size_t count;
    char *text[LAST_MINOR - FIRST_MINOR + 1];
};

/* What a catalog is made of. */
typedef struct Source {
    const char *folder;
    const json_t *image_map, *overlay;
} Source;

static void map_images(json_t *plan, const json_t *image_map)
{
    json_t *images = json_at(plan, "spec.images"), *value;
    const char *key;
    json_object_foreach(images, key, value)
    {
        const char *mapped = json_string_value(json_object_get(image_map, json_string_value(value)));
        if (mapped)
            json_object_set_new(images, key, json_string(mapped));
    }
}

/* Members that a version does not know are left out: strict clients refuse them (OSB 2.17, release notes by version). */
static json_t *served_plan(const json_t *file, const json_t *schemas, int minor)
{
    static const char *const copied[] = {"id", "name", "description", "free", "bindable", "metadata"};
    json_t *plan = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
        if (json_object_get(file, copied[i]))
            json_object_set(plan, copied[i], json_object_get(file, copied[i]));
    json_object_set_new(plan, "schemas", json_pack("{s:{s:{s:O}, s:{s:O}}}", "service_instance", "create", "parameters",
                                                   json_array_get(schemas, PARAMETERS_CREATE), "update", "parameters",
                                                   json_array_get(schemas, PARAMETERS_UPDATE)));
    if (json_bool_at(file, "bindable", false))
        json_object_set_new(json_object_get(plan, "schemas"), "service_binding",
                            json_pack("{s:{s:O}}", "create", "parameters", json_array_get(schemas, PARAMETERS_BIND)));
    if (minor >= 15) {
        json_int_t longest = 0;
        const char *kind;
        json_t *seconds;
        json_object_foreach(json_object_get(file, "deadlines"), kind, seconds) if (json_integer_value(seconds) > longest)
            longest = json_integer_value(seconds);
        json_object_set_new(plan, "maximum_polling_duration", json_integer(longest + 600));
        json_object_set_new(plan, "plan_updateable", json_false());
        if (json_object_get(file, "maintenance_info"))
            json_object_set(plan, "maintenance_info", json_object_get(file, "maintenance_info"));
    }
    if (minor >= 17)
        json_object_set_new(plan, "binding_rotatable", json_boolean(json_bool_at(file, "bindable", false)));
    return plan;
}

/* The body for API 2.`minor`; with retired plans only to be checked. */
static json_t *served_body(const Catalog *c, int minor, bool with_retired)
{
    CLEANUP_JSON json_t *offering = json_copy(c->offering);
    json_t *plans = json_array(), *file;
    size_t i;
    json_array_foreach(c->plan_files, i, file)
    {
        if (with_retired || !c->plans[i].retired)
            json_array_append_new(plans, served_plan(file, json_array_get(c->schemas, i), minor));
    }
    json_object_set_new(offering, "plans", plans);
    if (minor >= 15)
        json_object_set_new(offering, "allow_context_updates", json_true());
    if (minor < 14) {
        json_object_del(offering, "instances_retrievable");
        json_object_del(offering, "bindings_retrievable");
    }
    return json_pack("{s:[O]}", "services", offering);
}

/* Composes the plan's schemas, and compiles them when all `definitions` are good. */
static void fill_schemas(Catalog *c, Plan *p, const json_t *file, bool definitions, Faults *faults)
{
    json_t *schemas = json_array();
    for (int use = 0; use < PARAMETER_USES; use++) {
        CLEANUP_FREE char *path = xasprintf("parameters.%s", parameter_use_name((ParameterUse)use));
        CLEANUP(faults_clear) Faults found = {0};
        json_t *schema = parameters_schema(c->definitions, json_at(file, path), (ParameterUse)use);
        json_array_append_new(schemas, schema);
        if (definitions && !schema_compile_all(schema, &p->schemas[use], &found))
            for (size_t i = 0; i < found.count; i++)
                fault_add(faults, "%s: %s", path, found.at[i].text);
    }
    json_array_append_new(c->schemas, schemas);
}

static void fill_plan(Plan *p, const json_t *file, const char *service_id)
{
    Need need = {0};
    p->id = json_string_at(file, "id", NULL);
    p->name = json_string_at(file, "name", NULL);
    p->description = json_string_at(file, "description", NULL);
    p->service_id = service_id;
    p->bindable = json_bool_at(file, "bindable", false);
    p->maintenance_version = json_string_at(file, "maintenance_info.version", NULL);
    p->spec = json_object_get(file, "spec");
    p->quorum = strcmp(json_string_at(p->spec, "quorum.kind", ""), "zookeeper") == 0 ? QUORUM_ZOOKEEPER : QUORUM_KRAFT;
    p->brokers = (int)json_int_at(p->spec, "kafka.replicas", 0);
    p->quorum_size = (int)json_int_at(p->spec, "quorum.replicas", 0);
    p->retired = json_bool_at(file, "retired", false);
    p->lifetime_seconds = (int)json_int_at(file, "bindings.lifetime_seconds", 0);
    p->renew_seconds = (int)json_int_at(file, "bindings.renew_seconds", p->lifetime_seconds / 10);
    if (need_of_spec(p->spec, 0, &need, NULL)) /* the checks have said why not */
        p->need = (Amounts){1, p->brokers, need.millicores, need.memory, need.storage};
    for (int k = 0; k < OPERATION_KINDS; k++) {
        CLEANUP_FREE char *path = xasprintf("deadlines.%s", operation_kind_name((OperationKind)k));
        p->deadline_seconds[k] = (int)json_int_at(file, path, 0);
    }
}

static void load_plan(Catalog *c, const char *path, const char *name, const Source *source, Faults *faults)
{
    CLEANUP_JSON json_t *plan = NULL;
    Error err;
    faults_in(faults, path);
    if (!yaml_load(path, &plan, &err)) {
        fault_add_error(faults, &err);
        return;
    }
    if (!json_is_object(plan)) {
        fault_add(faults, "must be a mapping");
        return;
    }
    if (json_is_object(json_object_get(plan, "spec")) && source->overlay)
        json_merge(json_object_get(plan, "spec"), source->overlay);
    map_images(plan, source->image_map);
    catalog_check_plan(name, plan, c->definitions, source->overlay, faults);
    json_array_append(c->plan_files, plan);
    json_array_append_new(c->plan_paths, json_string(path));
}

/* The plans that the offering lists, each once; names that cannot be a file's have been refused. */
static void load_plans(Catalog *c, const Source *source, Faults *faults)
{
    json_t *names = json_object_get(c->offering, "plans"), *name;
    CLEANUP_JSON json_t *seen = json_object();
    size_t i;
    json_array_foreach(names, i, name)
    {
        const char *s = json_string_value(name);
        if (!s || strchr(s, '/') || json_object_get(seen, s))
            continue;
        CLEANUP_FREE char *path = xasprintf("%s/plans/%s.yml", source->folder, s);
        json_object_set_new(seen, s, json_true());
        load_plan(c, path, s, source, faults);
    }
}

/* A file that must be a mapping, or, when `optional`, may be absent: an empty one then. */
static bool load_mapping(const char *path, bool optional, json_t **ret, Faults *faults)
{
    Error err;
    faults_in(faults, path);
    if (!yaml_load(path, ret, &err)) {
        *ret = json_object();
        return (optional && err.kind == ERR_NOT_FOUND) || fault_add_error(faults, &err);
    }
    return json_is_object(*ret) || fault_add(faults, "must be a mapping");
}

static void make_plans(Catalog *c, bool definitions, Faults *faults)
{
    c->count = json_array_size(c->plan_files);
    c->plans = xcalloc(c->count, sizeof(*c->plans));
    for (size_t i = 0; i < c->count; i++) {
        faults_in(faults, json_string_value(json_array_get(c->plan_paths, i)));
        fill_plan(&c->plans[i], json_array_get(c->plan_files, i), json_string_at(c->offering, "id", NULL));
        fill_schemas(c, &c->plans[i], json_array_get(c->plan_files, i), definitions, faults);
    }
}

static bool all_retired(const Catalog *c)
{
    size_t retired = 0;
    for (size_t i = 0; i < c->count; i++)
        retired += c->plans[i].retired;
    return c->count && retired == c->count;
}

static bool load(Catalog *c, const Source *source, Faults *faults)
{
    CLEANUP_FREE char *path = xasprintf("%s/catalog.yml", source->folder), *parameters = xasprintf("%s/parameters.yml", source->folder);
    const CatalogFiles files = {path, c->plan_paths};
    size_t before = faults->count;
    bool definitions = load_mapping(parameters, true, &c->definitions, faults) && catalog_check_definitions(c->definitions, faults);
    if (!load_mapping(path, false, &c->offering, faults))
        return false;
    catalog_check_offering(c->offering, faults);
    load_plans(c, source, faults);
    make_plans(c, definitions, faults);
    for (int minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
        CLEANUP_JSON json_t *body = served_body(c, minor, true);
        catalog_check_served(body, minor, &files, faults);
    }
    faults_in(faults, path);
    if (all_retired(c))
        fault_add(faults, "plans: all of them are retired; at least one must be offered");
    return faults->count == before;
}

bool catalog_load(const char *folder, const json_t *image_map, const json_t *overlay, Catalog **ret, Faults *faults)
{
    CLEANUP(catalog_free) Catalog *c = xcalloc(1, sizeof(*c));
    CLEANUP(faults_clear) Faults unread = {0};
    const Source source = {folder, image_map, overlay};
    c->plan_files = json_array();
    c->plan_paths = json_array();
    c->schemas = json_array();
    bool ok = load(c, &source, faults ? faults : &unread);
    if (faults)
        faults_in(faults, NULL);
    if (!ok)
        return false;
    for (int minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
        CLEANUP_JSON json_t *body = served_body(c, minor, false);
        c->text[minor - FIRST_MINOR] = json_text(body);
    }
    *ret = TAKE(c);
    return true;
}

Catalog *catalog_free(Catalog *c)
{
    if (c) {
        json_decref(c->offering);
        json_decref(c->definitions);
        json_decref(c->plan_files);
        json_decref(c->plan_paths);
        json_decref(c->schemas);
        for (size_t i = 0; i < c->count; i++)
            for (int use = 0; use < PARAMETER_USES; use++)
                schema_free(c->plans[i].schemas[use]);
        free(c->plans);
        for (size_t i = 0; i < ARRAY_SIZE(c->text); i++)
            free(c->text[i]);
        free(c);
    }
    return NULL;
}

const Plan *catalog_plan(const Catalog *c, const char *service_id, const char *plan_id)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->plans[i].id, plan_id) == 0 && strcmp(c->plans[i].service_id, service_id) == 0)
            return &c->plans[i];
    return NULL;
}

int catalog_deadline(const Catalog *c, const char *service_id, const char *plan_id, OperationKind kind)
{
    const Plan *plan = catalog_plan(c, service_id, plan_id);
    return plan && plan->deadline_seconds[kind] > 0 ? plan->deadline_seconds[kind] : DEFAULT_DEADLINE;
}

const Plan *catalog_plan_named(const Catalog *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->plans[i].name, name) == 0)
            return &c->plans[i];
    return NULL;
}

bool catalog_has_service(const Catalog *c, const char *service_id)
{
    return strcmp(json_string_at(c->offering, "id", ""), service_id) == 0;
}

const Plan *catalog_plan_at(const Catalog *c, size_t i)
{
    return i < c->count ? &c->plans[i] : NULL;
}

const char *catalog_json(const Catalog *c, int minor, size_t *ret_len)
{
    int i = minor < FIRST_MINOR ? 0 : minor > LAST_MINOR ? LAST_MINOR - FIRST_MINOR : minor - FIRST_MINOR;
    *ret_len = strlen(c->text[i]);
    return c->text[i];
}
