/* What a plan's pods take: sums over its roles. */
#ifndef DOMAIN_NEED_H
#define DOMAIN_NEED_H

#include "base/json.h"

#include <stdint.h>

typedef struct Need {
    int64_t pods, millicores, memory /* bytes */, claims, storage /* bytes */;
} Need;

/* Sums over quorum and brokers of a plan's spec, with `surge` more pods per role (they take no storage). false: ERR_INVALID naming the member. */
MUST_CHECK bool need_of_spec(const json_t *spec, int surge, Need *ret, Error *err);

#endif
