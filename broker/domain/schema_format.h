/* Formats of strings by name: date-time, uri, hostname, ipv4, ipv6, email, uuid. */
#ifndef DOMAIN_SCHEMA_FORMAT_H
#define DOMAIN_SCHEMA_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Format {
    const char *name;
    const char *text; /* what it is, with an example */
    bool (*fits)(const char *s);
} Format;

/* NULL: unknown. */
const Format *format_named(const char *name);
/* The i-th, NULL after the last. */
const Format *format_at(size_t i);

#endif
