/* Quotas: limits on what all instances, those of a plan, of an organization or of a space may take together. */
#ifndef DOMAIN_QUOTA_H
#define DOMAIN_QUOTA_H

#include "domain/catalog.h"

typedef struct Quotas Quotas;

/*
 * Limits from a mapping: `global`, `organization` (each of them), `space` (each), and by name or id `plans`, `organizations`, `spaces`, the last two in
 * place of the general ones. Each holds any of instances, brokers (numbers), cpu, memory, storage (quantities). `catalog` NULL: the names of plans are
 * not looked at, and nothing but the faults comes out. false: every fault was added to `faults`.
 */
MUST_CHECK bool quotas_parse(const json_t *tree, const Catalog *catalog, Quotas **ret, Faults *faults);
Quotas *quotas_free(Quotas *q);
DEFINE_CLEANUP(Quotas *, quotas_free)

/* What an instance belongs to. */
typedef struct QuotaSubject {
    const char *plan_id, *organization_guid, *space_guid;
} QuotaSubject;

/* One scope with limits that hold for a subject; texts are borrowed from the subject. */
typedef struct QuotaScope {
    const char *scope; /* "global", "organization", "plan", "space" */
    const char *key;   /* "" for global */
    Amounts limits;    /* -1 = none */
} QuotaScope;

#define QUOTA_SCOPES 4

/* The scopes with limits for a subject, always in the same order (that in which they are locked); returns how many. */
size_t quotas_scopes(const Quotas *q, const QuotaSubject *subject, QuotaScope out[QUOTA_SCOPES]);

/* Whether `need` more fits besides `used`. false: ERR_INVALID naming the quota, what is used, what is asked for, and the limit. */
MUST_CHECK bool quota_fits(const QuotaScope *scope, const Amounts *used, const Amounts *need, Error *err);

#endif
