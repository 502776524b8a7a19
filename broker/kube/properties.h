/* Java properties files, written so that java.util.Properties.load reads back the same keys and values. */
#ifndef KUBE_PROPERTIES_H
#define KUBE_PROPERTIES_H

#include "base/json.h"
#include "base/str.h"

/*
 * Appends one `key=value` line per entry, in order; null entries are left out, integers and booleans written as such. Everything outside
 * printable ASCII becomes \uXXXX (UTF-16), as the reader takes the file for ISO 8859-1.
 * false: ERR_INVALID naming the key whose value is a list, a mapping or a real number (whose text would be a guess).
 */
MUST_CHECK bool properties_write(const json_t *mapping, Str *out, Error *err);

#endif
