/* Access rules of users (KIP-140, prefixed patterns: KIP-290). */
#include "kafka/admin.h"

#include "base/mem.h"
#include "kafka/errors.h"

enum { FILTER_ANY = 1, PERMISSION_ALLOW = 3 };

bool kafka_acls_create(KafkaAdmin *a, const char *user, const KafkaAcl *acls, size_t count, Error *err)
{
    if (count == 0)
        return true;
    CLEANUP_FREE char *principal = xasprintf("User:%s", user), *what = xasprintf("access rules of %s", principal);
    CLEANUP_JSON json_t *request = json_pack("{s:[]}", "Creations"), *answer = NULL;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(json_object_get(request, "Creations"),
                              json_pack("{s:i,s:s,s:i,s:s,s:s,s:i,s:i}", "ResourceType", (int)acls[i].resource, "ResourceName",
                                        acls[i].name, "ResourcePatternType", (int)acls[i].pattern, "Principal", principal, "Host",
                                        "*", "Operation", (int)acls[i].operation, "PermissionType", PERMISSION_ALLOW));
    if (json_array_size(json_object_get(request, "Creations")) != count)
        return error_set(err, ERR_INVALID, "%s: a name is not UTF-8", what);
    if (!kafka_admin_call(a, KAFKA_CONTROLLER_BROKER, KAFKA_CREATE_ACLS, request, &answer, err))
        return error_wrap(err, "%s", what);
    return kafka_check_items(json_object_get(answer, "Results"), count, what, err);
}

/* Every rule of the principal, whatever it is about. */
static json_t *filter_for(const char *principal)
{
    return json_pack("{s:i,s:n,s:i,s:s,s:n,s:i,s:i}", "ResourceTypeFilter", FILTER_ANY, "ResourceNameFilter", "PatternTypeFilter",
                     FILTER_ANY, "PrincipalFilter", principal, "HostFilter", "Operation", FILTER_ANY, "PermissionType", FILTER_ANY);
}

bool kafka_acls_delete(KafkaAdmin *a, const char *user, size_t *ret_count, Error *err)
{
    CLEANUP_FREE char *principal = xasprintf("User:%s", user), *what = xasprintf("access rules of %s", principal);
    CLEANUP_JSON json_t *request = json_pack("{s:[o]}", "Filters", filter_for(principal)), *answer = NULL;
    if (!kafka_admin_call(a, KAFKA_CONTROLLER_BROKER, KAFKA_DELETE_ACLS, request, &answer, err))
        return error_wrap(err, "%s", what);
    const json_t *results = json_object_get(answer, "FilterResults"), *deleted = json_at(results, "0.MatchingAcls");
    if (!kafka_check_items(results, 1, what, err) || !kafka_check_items(deleted, 0, what, err))
        return false;
    if (ret_count)
        *ret_count = json_array_size(deleted);
    return true;
}

bool kafka_acls_count(KafkaAdmin *a, const char *user, size_t *ret, Error *err)
{
    CLEANUP_FREE char *principal = xasprintf("User:%s", user), *what = xasprintf("access rules of %s", principal);
    CLEANUP_JSON json_t *request = filter_for(principal), *answer = NULL;
    if (!kafka_admin_call(a, KAFKA_ANY_BROKER, KAFKA_DESCRIBE_ACLS, request, &answer, err))
        return error_wrap(err, "%s", what);
    if (!kafka_check_item(answer, what, err))
        return false;
    size_t i, count = 0;
    json_t *resource;
    json_array_foreach(json_object_get(answer, "Resources"), i, resource)
    {
        count += json_array_size(json_object_get(resource, "Acls"));
    }
    *ret = count;
    return true;
}
