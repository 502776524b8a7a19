/* What a catalog and its plans must be like; every fault is collected, one line each. */
#ifndef DOMAIN_CATALOG_CHECK_H
#define DOMAIN_CATALOG_CHECK_H

#include "base/json.h"
#include "base/str.h"

/* Checks of the offering (catalog.yml). Appends faults to `out`. */
void catalog_check_offering(const json_t *offering, Str *out);
/* Checks of one plan (plans/NAME.yml) with overlay and image map applied. */
void catalog_check_plan(const char *name, const json_t *plan, Str *out);

#endif
