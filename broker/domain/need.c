/* Sums of a plan's resources. */
#include "domain/need.h"

#include "domain/quantity.h"

static bool add_role(const json_t *spec, const char *name, int surge, Need *need, Error *err)
{
    const json_t *role = json_object_get(spec, name);
    int64_t replicas = json_int_at(role, "replicas", 0), cpu, memory, storage, log = 0;
    if (!quantity_millicores(json_string_at(role, "cpu", NULL), &cpu, err) ||
        !quantity_bytes(json_string_at(role, "memory", NULL), &memory, err) ||
        !quantity_bytes(json_string_at(role, "storage", NULL), &storage, err) ||
        (json_object_get(role, "log_storage") && !quantity_bytes(json_string_at(role, "log_storage", NULL), &log, err)))
        return error_wrap(err, "spec.%s", name);
    need->pods += replicas + surge;
    need->millicores += (replicas + surge) * cpu;
    need->memory += (replicas + surge) * memory;
    need->claims += replicas * (log ? 2 : 1);
    need->storage += replicas * (storage + log);
    return true;
}

bool need_of_spec(const json_t *spec, int surge, Need *ret, Error *err)
{
    Need need = {0};
    if (!add_role(spec, "quorum", surge, &need, err) || !add_role(spec, "kafka", surge, &need, err))
        return false;
    *ret = need;
    return true;
}
