/* Reading of sealed credentials. */
#include "api/credentials.h"

#define FIRST_MINOR_WITH_ENDPOINTS 15

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

bool answer_credentials(const Api *api, const Request *r, const json_t *parameters, int status, Response *response, Error *err)
{
    const SecretRef ref = {r->ids[0], r->ids[1], "credentials"};
    CLEANUP_JSON json_t *document = NULL;
    Error why = {0};
    if (!open_document(api, &ref, &document, &why))
        return error_set(err, why.kind == ERR_RETRY ? ERR_RETRY : ERR_INTERNAL, "credentials of binding %s: %s", ref.binding_id, why.text);
    json_t *credentials = json_object_get(document, "credentials");
    json_t *endpoints = r->minor >= FIRST_MINOR_WITH_ENDPOINTS ? json_object_get(document, "endpoints") : NULL;
    *response = (Response){.status = status, .body = json_pack("{s:O, s:O*, s:O*}", "credentials", credentials, "endpoints", endpoints,
                                                               "parameters", json_object_size(parameters) ? parameters : NULL)};
    return response->body || error_set(err, ERR_INTERNAL, "credentials of binding %s: the document has none", ref.binding_id);
}
