/* Sealed JSON documents: written once, opened with the context of their row. */
#include "jobs/vault.h"

#include <string.h>

bool vault_get(Job *job, const char *binding_id, const char *name, json_t **ret, Error *err)
{
    const SecretRef ref = {job->op.instance_id, binding_id, name};
    CLEANUP_FREE char *context = seal_context(ref.instance_id, ref.binding_id, ref.name);
    CLEANUP_FREE char *key_id = NULL;
    uint8_t *sealed = NULL, *plain = NULL;
    size_t sealed_len = 0, plain_len = 0;
    if (!store_secret_get(job->settings->store, &ref, &key_id, &sealed, &sealed_len, err))
        return false;
    bool ok = seal_open(job->settings->keys, &(Sealed){key_id, sealed, sealed_len}, context, &plain, &plain_len, err);
    free(sealed);
    if (!ok)
        return error_wrap(err, "secret \"%s\"", name);
    ok = json_parse((const char *)plain, plain_len, ret, err);
    secret_free(plain, plain_len);
    return ok;
}

bool vault_put(Job *job, const char *binding_id, const char *name, const json_t *document, json_t **ret, Error *err)
{
    const SecretRef ref = {job->op.instance_id, binding_id, name};
    CLEANUP_FREE char *context = seal_context(ref.instance_id, ref.binding_id, ref.name);
    CLEANUP_SECRET char *text = json_text(document);
    uint8_t *sealed = NULL;
    size_t n = 0;
    bool kept = false;
    seal(job->settings->keys, context, text, strlen(text), &sealed, &n);
    bool ok = store_secret_put(job->settings->store, &ref, &(SecretValue){seal_key_id(job->settings->keys), sealed, n}, &kept, err);
    free(sealed);
    if (!ok)
        return false;
    if (kept)
        return vault_get(job, binding_id, name, ret, err);
    *ret = json_deep_copy(document);
    return true;
}
