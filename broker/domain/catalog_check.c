/* Checks of offering and plans: what OSB 2.17 and Cloud Controller ask of a catalog, and what rendering needs of a spec. */
#include "domain/catalog_check.h"

#include "domain/quantity.h"
#include "domain/schema_format.h"
#include "domain/types.h"

#include <string.h>

static void fault(Str *out, const char *where, const char *what)
{
    str_appendf(out, "%s%s: %s", out->len ? "\n" : "", where, what);
}

/* ^[a-z0-9-]+$ with a letter, at most 63: passes every version of the specification and every known client. */
static bool is_cli_name(const char *s)
{
    bool letter = false;
    if (!s || !*s || strlen(s) > 63)
        return false;
    for (; *s; s++) {
        if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-'))
            return false;
        letter |= *s >= 'a' && *s <= 'z';
    }
    return letter;
}

static void check_head(const char *where, const json_t *o, Str *out)
{
    const char *description = json_string_at(o, "description", "");
    if (!format_named("uuid")->fits(json_string_at(o, "id", "")))
        fault(out, where, "id must be a GUID");
    if (!is_cli_name(json_string_at(o, "name", NULL)))
        fault(out, where, "name must be lower-case letters, digits and '-', at most 63, with a letter");
    if (!*description || strlen(description) > 255)
        fault(out, where, "description must be a text of 1 to 255 characters");
    if (!json_is_boolean(json_object_get(o, "bindable")))
        fault(out, where, "bindable must be true or false");
    if (json_object_get(o, "metadata") && !json_is_object(json_object_get(o, "metadata")))
        fault(out, where, "metadata must be a mapping");
}

void catalog_check_offering(const json_t *offering, Str *out)
{
    static const char *const booleans[] = {"plan_updateable", "instances_retrievable", "bindings_retrievable"};
    if (!json_is_object(offering)) {
        fault(out, "catalog.yml", "must be a mapping");
        return;
    }
    check_head("catalog.yml", offering, out);
    for (size_t i = 0; i < ARRAY_SIZE(booleans); i++)
        if (!json_is_boolean(json_object_get(offering, booleans[i])))
            str_appendf(out, "%scatalog.yml: %s must be true or false", out->len ? "\n" : "", booleans[i]);
    json_t *tags = json_object_get(offering, "tags"), *tag;
    size_t i;
    if (!json_is_array(tags))
        fault(out, "catalog.yml", "tags must be a list of texts");
    json_array_foreach(tags, i, tag) if (!json_is_string(tag)) fault(out, "catalog.yml", "tags must be a list of texts");
    if (!json_is_array(json_object_get(offering, "plans")) || json_array_size(json_object_get(offering, "plans")) == 0)
        fault(out, "catalog.yml", "plans must name at least one plan");
}

static void check_role(const char *where, const json_t *role, const char *name, Str *out)
{
    static const char *const sizes[] = {"memory", "storage"};
    Error err;
    int64_t n;
    if (!json_is_object(role)) {
        str_appendf(out, "%s%s: spec.%s must be a mapping", out->len ? "\n" : "", where, name);
        return;
    }
    json_int_t replicas = json_int_at(role, "replicas", 0);
    if (replicas < 1 || replicas > 99)
        str_appendf(out, "%s%s: spec.%s.replicas must be a number from 1 to 99", out->len ? "\n" : "", where, name);
    if (!quantity_millicores(json_string_at(role, "cpu", NULL), &n, &err))
        str_appendf(out, "%s%s: spec.%s.cpu: %s", out->len ? "\n" : "", where, name, err.text);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        if (!quantity_bytes(json_string_at(role, sizes[i], NULL), &n, &err))
            str_appendf(out, "%s%s: spec.%s.%s: %s", out->len ? "\n" : "", where, name, sizes[i], err.text);
    const char *heap = json_string_at(role, "heap", "");
    size_t digits = strspn(heap, "0123456789");
    if (digits == 0 || (strcmp(heap + digits, "m") != 0 && strcmp(heap + digits, "g") != 0))
        str_appendf(out, "%s%s: spec.%s.heap must be a JVM size such as 512m", out->len ? "\n" : "", where, name);
}

