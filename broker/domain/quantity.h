/* Kubernetes resource quantities ("500m", "2Gi") as numbers, for sums and comparisons. */
#ifndef DOMAIN_QUANTITY_H
#define DOMAIN_QUANTITY_H

#include "base/error.h"

#include <stdint.h>

/* CPU in millicores: "1" = 1000, "250m" = 250. false: ERR_INVALID naming the text. */
MUST_CHECK bool quantity_millicores(const char *text, int64_t *ret, Error *err);
/* Bytes: plain, k M G T (powers of 1000), Ki Mi Gi Ti (powers of 1024). false: ERR_INVALID naming the text. */
MUST_CHECK bool quantity_bytes(const char *text, int64_t *ret, Error *err);

#endif
