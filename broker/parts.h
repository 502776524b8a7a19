/* Data parts that several commands load: catalog with overlay and image map, manifests, seal keys. */
#ifndef PARTS_H
#define PARTS_H

#include "config.h"
#include "domain/quota.h"
#include "kube/template.h"
#include "net/tls_server.h"

/* false: every fault was added to `faults`. */
MUST_CHECK bool parts_catalog(const Config *config, Catalog **ret, Faults *faults);
/* NULL when no quotas are configured. `catalog` as for quotas_parse. false: every fault was added to `faults`. */
MUST_CHECK bool parts_quotas(const Config *config, const Catalog *catalog, Quotas **ret, Faults *faults);
MUST_CHECK bool parts_templates(const Config *config, Templates **ret, Error *err);
/* Paths and names, borrowed from `config`. */
TlsServerOptions parts_tls(const Config *config);
/* Renders a plan with sample facts into an array of objects. */
MUST_CHECK bool parts_render(const Config *config, const Templates *templates, const Plan *plan, json_t **ret, Error *err);

#endif