static bool one_of(const char *value, const char *const *words)
{
    for (; value && *words; words++)
        if (strcmp(value, *words) == 0)
            return true;
    return false;
}

static void check_spec(const char *where, const json_t *spec, Str *out)
{
    static const char *const quorums[] = {"kraft", "zookeeper", NULL}, *const accesses[] = {"node_port", NULL};
    static const char *const affinities[] = {"required", "preferred", NULL}, *const versions[] = {"3.9", "4.1", NULL};
    const char *quorum = json_string_at(spec, "quorum.kind", NULL), *version = json_string_at(spec, "kafka_version", NULL);
    bool zookeeper = quorum && strcmp(quorum, "zookeeper") == 0;
    if (!one_of(quorum, quorums))
        fault(out, where, "spec.quorum.kind must be kraft or zookeeper");
    if (!one_of(version, versions))
        fault(out, where, "spec.kafka_version must be \"3.9\" or \"4.1\"");
    else if (zookeeper && version[0] != '3')
        fault(out, where, "spec.quorum.kind zookeeper needs kafka_version \"3.9\": later versions have no ZooKeeper");
    if (!one_of(json_string_at(spec, "anti_affinity", NULL), affinities))
        fault(out, where, "spec.anti_affinity must be required or preferred");
    if (!one_of(json_string_at(spec, "external_access", NULL), accesses))
        fault(out, where, "spec.external_access must be node_port");
    json_int_t reauth = json_int_at(spec, "reauthentication_ms", 0);
    if (reauth < 1000 || reauth > 86400000)
        fault(out, where, "spec.reauthentication_ms must be from 1000 to 86400000 (milliseconds)");
    const json_t *stuck = json_object_get(spec, "stuck_seconds");
    if (stuck && (!json_is_integer(stuck) || json_integer_value(stuck) < 30 || json_integer_value(stuck) > 3600))
        fault(out, where, "spec.stuck_seconds must be from 30 to 3600 (seconds that pods may stay without a node, an image or a volume)");
    if (!json_string_at(spec, "images.kafka", NULL) || (zookeeper && !json_string_at(spec, "images.zookeeper", NULL)))
        fault(out, where, "spec.images must name the image of each component");
    check_role(where, json_object_get(spec, "quorum"), "quorum", out);
    check_role(where, json_object_get(spec, "kafka"), "kafka", out);
    json_int_t n = json_int_at(spec, "quorum.replicas", 0), partitions = json_int_at(spec, "kafka.offsets_partitions", 0);
    if (n % 2 == 0 || n > 5)
        fault(out, where, "spec.quorum.replicas must be 1, 3 or 5: an even quorum survives no more than the odd one below it");
    if (partitions < 1 || partitions > 1000)
        fault(out, where, "spec.kafka.offsets_partitions must be from 1 to 1000");
    int64_t bytes;
    Error err;
    if (zookeeper && !quantity_bytes(json_string_at(spec, "quorum.log_storage", NULL), &bytes, &err))
        fault(out, where, "spec.quorum.log_storage must be a size such as 10Gi");
}

void catalog_check_plan(const char *name, const json_t *plan, Str *out)
{
    CLEANUP_FREE char *where = xasprintf("plans/%s.yml", name);
    if (!json_is_object(plan)) {
        fault(out, where, "must be a mapping");
        return;
    }
    check_head(where, plan, out);
    if (strcmp(json_string_at(plan, "name", ""), name) != 0)
        fault(out, where, "name must equal the file's name");
    if (!json_is_boolean(json_object_get(plan, "free")))
        fault(out, where, "free must be true or false");
    for (int k = 0; k < OPERATION_KINDS; k++) {
        CLEANUP_FREE char *path = xasprintf("deadlines.%s", operation_kind_name((OperationKind)k));
        json_int_t seconds = json_int_at(plan, path, 0);
        if (seconds < 10 || seconds > 604800)
            str_appendf(out, "%s%s: %s must be from 10 to 604800 seconds", out->len ? "\n" : "", where, path);
    }
    if (!json_is_object(json_object_get(plan, "spec")))
        fault(out, where, "spec must be a mapping");
    else
        check_spec(where, json_object_get(plan, "spec"), out);
}
