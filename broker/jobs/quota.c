/* The numbers of a namespace's ResourceQuota. */
#include "jobs/quota.h"

#include "domain/need.h"

#define JOB_MILLICORES 500
#define JOB_BYTES (INT64_C(512) << 20)

static json_t *number(const char *format, int64_t n)
{
    char text[32];
    snprintf(text, sizeof(text), format[0] == 'm' ? "%ldm" : "%ld", (long)n);
    return json_string(text);
}

bool quota_build(const Plan *plan, json_t **ret, Error *err)
{
    Need need;
    if (!need_of_spec(plan->spec, 1, &need, err))
        return false;
    json_t *quota = json_object();
    json_object_set_new(quota, "pods", number("n", need.pods + 1));
    json_object_set_new(quota, "cpu", number("m", need.millicores + JOB_MILLICORES));
    json_object_set_new(quota, "memory", number("n", need.memory + JOB_BYTES));
    json_object_set_new(quota, "claims", number("n", need.claims));
    json_object_set_new(quota, "storage", number("n", need.storage));
    json_object_set_new(quota, "node_ports", number("n", plan->brokers));
    *ret = quota;
    return true;
}
