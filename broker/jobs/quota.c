/* Sums of a plan's resources. */
#include "jobs/quota.h"

#include "domain/quantity.h"

#define JOB_MILLICORES 500
#define JOB_BYTES (INT64_C(512) << 20)

typedef struct Need {
    int64_t pods, millicores, memory, claims, storage;
} Need;

static bool add_role(const Plan *p, const char *role, Need *need, Error *err)
{
    const json_t *r = json_object_get(p->spec, role);
    int64_t replicas = json_int_at(r, "replicas", 0), cpu, memory, storage, log = 0;
    if (!quantity_millicores(json_string_at(r, "cpu", NULL), &cpu, err) ||
        !quantity_bytes(json_string_at(r, "memory", NULL), &memory, err) ||
        !quantity_bytes(json_string_at(r, "storage", NULL), &storage, err))
        return error_wrap(err, "spec.%s", role);
    if (json_object_get(r, "log_storage") && !quantity_bytes(json_string_at(r, "log_storage", NULL), &log, err))
        return error_wrap(err, "spec.%s", role);
    need->pods += replicas + 1;
    need->millicores += (replicas + 1) * cpu;
    need->memory += (replicas + 1) * memory;
    need->claims += replicas * (log ? 2 : 1);
    need->storage += replicas * (storage + log);
    return true;
}

static json_t *number(const char *format, int64_t n)
{
    char text[32];
    snprintf(text, sizeof(text), format[0] == 'm' ? "%ldm" : "%ld", (long)n);
    return json_string(text);
}

bool quota_build(const Plan *plan, json_t **ret, Error *err)
{
    Need need = {.pods = 1, .millicores = JOB_MILLICORES, .memory = JOB_BYTES};
    if (!add_role(plan, "quorum", &need, err) || !add_role(plan, "kafka", &need, err))
        return false;
    json_t *quota = json_object();
    json_object_set_new(quota, "pods", number("n", need.pods));
    json_object_set_new(quota, "cpu", number("m", need.millicores));
    json_object_set_new(quota, "memory", number("n", need.memory));
    json_object_set_new(quota, "claims", number("n", need.claims));
    json_object_set_new(quota, "storage", number("n", need.storage));
    json_object_set_new(quota, "node_ports", number("n", plan->brokers));
    *ret = quota;
    return true;
}
