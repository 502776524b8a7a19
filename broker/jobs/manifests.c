/* Rendering of an instance's objects: sets in apply order, hashes of configuration, owner labels. */
#include "base/digest.h"
#include "jobs/values.h"

#include <string.h>

/* Labels by which the broker knows its own; added here once, not in each manifest. */
static void own(json_t *objects, const char *ns)
{
    size_t i;
    json_t *object;
    json_array_foreach(objects, i, object)
    {
        json_t *metadata = json_object_get(object, "metadata");
        CLEANUP_JSON json_t *patch =
            json_pack("{s:{s:s, s:s, s:s}}", "labels", "app.kubernetes.io/managed-by", "cpbroker",
                      "app.kubernetes.io/instance", ns, "app.kubernetes.io/part-of", "confluent-platform");
        json_merge(metadata, patch);
    }
}

static bool render_set(const Templates *t, const char *set, const char *const *kinds, json_t *values, json_t *out, Error *err)
{
    static const char *const config_maps[] = {"ConfigMap", NULL};
    bool hash = strcmp(set, "namespace") != 0 && json_object_get(values, "cluster_id");
    if (hash) {
        CLEANUP_JSON json_t *maps = NULL;
        if (!template_render(t, set, config_maps, values, &maps, err))
            return false;
        CLEANUP_FREE char *text = json_canonical(maps);
        CLEANUP_FREE char *hex = sha256_hex(text, strlen(text));
        hex[16] = '\0';
        json_object_set_new(values, "config_hash", json_string(hex));
    }
    CLEANUP_JSON json_t *objects = NULL;
    if (!template_render(t, set, kinds, values, &objects, err))
        return false;
    json_array_extend(out, objects);
    return true;
}

bool manifests_render(const Templates *t, const Plan *plan, const json_t *values, const char *const *kinds,
                      json_t **ret, Error *err)
{
    const char *const sets[] = {"namespace", plan->quorum == QUORUM_ZOOKEEPER ? "zookeeper" : "controller", "kafka"};
    CLEANUP_JSON json_t *own_values = json_copy((json_t *)values);
    CLEANUP_JSON json_t *out = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
        if (!render_set(t, sets[i], kinds, own_values, out, err))
            return false;
    own(out, json_string_at(values, "ns", ""));
    *ret = TAKE(out);
    return true;
}
