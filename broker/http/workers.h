/* Threads on which handlers run while libmicrohttpd's connection of their request is suspended. */
#ifndef HTTP_WORKERS_H
#define HTTP_WORKERS_H

#include "http/exchange.h"

/* Starts `threads` for routes that block and one for those whose requests are answered together. false: ERR_INVALID (the system has no thread left). */
MUST_CHECK bool workers_start(int threads, Workers **ret, Error *err);
/*
 * Suspends the request's connection and has its handler run. From here on the exchange is the worker's, until it has resumed the connection.
 * false: too many requests are waiting, or closed; `response` holds the refusal.
 */
MUST_CHECK bool workers_take(Workers *w, Exchange *e);
/* Whether any connection is suspended. */
bool workers_busy(const Workers *w);
/* Refuses what comes from now on and returns when no connection is suspended, which libmicrohttpd needs before its stop. */
void workers_close(Workers *w);
/* After the close. Returns NULL; NULL accepted. */
Workers *workers_stop(Workers *w);

#endif
