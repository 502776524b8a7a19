/* Erasing secrets that had to travel through a JSON value. */
#ifndef KAFKA_SECRET_H
#define KAFKA_SECRET_H

#include "base/json.h"

#include <string.h>

/* Overwrites the text of a JSON string; call it before the last reference goes. Other values are left alone. */
static inline UNUSED void kafka_erase_string(json_t *value)
{
    if (json_is_string(value))
        explicit_bzero((char *)json_string_value(value), json_string_length(value));
}

#endif
