/* YAML 1.1 text to JSON values: one document, core scalars, anchors refused (they hide where a value comes from). */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/json.h"

/*
 * Parses one YAML document of at most 1 MiB into a new JSON value. Plain scalars become null, booleans (true/false),
 * integers or reals as in the YAML 1.2 core schema; quoted ones stay strings. An empty document is JSON null.
 * false: ERR_INVALID with `name`, line and what is wrong (duplicate key, anchor or alias, nesting over 64, several documents).
 */
MUST_CHECK bool yaml_parse(const char *text, size_t n, const char *name, json_t **ret, Error *err);
/* Reads and parses a file. false: ERR_NOT_FOUND or ERR_INVALID naming the path. */
MUST_CHECK bool yaml_load(const char *path, json_t **ret, Error *err);

#endif
