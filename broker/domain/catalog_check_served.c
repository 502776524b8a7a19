/* Checks of the body of GET /v2/catalog, as Cloud Controller and service-catalog make them before they take it. */
#include "base/mem.h"

#include "base/str.h"
#include "base/words.h"
#include "domain/catalog_check_own.h"
#include "domain/schema.h"

#include <string.h>
#include <strings.h>

enum {
    LONGEST_STRING = 255,          /* characters of any string (OSB 2.17, Catalog Management) */
    LONGEST_TAGS = 2048,           /* characters of all tags (Cloud Controller) */
    LONGEST_SCHEMA = 65536,        /* bytes (OSB 2.17, Schemas Object: 64 kB) */
    LONGEST_MAINTENANCE_INFO = 2000, /* characters of its JSON (Cloud Controller) */
};

static size_t characters(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static size_t json_bytes(const json_t *v)
{
    CLEANUP_FREE char *text = json_text(v);
    return strlen(text);
}

/* Every string at any depth but schemas, and pictures, which may be data: URIs. */
static void check_lengths(const json_t *v, const char *path, Faults *f)
{
    const char *name;
    json_t *member;
    size_t i;
    if (json_is_string(v) && characters(json_string_value(v)) > LONGEST_STRING)
        fault_add(f, "%s has %zu characters, at most %d are shown everywhere", path, characters(json_string_value(v)), LONGEST_STRING);
    json_array_foreach(v, i, member)
    {
        CLEANUP_FREE char *at = check_index(path, i);
        check_lengths(member, at, f);
    }
    json_object_foreach((json_t *)v, name, member)
    {
        CLEANUP_FREE char *at = check_path(path, name);
        bool own = strcmp(at, "plans") == 0 || strcmp(at, "schemas") == 0 || strcmp(at, "metadata.imageUrl") == 0;
        if (!own)
            check_lengths(member, at, f);
    }
}

static bool is_permission(const json_t *v)
{
    static const char *const words[] = {"syslog_drain", "route_forwarding", "volume_mount", NULL};
    return words_hold(words, json_string_value(v));
}

static void check_dashboard_client(const json_t *client, Faults *f)
{
    static const Rule rules[] = {{"id", is_text, WANTED_TEXT, ALWAYS}, {"secret", is_text, WANTED_TEXT, ALWAYS}, {"redirect_uri", is_text, WANTED_TEXT, ALWAYS}, {0}};
    if (json_is_object(client))
        check_rules(client, "dashboard_client", rules, ALWAYS, f);
}

static void check_tags(const json_t *tags, Faults *f)
{
    size_t i, total = 0;
    json_t *tag;
    check_each(tags, "tags", is_text, WANTED_TEXT, f);
    json_array_foreach(tags, i, tag) total += json_is_string(tag) ? characters(json_string_value(tag)) : 0;
    if (total > LONGEST_TAGS)
        fault_add(f, "tags have %zu characters in all, at most %d are accepted", total, LONGEST_TAGS);
}

static void check_offering(const json_t *offering, int minor, Faults *f)
{
    static const Rule rules[] = {
        {"id", is_guid, WANTED_GUID, ALWAYS},
        {"name", is_cli_name, WANTED_NAME, ALWAYS},
        {"description", is_text, WANTED_TEXT, ALWAYS},
        {"bindable", is_boolean, WANTED_BOOLEAN, ALWAYS},
        {"plan_updateable", is_boolean, WANTED_BOOLEAN, ALWAYS},
        {"instances_retrievable", is_boolean, WANTED_BOOLEAN, 14},
        {"bindings_retrievable", is_boolean, WANTED_BOOLEAN, 14},
        {"allow_context_updates", is_boolean, WANTED_BOOLEAN, 15},
        {"tags", is_list, "a list of texts", ALWAYS},
        {"requires", is_list, "a list of syslog_drain, route_forwarding, volume_mount", 0},
        {"metadata", is_object, WANTED_OBJECT, 0},
        {"dashboard_client", is_object, "a mapping of id, secret and redirect_uri", 0},
        {0},
    };
    static const Rule of_metadata[] = {
        {"displayName", is_text, WANTED_TEXT, 0},         {"imageUrl", is_text, WANTED_TEXT, 0},         {"longDescription", is_text, WANTED_TEXT, 0},
        {"providerDisplayName", is_text, WANTED_TEXT, 0}, {"documentationUrl", is_text, WANTED_TEXT, 0}, {"supportUrl", is_text, WANTED_TEXT, 0},
        {"shareable", is_boolean, WANTED_BOOLEAN, 0},     {0}};
    check_rules(offering, "", rules, minor, f);
    check_rules(json_object_get(offering, "metadata"), "metadata", of_metadata, minor, f);
    check_tags(json_object_get(offering, "tags"), f);
    check_each(json_object_get(offering, "requires"), "requires", is_permission, "syslog_drain, route_forwarding or volume_mount", f);
    check_dashboard_client(json_object_get(offering, "dashboard_client"), f);
    check_lengths(offering, "", f);
}

static void check_costs(const json_t *costs, Faults *f)
{
    static const Rule rules[] = {{"amount", is_object, "a mapping of currency to number", ALWAYS}, {"unit", is_text, WANTED_TEXT, ALWAYS}, {0}};
    size_t i;
    json_t *cost, *number;
    const char *currency;
    check_each(costs, "metadata.costs", is_object, "a mapping of amount and unit", f);
    json_array_foreach(costs, i, cost)
    {
        CLEANUP_FREE char *path = check_index("metadata.costs", i);
        const json_t *amount = json_object_get(cost, "amount");
        if (json_is_object(cost))
            check_rules(cost, path, rules, ALWAYS, f);
        if (json_is_object(amount) && json_object_size(amount) == 0)
            fault_add(f, "%s.amount must name a currency", path);
        json_object_foreach((json_t *)amount, currency, number) if (!json_is_number(number))
            fault_add(f, "%s.amount.%s must be a number", path, currency);
    }
}

static void check_maintenance(const json_t *info, Faults *f)
{
    static const Rule rules[] = {{"version", is_version, "a semantic version in quotes, such as \"1.0.0\"", ALWAYS}, {"description", is_text, WANTED_TEXT, ALWAYS}, {0}};
    static const char *const known[] = {"version", "description", NULL};
    if (!json_is_object(info))
        return;
    check_rules(info, "maintenance_info", rules, ALWAYS, f);
    check_keys(info, "maintenance_info", known, f);
    if (json_bytes(info) > LONGEST_MAINTENANCE_INFO)
        fault_add(f, "maintenance_info has %zu characters, at most %d are accepted", json_bytes(info), LONGEST_MAINTENANCE_INFO);
}

/* `path` is where the plan's file says it. What is wrong within a definition has been said of parameters.yml. */
static void check_schema(const json_t *schema, const char *path, Faults *f)
{
    if (!schema)
        return;
    if (!json_is_string(json_object_get(schema, "$schema")) || strcmp(json_string_at(schema, "type", ""), "object") != 0)
        fault_add(f, "%s: the schema must have $schema and the type object", path);
    if (json_bytes(schema) > LONGEST_SCHEMA)
        fault_add(f, "%s: the schema has %zu bytes, at most %d are accepted: offer fewer parameters, or shorten their descriptions", path,
                  json_bytes(schema), LONGEST_SCHEMA);
}

static void check_plan(const json_t *plan, int minor, Faults *f)
{
    static const Rule rules[] = {
        {"id", is_guid, WANTED_GUID, ALWAYS},
        {"name", is_cli_name, WANTED_NAME, ALWAYS},
        {"description", is_text, WANTED_TEXT, ALWAYS},
        {"free", is_boolean, WANTED_BOOLEAN, ALWAYS},
        {"bindable", is_boolean, WANTED_BOOLEAN, ALWAYS},
        {"plan_updateable", is_boolean, WANTED_BOOLEAN, 15},
        {"binding_rotatable", is_boolean, WANTED_BOOLEAN, 17},
        {"maximum_polling_duration", is_integer, "a whole number", 15},
        {"maintenance_info", is_object, "a mapping of version and description", 0},
        {"metadata", is_object, WANTED_OBJECT, 0},
        {"schemas", is_object, WANTED_OBJECT, ALWAYS},
        {0},
    };
    static const Rule of_metadata[] = {{"displayName", is_text, WANTED_TEXT, 0}, {"bullets", is_list, "a list of texts", 0}, {"costs", is_list, "a list", 0}, {0}};
    const json_t *metadata = json_object_get(plan, "metadata");
    check_rules(plan, "", rules, minor, f);
    check_rules(metadata, "metadata", of_metadata, minor, f);
    check_each(json_object_get(metadata, "bullets"), "metadata.bullets", is_text, WANTED_TEXT, f);
    check_costs(json_object_get(metadata, "costs"), f);
    check_maintenance(json_object_get(plan, "maintenance_info"), f);
    check_schema(json_at(plan, "schemas.service_instance.create.parameters"), "parameters.create", f);
    check_schema(json_at(plan, "schemas.service_instance.update.parameters"), "parameters.update", f);
    check_schema(json_at(plan, "schemas.service_binding.create.parameters"), "parameters.bind", f);
    check_lengths(plan, "", f);
}

/* Ids are unique over the whole catalog, names of plans within the offering; case does not count, as in Cloud Controller's database. */
static void check_unique(const json_t *offering, const CatalogFiles *files, size_t i, Faults *f)
{
    const json_t *plans = json_object_get(offering, "plans"), *plan = json_array_get(plans, i);
    const char *id = json_string_at(plan, "id", NULL), *name = json_string_at(plan, "name", NULL);
    if (id && strcasecmp(id, json_string_at(offering, "id", "")) == 0)
        fault_add(f, "id is that of the offering in %s; each id must be there once", files->offering);
    for (size_t j = 0; j < i; j++) {
        const json_t *other = json_array_get(plans, j);
        const char *file = json_string_value(json_array_get(files->plans, j));
        if (id && strcasecmp(id, json_string_at(other, "id", "")) == 0)
            fault_add(f, "id is that of %s; each id must be there once", file);
        if (name && strcasecmp(name, json_string_at(other, "name", "")) == 0)
            fault_add(f, "name is that of %s; each plan needs its own", file);
    }
}

void catalog_check_served(const json_t *body, int minor, const CatalogFiles *files, Faults *f)
{
    const json_t *offering = json_at(body, "services.0"), *plan;
    size_t i;
    faults_in(f, files->offering);
    check_offering(offering, minor, f);
    json_array_foreach(json_object_get(offering, "plans"), i, plan)
    {
        faults_in(f, json_string_value(json_array_get(files->plans, i)));
        check_plan(plan, minor, f);
        check_unique(offering, files, i, f);
    }
    faults_in(f, NULL);
}
