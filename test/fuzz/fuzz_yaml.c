/*
 * Files of the operator: YAML, the quantities in it, quotas, definitions of parameters. Input: a YAML text.
 * A value that was read and written as JSON in ASCII, which is YAML too, is read as the same value, or refused for escapes that YAML has not.
 * Not in ASCII only: U+0085, U+2028 and U+2029 end a line in YAML, but not in JSON.
 */
#include "fuzz.h"

#include "base/mem.h"
#include "base/yaml.h"
#include "domain/quantity.h"
#include "domain/quota.h"

#include <string.h>

#define DEEPEST 64 /* as the reader promises */

static int depth_of(const json_t *v)
{
    int deepest = 0, one;
    const char *key;
    json_t *member;
    size_t i;
    if (!json_is_object(v) && !json_is_array(v))
        return 0;
    json_object_foreach((json_t *)v, key, member) deepest = (one = depth_of(member)) > deepest ? one : deepest;
    json_array_foreach((json_t *)v, i, member) deepest = (one = depth_of(member)) > deepest ? one : deepest;
    return deepest + 1;
}

static void check_quantity(const char *text)
{
    int64_t n = -1;
    Error err = {0};
    if (quantity_millicores(text, &n, &err))
        HOLDS(n >= 0 && *text >= '0' && *text <= '9');
    else
        fuzz_check_error(&err, ERR_INVALID);
    if (quantity_bytes(text, &n, &err))
        HOLDS(n >= 0 && *text >= '0' && *text <= '9');
    else
        fuzz_check_error(&err, ERR_INVALID);
}

static void check_quantities(const json_t *v)
{
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_string(v))
        check_quantity(json_string_value(v));
    json_object_foreach((json_t *)v, key, member) check_quantities(member);
    json_array_foreach((json_t *)v, i, member) check_quantities(member);
}

/* Limits that were taken are not negative but for "none", and nothing that is above a limit fits. */
static void check_quotas(const json_t *tree)
{
    CLEANUP(quotas_free) Quotas *quotas = NULL;
    const QuotaSubject subject = {catalog_plan_at(fuzz_catalog(), 0)->id, "o", "s"};
    QuotaScope scopes[QUOTA_SCOPES];
    Faults faults = {0};
    Error err = {0};
    if (!quotas_parse(tree, fuzz_catalog(), &quotas, &faults)) {
        fuzz_check_faults(&faults);
        return;
    }
    HOLDS(faults.count == 0);
    size_t count = quotas_scopes(quotas, &subject, scopes);
    HOLDS(count <= QUOTA_SCOPES);
    for (size_t i = 0; i < count; i++) {
        const Amounts none = {0}, *limits = &scopes[i].limits, one = {.instances = 1}, most = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
        HOLDS(limits->instances >= -1);
        HOLDS(quota_fits(&scopes[i], &none, &none, &err));
        if (limits->instances >= 0 && quota_fits(&scopes[i], &most, &one, &err))
            HOLDS(limits->instances == INT64_MAX);
        HOLDS(limits->instances != 0 || !quota_fits(&scopes[i], &none, &one, &err));
    }
}

/* Whatever stands in parameters.yml: a schema comes of it, and it compiles or is refused. */
static void check_definitions(const json_t *tree)
{
    const char *key;
    json_t *member;
    CLEANUP_JSON json_t *names = json_array();
    json_object_foreach((json_t *)tree, key, member) json_array_append_new(names, json_string(key));
    for (int use = 0; use < PARAMETER_USES; use++) {
        CLEANUP_JSON json_t *schema = parameters_schema(tree, names, (ParameterUse)use);
        CLEANUP(schema_free) Schema *compiled = NULL;
        Faults faults = {0};
        HOLDS(json_object_size(json_object_get(schema, "properties")) == json_object_size(tree));
        if (!schema_compile_all(schema, &compiled, &faults))
            fuzz_check_faults(&faults);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP_JSON json_t *value = NULL, *again = NULL;
    Error err = {0};
    CLEANUP_FREE char *exact = xmalloc(n);
    memcpy(exact, data, n);
    if (!yaml_parse(exact, n, "file", &value, &err)) {
        fuzz_check_error(&err, ERR_INVALID);
        HOLDS(strncmp(err.text, "file", strlen("file")) == 0);
        return 0;
    }
    HOLDS(depth_of(value) <= DEEPEST);
    CLEANUP_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    HOLDS(text);
    if (yaml_parse(text, strlen(text), "file", &again, &err))
        HOLDS(fuzz_same_json(value, again));
    check_quantities(value);
    check_quotas(value);
    if (json_is_object(value))
        check_definitions(value);
    return 0;
}
