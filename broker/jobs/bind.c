/* Bind: credentials are sealed first, then made true in Kafka, then tried. */
#include "jobs/access.h"
#include "jobs/facts.h"
#include "jobs/link.h"
#include "jobs/steps.h"
#include "jobs/vault.h"

bool bind_credentials(Job *job, Error *err)
{
    CLEANUP_JSON json_t *made = NULL;
    CLEANUP_JSON json_t *stored = NULL;
    return facts_load(job, err) && access_document(job, &made, err) &&
           vault_put(job, job->binding.id, "credentials", made, &stored, err);
}

bool bind_user(Job *job, Error *err)
{
    KafkaAdmin *admin = NULL;
    CLEANUP_JSON json_t *document = NULL;
    CLEANUP_FREE char *user = access_user(job->binding.id);
    return vault_get(job, job->binding.id, "credentials", &document, err) && link_admin(job, &admin, err) &&
           job_alive(job, err) &&
           kafka_user_upsert(admin, user, json_string_at(document, "credentials.password", ""), SCRAM_ITERATIONS, err);
}

bool bind_acls(Job *job, Error *err)
{
    KafkaAdmin *admin = NULL;
    CLEANUP_FREE char *user = access_user(job->binding.id);
    CLEANUP(acls_free) Acls acls = {0};
    access_acls(job->binding.parameters, &acls);
    return link_admin(job, &admin, err) && job_alive(job, err) && kafka_acls_create(admin, user, acls.rows, acls.count, err);
}

bool bind_quotas(Job *job, Error *err)
{
    KafkaAdmin *admin = NULL;
    CLEANUP_FREE char *user = access_user(job->binding.id);
    const json_t *asked = json_object_get(job->binding.parameters, "principal_quotas");
    const KafkaUserQuota quota = {json_int_at(asked, "producer_byte_rate", 0), json_int_at(asked, "consumer_byte_rate", 0)};
    return !asked || (link_admin(job, &admin, err) && job_alive(job, err) && kafka_user_quota_set(admin, user, &quota, err));
}

/* A new user reaches every broker with the metadata; the answer must not come before. */
bool bind_login_check(Job *job, bool *ret_done, Error *err)
{
    CLEANUP_JSON json_t *document = NULL;
    CLEANUP_FREE char *user = access_user(job->binding.id);
    if (!vault_get(job, job->binding.id, "credentials", &document, err) || !facts_load(job, err))
        return false;
    for (int i = 0; i < facts_brokers(job); i++) {
        if (link_login(job, i, user, json_string_at(document, "credentials.password", ""), err))
            continue;
        if (err->kind != ERR_DENIED)
            return false;
        str_appendf(&job->progress, "kafka-%d does not know the user yet", i);
        return true;
    }
    *ret_done = true;
    return true;
}
