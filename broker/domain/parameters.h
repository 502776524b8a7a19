/* Parameters that developers may give: schemas composed from shared definitions, and how an update merges with what was given before. */
#ifndef DOMAIN_PARAMETERS_H
#define DOMAIN_PARAMETERS_H

#include "base/json.h"

typedef enum ParameterUse { PARAMETERS_CREATE, PARAMETERS_UPDATE, PARAMETERS_BIND, PARAMETER_USES } ParameterUse;

/* "create", "update", "bind": the keys of a plan's `parameters`. */
const char *parameter_use_name(ParameterUse use);

/*
 * The JSON Schema (draft-04, closed) of the parameters that `names` (list of texts, or NULL = none) picks from `definitions`. In an update the members of
 * an object parameter may also be null. Names without a definition are passed over. New reference.
 */
json_t *parameters_schema(const json_t *definitions, const json_t *names, ParameterUse use);

/*
 * `old` (object or NULL) after an update with `change` (object or NULL): parameters replace those of the same name, but members of an object parameter
 * are merged one by one, and null removes one (OSB 2.17, Updating a Service Instance: the merge is the broker's to define). New reference.
 */
json_t *parameters_merged(const json_t *old, const json_t *change);

#endif
