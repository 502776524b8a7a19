/* Composition root: settings to running parts. */
#ifndef APP_H
#define APP_H

#include "config.h"

typedef enum Role { ROLE_ALL, ROLE_API, ROLE_WORKER } Role;

/* Serves until SIGTERM or SIGINT (a second one ends at once). Call with one thread running. false: why it could not start. */
MUST_CHECK bool app_serve(const Config *config, Role role, Error *err);
/* Applies the migrations. */
MUST_CHECK bool app_migrate(const Config *config, Error *err);
/*
 * Prints every check with its outcome on stdout, and the faults with numbers; false when there is one. `settings`: what config_load found (cleared by
 * the caller). `with_database` adds the schema and every statement.
 */
bool app_check(const Config *config, Faults *settings, bool with_database);
/* Logs each fault; `err` says how many there are in `what` and how to see them together. Returns false. */
bool app_refuse(const Faults *faults, const char *what, Error *err);
/* Prints the manifests of a plan as they would be applied, as JSON documents that kubectl reads. */
MUST_CHECK bool app_render(const Config *config, const char *plan, const char *parameters_file, Error *err);

#endif
