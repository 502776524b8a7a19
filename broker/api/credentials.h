/* What a binding gives to an application. */
#ifndef API_CREDENTIALS_H
#define API_CREDENTIALS_H

#include "api/api.h"

/*
 * Opens the sealed document of a ready binding and fills `response` with `status` and its credentials, with endpoints from API 2.15 on
 * (older clients misread them) and, if it expires, with metadata (OSB 2.17, Binding Metadata Object). false: ERR_NOT_FOUND (deleted
 * meanwhile), ERR_INTERNAL (absent, does not open) or of the database.
 */
MUST_CHECK bool answer_credentials(const Api *api, const Request *r, const Binding *binding, int status, Response *response, Error *err);

#endif
