/* One function per endpoint; what each answers when is OSB 2.17's, in the order of checks that platforms rely on. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/api.h"

bool health_live(void *context, const Request *r, Response *response, Error *err);
bool health_ready(void *context, const Request *r, Response *response, Error *err);
bool catalog_get(void *context, const Request *r, Response *response, Error *err);
bool instance_put(void *context, const Request *r, Response *response, Error *err);
bool instance_get(void *context, const Request *r, Response *response, Error *err);
bool instance_patch(void *context, const Request *r, Response *response, Error *err);
bool instance_delete(void *context, const Request *r, Response *response, Error *err);
bool binding_put(void *context, const Request *r, Response *response, Error *err);
bool binding_get(void *context, const Request *r, Response *response, Error *err);
bool binding_delete(void *context, const Request *r, Response *response, Error *err);
/* Of instances (without a second id) and of bindings. */
void last_operations(void *context, Call *const *calls, size_t n);

#endif
