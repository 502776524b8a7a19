/* Data parts that several commands load: catalog with overlay and image map, manifests, seal keys. */
#ifndef PARTS_H
#define PARTS_H

#include "config.h"
#include "domain/catalog.h"
#include "kube/template.h"

MUST_CHECK bool parts_catalog(const Config *config, Catalog **ret, Error *err);
MUST_CHECK bool parts_templates(const Config *config, Templates **ret, Error *err);
/* Renders a plan with sample facts into an array of objects. */
MUST_CHECK bool parts_render(const Config *config, const Templates *templates, const Plan *plan, json_t **ret, Error *err);

#endif
