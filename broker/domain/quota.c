/* Reading of limits, and comparing with them. */
#include "domain/quota.h"

#include "base/str.h"
#include "domain/quantity.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

typedef struct Measure {
    const char *name, *unit;
    size_t offset; /* in Amounts */
    bool (*parse)(const char *text, int64_t *ret, Error *err); /* NULL: a plain number */
    int64_t divisor; /* of the unit that texts use */
} Measure;

static const Measure measures[] = {
    {"instances", "", offsetof(Amounts, instances), NULL, 1},
    {"brokers", "", offsetof(Amounts, brokers), NULL, 1},
    {"cpu", "m", offsetof(Amounts, millicores), quantity_millicores, 1},
    {"memory", "Mi", offsetof(Amounts, memory), quantity_bytes, 1 << 20},
    {"storage", "Mi", offsetof(Amounts, storage), quantity_bytes, 1 << 20},
};

static const char *const measure_names[] = {"instances", "brokers", "cpu", "memory", "storage", NULL};

typedef struct Limit {
    char *scope, *key; /* key NULL: for each that has no limit of its own */
    Amounts limits;
} Limit;

struct Quotas {
    Limit *limits;
    size_t count;
};

static int64_t amount(const Amounts *a, const Measure *m)
{
    int64_t value;
    memcpy(&value, (const char *)a + m->offset, sizeof(value));
    return value;
}

static bool read_amount(const Measure *m, const json_t *value, int64_t *ret, Error *err)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0 && (!m->parse || m->divisor == 1)) {
        *ret = json_integer_value(value) * (m->parse ? 1000 : 1); /* cpu: 4 = "4" */
        return true;
    }
    if (m->parse && json_is_string(value))
        return m->parse(json_string_value(value), ret, err);
    return error_set(err, ERR_INVALID, m->parse ? "must be a quantity such as %s" : "must be a number from 0 on%s",
                     !m->parse ? "" : m->divisor == 1 ? "\"4\" or 500m" : "100Gi");
}

static void read_limit(Quotas *q, const char *scope, const char *key, const char *path, const json_t *tree, Faults *faults)
{
    Limit limit = {.limits = {-1, -1, -1, -1, -1}};
    const char *name;
    json_t *value;
    if (!json_is_object(tree)) {
        fault_add(faults, "%s must be a mapping of instances, brokers, cpu, memory, storage", path);
        return;
    }
    json_object_foreach((json_t *)tree, name, value)
    {
        Error err = {0};
        int64_t n = 0;
        const Measure *m = NULL;
        CLEANUP_FREE char *where = xasprintf("%s.%s", path, name);
        for (size_t i = 0; i < ARRAY_SIZE(measures); i++)
            if (strcmp(measures[i].name, name) == 0)
                m = &measures[i];
        if (!m)
            fault_unknown(faults, where, name, measure_names);
        else if (read_amount(m, value, &n, &err))
            memcpy((char *)&limit.limits + m->offset, &n, sizeof(n));
        else
            fault_add(faults, "%s: %s", where, err.text);
    }
    limit.scope = xstrdup(scope);
    limit.key = xstrdup(key);
    q->limits = xrealloc(q->limits, (q->count + 1) * sizeof(*q->limits));
    q->limits[q->count++] = limit;
}

/* `plans`, `organizations`, `spaces`: limits of named ones. */
static void read_named(Quotas *q, const char *scope, const char *path, const json_t *tree, const Catalog *catalog, Faults *faults)
{
    const char *name;
    json_t *value;
    if (!json_is_object(tree))
        fault_add(faults, "%s must be a mapping", path);
    json_object_foreach((json_t *)tree, name, value)
    {
        CLEANUP_FREE char *where = xasprintf("%s.%s", path, name);
        const Plan *plan = catalog && strcmp(scope, "plan") == 0 ? catalog_plan_named(catalog, name) : NULL;
        if (strcmp(scope, "plan") == 0 && catalog && !plan)
            fault_add(faults, "%s: the catalog has no plan of this name", where);
        else
            read_limit(q, scope, plan ? plan->id : name, where, value, faults);
    }
}

bool quotas_parse(const json_t *tree, const Catalog *catalog, Quotas **ret, Faults *faults)
{
    static const struct {
        const char *name, *scope;
        bool named;
    } rows[] = {{"global", "global", false}, {"organization", "organization", false}, {"space", "space", false},
                {"plans", "plan", true}, {"organizations", "organization", true}, {"spaces", "space", true}};
    CLEANUP(quotas_free) Quotas *q = xcalloc(1, sizeof(*q));
    static const char *const known[] = {"global", "plans", "organization", "organizations", "space", "spaces", NULL};
    size_t before = faults->count;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)tree, name, value)
    {
        size_t i = 0;
        while (i < ARRAY_SIZE(rows) && strcmp(rows[i].name, name) != 0)
            i++;
        if (i == ARRAY_SIZE(rows))
            fault_unknown(faults, name, name, known);
        else if (rows[i].named)
            read_named(q, rows[i].scope, name, value, catalog, faults);
        else
            read_limit(q, rows[i].scope, NULL, name, value, faults);
    }
    if (faults->count > before)
        return false;
    if (catalog)
        *ret = TAKE(q);
    return true;
}

Quotas *quotas_free(Quotas *q)
{
    for (size_t i = 0; q && i < q->count; i++) {
        free(q->limits[i].scope);
        free(q->limits[i].key);
    }
    if (q)
        free(q->limits);
    free(q);
    return NULL;
}

/* The limit of this very one before that of each. */
static const Limit *limit_for(const Quotas *q, const char *scope, const char *key)
{
    const Limit *general = NULL;
    for (size_t i = 0; i < q->count; i++) {
        const Limit *l = &q->limits[i];
        if (strcmp(l->scope, scope) != 0)
            continue;
        if (l->key && strcmp(l->key, key) == 0)
            return l;
        if (!l->key)
            general = l;
    }
    return general;
}

size_t quotas_scopes(const Quotas *q, const QuotaSubject *subject, QuotaScope out[QUOTA_SCOPES])
{
    const QuotaScope all[QUOTA_SCOPES] = {{"global", "", {0}}, {"organization", subject->organization_guid, {0}},
                                          {"plan", subject->plan_id, {0}}, {"space", subject->space_guid, {0}}};
    size_t count = 0;
    for (size_t i = 0; q && i < QUOTA_SCOPES; i++) {
        const Limit *l = limit_for(q, all[i].scope, all[i].key);
        if (!l)
            continue;
        out[count] = all[i];
        out[count++].limits = l->limits;
    }
    return count;
}

bool quota_fits(const QuotaScope *scope, const Amounts *used, const Amounts *need, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(measures); i++) {
        const Measure *m = &measures[i];
        int64_t limit = amount(&scope->limits, m), taken = amount(used, m), more = amount(need, m);
        if (limit < 0 || (taken <= limit && more <= limit - taken))
            continue;
        bool global = strcmp(scope->scope, "global") == 0;
        return error_set(err, ERR_INVALID,
                         "the quota of %s%s allows %s: %" PRId64 "%s; %" PRId64 "%s are used and %" PRId64 "%s are asked for; "
                         "delete instances that are not needed, or ask the operator for more",
                         global ? "" : "this ", global ? "all instances" : scope->scope, m->name, limit / m->divisor, m->unit, taken / m->divisor,
                         m->unit, more / m->divisor, m->unit);
    }
    return true;
}
