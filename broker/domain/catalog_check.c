/* Checks of the catalog's files: keys, and what is for the broker alone (deadlines, parameters, bindings). */
#include "base/mem.h"
#include "base/words.h"
#include "domain/catalog_check_own.h"
#include "domain/parameters.h"
#include "domain/schema.h"
#include "domain/types.h"

#include <string.h>

enum { SHORTEST_DEADLINE = 10, LONGEST_DEADLINE = 604800, SHORTEST_LIFETIME = 60, LONGEST_LIFETIME = 315360000 };

void catalog_check_offering(const json_t *offering, Faults *f)
{
    static const char *const known[] = {"id", "name", "description", "bindable", "plan_updateable", "instances_retrievable", "bindings_retrievable",
                                        "tags", "requires", "metadata", "dashboard_client", "plans", NULL};
    const json_t *plans = json_object_get(offering, "plans"), *name;
    size_t i;
    check_keys(offering, "", known, f);
    if (!json_is_array(plans) || json_array_size(plans) == 0)
        fault_add(f, "plans must name at least one plan");
    if (json_is_true(json_object_get(offering, "plan_updateable")))
        fault_add(f, "plan_updateable must be false: no instance can be moved to another plan");
    check_each(plans, "plans", is_cli_name, "the name of a file in plans/: " WANTED_NAME, f);
    json_array_foreach(plans, i, name) for (size_t j = 0; j < i; j++) if (json_is_string(name) && json_equal(name, json_array_get(plans, j)))
        fault_add(f, "plans[%zu] is \"%s\" again", i, json_string_value(name));
}

/* What was found in {"properties": …}, each said of the definition. */
static void add_found(const Faults *found, Faults *f)
{
    static const char root[] = "schema.properties";
    for (size_t i = 0; i < found->count; i++) {
        const char *text = found->at[i].text;
        size_t skip = strncmp(text, root, sizeof(root) - 1) == 0 ? sizeof(root) - 1 : 0;
        fault_add(f, "%s", text + skip + (skip && text[skip] == '.'));
    }
}

bool catalog_check_definitions(const json_t *definitions, Faults *f)
{
    CLEANUP_JSON json_t *schema = json_pack("{s:O}", "properties", definitions);
    CLEANUP(schema_free) Schema *compiled = NULL;
    CLEANUP(faults_clear) Faults found = {0};
    bool ok = schema_compile_all(schema, &compiled, &found);
    add_found(&found, f);
    return ok;
}

static void check_deadlines(const json_t *deadlines, Faults *f)
{
    const char *known[OPERATION_KINDS + 1] = {0};
    for (int k = 0; k < OPERATION_KINDS; k++) {
        const json_t *v = json_object_get(deadlines, known[k] = operation_kind_name((OperationKind)k));
        if (!json_is_integer(v) || json_integer_value(v) < SHORTEST_DEADLINE || json_integer_value(v) > LONGEST_DEADLINE)
            fault_add(f, "deadlines.%s must be a number from %d to %d (seconds)", known[k], SHORTEST_DEADLINE, LONGEST_DEADLINE);
    }
    check_keys(deadlines, "deadlines", known, f);
}

/* Names of the definitions, ended by NULL; borrowed. The caller frees the list. */
static const char **names_of(const json_t *definitions)
{
    const char **names = xcalloc(json_object_size(definitions) + 1, sizeof(*names)), *name;
    size_t n = 0;
    json_t *v;
    json_object_foreach((json_t *)definitions, name, v) names[n++] = name;
    return names;
}

static void check_use(const char *path, const json_t *names, const json_t *definitions, Faults *f)
{
    const char **known = names_of(definitions);
    const json_t *name;
    size_t i;
    json_array_foreach(names, i, name)
    {
        const char *s = json_string_value(name);
        if (!s || words_hold(known, s))
            continue;
        CLEANUP_FREE char *meant = words_meant(s, known);
        fault_add(f, "%s[%zu]: \"%s\" is not defined in parameters.yml%s", path, i, s, meant);
    }
    check_each(names, path, is_text, "the name of a parameter", f);
    free(known);
}

static void check_parameters(const json_t *parameters, const json_t *definitions, Faults *f)
{
    const char *known[PARAMETER_USES + 1] = {0};
    for (int use = 0; use < PARAMETER_USES; use++) {
        const json_t *names = json_object_get(parameters, known[use] = parameter_use_name((ParameterUse)use));
        CLEANUP_FREE char *path = check_path("parameters", known[use]);
        if (names && !json_is_array(names))
            fault_add(f, "%s must be a list of names", path);
        check_use(path, names, definitions, f);
    }
    check_keys(parameters, "parameters", known, f);
}

static void check_bindings(const json_t *bindings, Faults *f)
{
    static const char *const known[] = {"lifetime_seconds", "renew_seconds", NULL};
    const json_t *lifetime = json_object_get(bindings, "lifetime_seconds"), *renew = json_object_get(bindings, "renew_seconds");
    json_int_t longest = json_integer_value(lifetime) - 1;
    bool lasts = json_is_integer(lifetime) && longest + 1 >= SHORTEST_LIFETIME && longest + 1 <= LONGEST_LIFETIME;
    check_keys(bindings, "bindings", known, f);
    if (lifetime && !lasts)
        fault_add(f, "bindings.lifetime_seconds must be a number from %d to %d", SHORTEST_LIFETIME, LONGEST_LIFETIME);
    if (renew && !lifetime)
        fault_add(f, "bindings.renew_seconds needs lifetime_seconds beside it");
    else if (renew && (!json_is_integer(renew) || json_integer_value(renew) < 1 || (lasts && json_integer_value(renew) > longest)))
        fault_add(f, "bindings.renew_seconds must be a number from 1 on, below lifetime_seconds");
}

void catalog_check_plan(const char *name, const json_t *plan, const json_t *definitions, const json_t *overlay, Faults *f)
{
    static const char *const known[] = {"id", "name", "description", "free", "bindable", "metadata", "deadlines", "maintenance_info",
                                        "parameters", "bindings", "retired", "spec", NULL};
    static const Rule rules[] = {{"deadlines", is_object, WANTED_OBJECT, ALWAYS}, {"parameters", is_object, WANTED_OBJECT, 0},
                                 {"bindings", is_object, WANTED_OBJECT, 0},       {"retired", is_boolean, WANTED_BOOLEAN, 0},
                                 {"spec", is_object, WANTED_OBJECT, ALWAYS},      {0}};
    const char *written = json_string_at(plan, "name", name);
    check_keys(plan, "", known, f);
    check_rules(plan, "", rules, ALWAYS, f);
    if (strcmp(written, name) != 0)
        fault_add(f, "name must be \"%s\", as the file's", name);
    if (json_is_object(json_object_get(plan, "deadlines")))
        check_deadlines(json_object_get(plan, "deadlines"), f);
    if (json_is_object(json_object_get(plan, "spec")))
        check_spec(json_object_get(plan, "spec"), overlay, f);
    check_parameters(json_object_get(plan, "parameters"), definitions, f);
    check_bindings(json_object_get(plan, "bindings"), f);
}
