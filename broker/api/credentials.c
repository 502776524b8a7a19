/* Reading of sealed credentials. */
#include "api/credentials.h"

#include "api/versions.h"

#include <time.h>

static bool open_document(const Api *api, const SecretRef *ref, json_t **ret, Error *err)
{
    CLEANUP_FREE char *context = seal_context(ref->instance_id, ref->binding_id, ref->name);
    CLEANUP_FREE char *key_id = NULL;
    uint8_t *sealed = NULL, *plain = NULL;
    size_t sealed_len = 0, plain_len = 0;
    if (!store_secret_get(api->store, ref, &key_id, &sealed, &sealed_len, err))
        return false;
    bool ok = seal_open(api->keys, &(Sealed){key_id, sealed, sealed_len}, context, &plain, &plain_len, err);
    free(sealed);
    if (!ok)
        return false;
    ok = json_parse((const char *)plain, plain_len, ret, err);
    secret_free(plain, plain_len);
    return ok;
}

/* "2026-01-31T09:30:00.0Z": the specification's form has one digit behind the point. */
static json_t *utc_text(int64_t seconds)
{
    char text[32];
    time_t t = (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.0Z", &tm);
    return json_string(text);
}

static void add_expiry(const Binding *b, int minor, json_t *body)
{
    if (!b->expires_at || minor < MINOR_WITH_EXPIRY)
        return;
    json_t *metadata = json_pack("{s:o}", "expires_at", utc_text(b->expires_at));
    if (b->renew_before && minor >= MINOR_WITH_RENEWAL)
        json_object_set_new(metadata, "renew_before", utc_text(b->renew_before));
    json_object_set_new(body, "metadata", metadata);
}

/* Whether an unbind has ended since the caller read the binding. */
static bool deleted_meanwhile(const Api *api, const SecretRef *ref)
{
    CLEANUP(binding_clear) Binding now = {0};
    Error err;
    return store_get_binding(api->store, ref->instance_id, ref->binding_id, &now, &err) && now.state != BINDING_READY;
}

bool answer_credentials(const Api *api, const Request *r, const Binding *binding, int status, Response *response, Error *err)
{
    const SecretRef ref = {r->ids[0], r->ids[1], "credentials"};
    CLEANUP_JSON json_t *document = NULL;
    Error why = {0};
    if (!open_document(api, &ref, &document, &why))
        return why.kind == ERR_NOT_FOUND && deleted_meanwhile(api, &ref)
                   ? error_set(err, ERR_NOT_FOUND, "the instance has no such binding")
                   : error_set(err, why.kind == ERR_RETRY ? ERR_RETRY : ERR_INTERNAL, "credentials of binding %s: %s", ref.binding_id, why.text);
    json_t *credentials = json_object_get(document, "credentials");
    bool tells = api->endpoints && r->minor >= MINOR_WITH_ENDPOINTS;
    *response = (Response){.status = status, .body = json_pack("{s:O, s:O*}", "credentials", credentials, "endpoints",
                                                               tells ? json_object_get(document, "endpoints") : NULL)};
    if (!response->body)
        return error_set(err, ERR_INTERNAL, "credentials of binding %s: the document has none", ref.binding_id);
    add_expiry(binding, r->minor, response->body);
    return true;
}
