/*
 * Rendering of manifests. Input: a tree and its values, two YAML texts with a line "===" between them.
 * Rendering changes neither, says the same twice, and a tree without "${" and without the renderer's annotations stays as it is.
 */
#include "fuzz.h"

#include "base/mem.h"
#include "base/yaml.h"
#include "kube/template.h"

#include <string.h>

#define SEPARATOR "\n===\n"

static void check_plain(const json_t *tree, const json_t *out, const char *text)
{
    if (!strstr(text, "${") && !strstr(text, "cpbroker/") && !json_object_get(tree, "kind"))
        HOLDS(fuzz_same_json(tree, out));
}

static void check(const json_t *tree, const json_t *values)
{
    CLEANUP_JSON json_t *out = NULL, *again = NULL;
    Error err = {0}, other = {0};
    CLEANUP_FREE char *text = json_text(tree), *given = json_text(values);
    bool good = template_value(tree, values, &out, &err);
    HOLDS(template_value(tree, values, &again, &other) == good);
    CLEANUP_FREE char *text_after = json_text(tree), *given_after = json_text(values);
    HOLDS(strcmp(text, text_after) == 0 && strcmp(given, given_after) == 0);
    if (!good) {
        fuzz_check_error(&err, ERR_INVALID);
        HOLDS(strcmp(err.text, other.text) == 0 && !out && !again);
        return;
    }
    HOLDS(out && fuzz_same_json(out, again));
    HOLDS(!json_object_get(tree, "kind") || json_is_array(out));
    check_plain(tree, out, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP_JSON json_t *tree = NULL, *values = NULL;
    const char *text = (const char *)data, *middle = n ? memmem(text, n, SEPARATOR, strlen(SEPARATOR)) : NULL;
    if (!middle)
        return 0;
    const char *second = middle + strlen(SEPARATOR);
    if (yaml_parse(text, (size_t)(middle - text), "tree", &tree, NULL) && yaml_parse(second, (size_t)(text + n - second), "values", &values, NULL))
        check(tree, values);
    return 0;
}
