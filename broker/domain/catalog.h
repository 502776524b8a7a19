/* Service offering and plans: read from YAML, checked, served as one prepared text per API version. */
#ifndef DOMAIN_CATALOG_H
#define DOMAIN_CATALOG_H

#include "base/faults.h"
#include "domain/parameters.h"
#include "domain/schema.h"
#include "domain/types.h"

typedef enum QuorumKind { QUORUM_KRAFT, QUORUM_ZOOKEEPER } QuorumKind;

/* One plan; immutable, owned by the catalog. */
typedef struct Plan {
    const char *id, *name, *description;
    const char *service_id;
    bool bindable;
    const char *maintenance_version;        /* semantic version, or NULL */
    QuorumKind quorum;
    int brokers;                            /* Kafka brokers */
    int quorum_size;                        /* controllers or ZooKeeper servers */
    int deadline_seconds[OPERATION_KINDS];  /* per kind of operation; on expiry it fails */
    bool retired;                           /* not offered any more; instances that exist are served on */
    Amounts need;                           /* of one instance, as quotas count it */
    Schema *schemas[PARAMETER_USES];        /* of the parameters that it takes */
    int lifetime_seconds;                   /* of its bindings, 0 = they do not expire */
    int renew_seconds;                      /* before that, when they should be renewed */
    const json_t *spec;                     /* `spec` of the plan file with overlay and image map applied: what values are made of */
} Plan;

typedef struct Catalog Catalog;

/*
 * Reads folder/catalog.yml, folder/parameters.yml (may be absent), and folder/plans/NAME.yml for each plan that it lists. `image_map` (object
 * image -> image, or NULL) replaces image names; `overlay` (object, or NULL) is merged deeply over each plan's spec. Checks the files, and the body
 * of GET /v2/catalog for every version of the API. false: every fault was added to `faults` (NULL: nobody reads them).
 */
MUST_CHECK bool catalog_load(const char *folder, const json_t *image_map, const json_t *overlay, Catalog **ret, Faults *faults);
Catalog *catalog_free(Catalog *c);
DEFINE_CLEANUP(Catalog *, catalog_free)

/* NULL when unknown. */
const Plan *catalog_plan(const Catalog *c, const char *service_id, const char *plan_id);
const Plan *catalog_plan_named(const Catalog *c, const char *name);
bool catalog_has_service(const Catalog *c, const char *service_id);
/* How long an operation of this kind on an instance of a plan may take, in seconds; one hour when the catalog no longer holds the plan. */
int catalog_deadline(const Catalog *c, const char *service_id, const char *plan_id, OperationKind kind);
/* The i-th plan, NULL after the last. */
const Plan *catalog_plan_at(const Catalog *c, size_t i);

/* The GET /v2/catalog body for clients of API 2.`minor` (13 and below … 17 and above): a prepared text, borrowed; its length in *ret_len. */
const char *catalog_json(const Catalog *c, int minor, size_t *ret_len);

#endif
