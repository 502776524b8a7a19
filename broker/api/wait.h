/* Synchronous answers about asynchronous work: the request waits for the operation's row to end. */
#ifndef API_WAIT_H
#define API_WAIT_H

#include "api/api.h"

/*
 * Waits until the operation ends, at most synchronous_wait_seconds or until the broker stops. true: it has succeeded. Otherwise `response` is
 * filled: 502 with the operation's description when it failed, 504 when it still runs.
 */
bool wait_for_success(const Api *api, const char *operation, Response *response);

#endif
