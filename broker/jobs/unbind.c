/* Unbind: access rules first (open connections lose their rights at once), then the user, then proof that the login is refused. */
#include "jobs/access.h"
#include "jobs/facts.h"
#include "jobs/link.h"
#include "jobs/steps.h"
#include "jobs/vault.h"

/* An instance whose creation failed before its facts were made never had users. */
static bool nothing_to_revoke(Job *job, bool *ret, Error *err)
{
    if (facts_load(job, err)) {
        *ret = false;
        return true;
    }
    *ret = true;
    return err->kind == ERR_NOT_FOUND;
}

bool unbind_acls(Job *job, Error *err)
{
    KafkaAdmin *admin = NULL;
    CLEANUP_FREE char *user = access_user(job->binding.id);
    bool nothing = false;
    if (!nothing_to_revoke(job, &nothing, err))
        return false;
    return nothing || (link_admin(job, &admin, err) && job_alive(job, err) && kafka_acls_delete(admin, user, NULL, err));
}

bool unbind_user(Job *job, Error *err)
{
    KafkaAdmin *admin = NULL;
    CLEANUP_FREE char *user = access_user(job->binding.id);
    const bool limited = json_object_get(job->binding.parameters, "principal_quotas") != NULL;
    bool nothing = false;
    if (!nothing_to_revoke(job, &nothing, err))
        return false;
    return nothing || (link_admin(job, &admin, err) && job_alive(job, err) && kafka_user_delete(admin, user, err) &&
                       (!limited || kafka_user_quota_set(admin, user, &(KafkaUserQuota){0, 0}, err)));
}

bool unbind_login_check(Job *job, bool *ret_done, Error *err)
{
    CLEANUP_JSON json_t *document = NULL;
    CLEANUP_FREE char *user = access_user(job->binding.id);
    if (!vault_get(job, job->binding.id, "credentials", &document, err) || !facts_load(job, err)) {
        *ret_done = true; /* never handed out */
        return err->kind == ERR_NOT_FOUND;
    }
    for (int i = 0; i < facts_brokers(job); i++) {
        if (link_login(job, i, user, json_string_at(document, "credentials.password", ""), err)) {
            str_appendf(&job->progress, "kafka-%d still accepts the user", i);
            return true;
        }
        if (err->kind != ERR_DENIED)
            return false;
    }
    *ret_done = true;
    return true;
}
