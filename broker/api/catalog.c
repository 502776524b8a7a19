/* GET /v2/catalog: a prepared text per API version, with an entity tag (OSB 2.17, Catalog Management). */
#include "api/handlers.h"

#include "base/digest.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define FIRST_MINOR 13

/* The tag of a text; NULL while another request makes it. */
static const char *tag_of(CatalogTag *tag, const char *text, size_t n)
{
    int none = 0;
    if (atomic_load_explicit(&tag->state, memory_order_acquire) == 2)
        return tag->text;
    if (!atomic_compare_exchange_strong(&tag->state, &none, 1))
        return NULL;
    CLEANUP_FREE char *hex = sha256_hex(text, n);
    snprintf(tag->text, sizeof(tag->text), "\"%.32s\"", hex);
    atomic_store_explicit(&tag->state, 2, memory_order_release);
    return tag->text;
}

/* If-None-Match by weak comparison (RFC 9110, 13.1.2): "*", or the tag anywhere in the list. */
static bool has_tag(const char *header, const char *tag)
{
    return header && tag && (strcmp(header, "*") == 0 || strstr(header, tag));
}

bool catalog_get(void *context, const Request *r, Response *response, Error *err)
{
    Api *api = context;
    (void)err;
    size_t n;
    const char *text = catalog_json(api->catalog, r->minor, &n);
    int i = r->minor - FIRST_MINOR;
    const char *tag = tag_of(&api->tags[i < 0 ? 0 : i < API_CATALOG_TAGS ? i : API_CATALOG_TAGS - 1], text, n);
    *response = (Response){.status = has_tag(request_header(r, "If-None-Match"), tag) ? 304 : 200, .text = text, .text_len = n, .etag = tag};
    return true;
}
