/* What a catalog and its plans must be like: the files as they are written, and the body of GET /v2/catalog that comes out of them. */
#ifndef DOMAIN_CATALOG_CHECK_H
#define DOMAIN_CATALOG_CHECK_H

#include "base/faults.h"
#include "base/json.h"

/*
 * The files: keys that are not known, and what is not served as it stands. Faults are added to the current file; what is served is for
 * catalog_check_served to say.
 */
/* catalog.yml. */
void catalog_check_offering(const json_t *offering, Faults *f);
/* parameters.yml: each definition must compile. Whether all do. */
bool catalog_check_definitions(const json_t *definitions, Faults *f);
/* plans/NAME.yml; `definitions` of parameters.yml, `overlay` (object or NULL) that was merged into its spec: what it brought is said of `size_overlay`. */
void catalog_check_plan(const char *name, const json_t *plan, const json_t *definitions, const json_t *overlay, Faults *f);

/* Where the parts of a body come from. */
typedef struct CatalogFiles {
    const char *offering;
    const json_t *plans; /* array of paths, in the order of the body's plans */
} CatalogFiles;

/*
 * A body of GET /v2/catalog for API 2.`minor` with one offering: what OSB 2.17 (Catalog Management), Cloud Controller (lib/services/service_brokers/v2)
 * and service-catalog ask of it. Faults are added to the files that they come from.
 */
void catalog_check_served(const json_t *body, int minor, const CatalogFiles *files, Faults *f);

#endif
